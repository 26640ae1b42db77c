"""What the page of a reproduction says of the source report of 2019, beside the general sections:
its tables next to ours, and the verdicts on its ten observations.

Knows verdicts, published numbers and the page's contract; how a figure is drawn is in `claims`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sparring.metrics.statistics import ALPHA, FEWEST
from sparring.report import page
from sparring.report.collect import Report, collect
from sparring.report.groups import Adaptation, adaptations
from sparring.report.picture import Picture
from sparring.report2019.claims.trials import TRIALS
from sparring.report2019.claims.verdicts import Verdict, judge
from sparring.report2019.published import TABLES, Accuracies
from sparring.runs.records import SCENARIOS

HERE = Path(__file__).parent
READ = "Every number and figure here was read from the runs below"

Printed = Mapping[str, Accuracies]
"""What the report printed for the sets that were asked for, by the key of our group."""


def build(out: Path) -> Path:
    """Build the page of a plan that repeats the source report, or tests its claims (`page.build`).

    Where the folder `claims` inside `out` holds the claims' experiments, their verdicts stand here
    too.
    """
    from sparring.report.figures import save  # matplotlib takes a second to import
    from sparring.report2019.claims.figures import drawings

    report = collect(out)
    # The arms of experiments differ in more than the seed: they reproduce no table.
    groups = () if report.experiments else adaptations(report.runs)
    printed = {
        group.key: TABLES[row]
        for group in groups
        if (row := (group.method, *report.asked(group.sets))) in TABLES and not group.config.arm
    }
    verdicts = judge(report)
    sections = [observations(report, verdicts, save(out, drawings(verdicts)))]
    if printed:
        sections.insert(0, tables(report, [g for g in groups if g.key in printed], printed))
    return page.build(out, sections, lead=lead(report), marks=marks(report, groups, printed))


def lead(report: Report) -> str:
    """What the page is, in a sentence or two."""
    if report.experiments:
        tested = ", ".join(report.experiments)
        return f"Experiments on what the source report of February 2019 observed: {tested}. {READ}."
    return (
        "The systems of a report of February 2019 once more: generators of faces, and digit "
        f"classifiers that are carried to a domain without labels. {READ}; what that report says "
        "stands beside them."
    )


def marks(report: Report, groups: Sequence[Adaptation], printed: Printed) -> dict[str, Any]:
    """The printed accuracies as marks beside the bars of our groups."""
    from sparring.report.figures import Marks

    return {
        group.key: Marks(
            f"the report of 2019, {' → '.join(report.asked(group.sets))}",
            dict(zip(SCENARIOS, printed[group.key], strict=True)),
        )
        for group in groups
        if group.key in printed
    }


def tables(report: Report, groups: Sequence[Adaptation], printed: Printed) -> page.Section:
    """Our accuracies with those that the report printed for the same direction."""
    html = _render(report, {}, "tables", groups=groups, printed=printed)
    entries = [
        {
            "key": group.key,
            **dict(zip(("source", "target"), report.asked(group.sets), strict=True)),
            **printed[group.key]._asdict(),
            "gap_closed": printed[group.key].gap_closed,
            "same_data": report.faithful(group.sets),
        }
        for group in groups
    ]
    return page.Section(
        "report2019", "The tables of 2019", html, results={"source_report": entries}
    )


def observations(
    report: Report, verdicts: Sequence[Verdict], pictures: Mapping[str, Picture]
) -> page.Section:
    """The ten claims: what was observed, how it is tested, what the runs say."""
    html = _render(report, pictures, "claims", verdicts=verdicts, trials=TRIALS)
    entries = [
        {
            "id": verdict.claim,
            "claim": verdict.text,
            "compared": TRIALS[verdict.claim].compared,
            "score": TRIALS[verdict.claim].score,
            "test": TRIALS[verdict.claim].test,
            "verdict": verdict.finding.verdict,
            "n": verdict.finding.n,
            "evidence": verdict.evidence,
            "scores": {
                name: {arm: summary.as_dict() for arm, summary in arms.items()}
                for name, arms in verdict.finding.scores.items()
            },
        }
        for verdict in verdicts
    ]
    return page.Section("claims", "The observations of 2019", html, pictures, {"claims": entries})


def _render(report: Report, pictures: Mapping[str, Picture], name: str, **values: Any) -> Markup:
    jinja = page.environment(report, pictures, HERE)
    template = jinja.get_template(f"{name}.html.jinja")
    return Markup(template.render(scenarios=SCENARIOS, alpha=ALPHA, fewest=FEWEST, **values))
