"""What the page of a reproduction says of the source report of 2019, beside the general sections:
its tables next to ours, and the verdicts on its ten observations.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from sparring.metrics.statistics import ALPHA, FEWEST
from sparring.report import page
from sparring.report.collect import Report, collect
from sparring.report.groups import Adaptation, adaptations
from sparring.report.picture import Picture
from sparring.report2019.claims.trials import TRIALS, Finding
from sparring.report2019.claims.verdicts import judge
from sparring.report2019.published import TABLES, Accuracies
from sparring.runs.records import SCENARIOS

if TYPE_CHECKING:  # matplotlib takes a second to import
    from sparring.report.figures import Drawing

HERE = Path(__file__).parent
LEAD = (
    "The systems of a report of February 2019 once more: generators of faces, and digit "
    "classifiers that are carried to a domain without labels. Every number and figure here was "
    "read from the runs below; what that report says stands beside them."
)

Printed = Mapping[Adaptation, Accuracies]
"""What the report printed for the sets that were asked for, by our group."""


def build(out: Path) -> Path:
    """Build the page of a plan that repeats the source report, or tests its claims (`page.build`).

    Where the folder `claims` inside `out` holds the claims' experiments, their verdicts stand here
    too.
    """
    from sparring.report.figures import Marks, save

    report = collect(out)
    # The arms of experiments differ in more than the seed: they reproduce no table.
    groups = () if report.experiments else adaptations(report.runs)
    printed = {
        group: TABLES[row]
        for group in groups
        if (row := (group.method, *report.asked(group.sets))) in TABLES and not group.config.arm
    }
    findings = judge(report)
    drawn = [drawing for item in findings.items() if (drawing := strips(*item))]
    sections = [observations(report, findings, save(out, drawn))]
    if printed:
        sections.insert(0, tables(report, printed))
    marks = {
        group.key: Marks(
            f"the report of 2019, {' → '.join(report.asked(group.sets))}",
            dict(zip(SCENARIOS, accuracies, strict=True)),
        )
        for group, accuracies in printed.items()
    }
    lead = LEAD
    if report.experiments:
        tested = ", ".join(report.experiments)
        lead = f"Experiments on what the source report of February 2019 observed: {tested}."
    return page.build(out, sections, lead=lead, marks=marks)


def strips(claim: str, finding: Finding) -> "Drawing | None":
    """Every run's score, by arm; None where there are not two runs to compare."""
    from sparring.report import score_plots
    from sparring.report.figures import Drawing

    scores = {
        name: {arm: summary.runs for arm, summary in arms.items() if summary.n}
        for name, arms in finding.scores.items()
    }
    panels = {name: arms for name, arms in scores.items() if sum(map(len, arms.values())) > 1}
    if not panels:
        return None
    title = f"{claim}: every run, by arm"
    caption = f"{TRIALS[claim].claim} Each dot is a run, each bar a mean. {finding.on}"
    figure = score_plots.strips(panels, title)
    return Drawing(f"claim-{claim}", figure, title, finding.sets, caption)


def tables(report: Report, printed: Printed) -> page.Section:
    """Our accuracies with those that the report printed for the same direction."""
    html = _render(report, {}, "tables", printed=printed)
    entries = [
        {
            "key": group.key,
            **dict(zip(("source", "target"), report.asked(group.sets), strict=True)),
            **accuracies._asdict(),
            "gap_closed": accuracies.gap_closed,
            "same_data": report.faithful(group.sets),
        }
        for group, accuracies in printed.items()
    ]
    return page.Section(
        "report2019", "The tables of 2019", html, results={"source_report": entries}
    )


def observations(
    report: Report, findings: Mapping[str, Finding], pictures: Mapping[str, Picture]
) -> page.Section:
    """The ten claims: what was observed, how it is tested, what the runs say."""
    html = _render(report, pictures, "claims", findings=findings, trials=TRIALS)
    entries = [
        {
            "id": claim,
            **{
                part: getattr(TRIALS[claim], part)
                for part in ("claim", "compared", "score", "test")
            },
            "verdict": finding.verdict,
            "n": finding.n,
            "evidence": f"{finding.evidence} {finding.on}".strip(),
            "scores": {
                name: {arm: summary.as_dict() for arm, summary in arms.items()}
                for name, arms in finding.scores.items()
            },
        }
        for claim, finding in findings.items()
    ]
    return page.Section("claims", "The observations of 2019", html, pictures, {"claims": entries})


def _render(report: Report, pictures: Mapping[str, Picture], name: str, **values: Any) -> Markup:
    jinja = page.environment(report, pictures, HERE)
    template = jinja.get_template(f"{name}.html.jinja")
    return Markup(template.render(scenarios=SCENARIOS, alpha=ALPHA, fewest=FEWEST, **values))
