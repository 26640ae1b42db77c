"""What runs say about the source report's ten observations: holds, fails or undecided.

Knows the runs of a report, and the arms of experiments; how each claim is tested is in `trials`.
Where `sparring claims` has run a claim's experiment, that decides; else what the reproduction's own
runs say of it, which is often too little.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sparring.metrics.fidelity import bias_note
from sparring.report.collect import Arm, Arms, Report
from sparring.report2019.claims.comparisons import Finding
from sparring.report2019.claims.trials import TRIALS
from sparring.report2019.plan import DIGITS, LABEL_SETS
from sparring.report2019.published import CLAIMS, NAMES_DATA
from sparring.runs.folder import Run
from sparring.runs.records import SCENARIOS, Config, GeneratorScores

NOTHING = Finding("undecided", 0, "No experiment for this claim in these runs.", {})


@dataclass(frozen=True)
class Verdict:
    """What was found about a claim ("C1"), and on what. on: budget and data, in sentences."""

    claim: str
    finding: Finding
    on: str = ""
    sets: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Of the figure of its arms."""
        return f"claim-{self.claim}"

    @property
    def text(self) -> str:
        """The claim in words."""
        return CLAIMS[self.claim]

    @property
    def evidence(self) -> str:
        """What was seen, in plain sentences."""
        return f"{self.finding.evidence} {self.on}".strip()


def judge(report: Report) -> tuple[Verdict, ...]:
    """One verdict for each claim, in order."""
    return tuple(_judge(report, claim) for claim in CLAIMS)


def _judge(report: Report, claim: str) -> Verdict:
    tested = [one for one in (report, report.tests) if one and claim in one.experiments]
    on = tested[0] if tested else report
    arms = on.experiments[claim] if tested else observed(report).get(claim, {})
    if not any(arm.runs or arm.gave_up for arm in arms.values()):
        return Verdict(claim, NOTHING)
    finding = TRIALS[claim].judge(arms)
    runs = [run for arm in arms.values() for run in arm.runs]
    sets = tuple(dict.fromkeys(name for run in runs for name in run.config.sets))
    if claim in NAMES_DATA and not on.faithful(sets):
        words = f"{finding.evidence} The claim is about the sets that it names, not about these."
        finding = Finding("undecided", finding.n, words, finding.scores)
    return Verdict(claim, finding, " ".join(filter(None, _on(on, runs, sets))), sets)


def _on(report: Report, runs: list[Run], sets: tuple[str, ...]) -> Iterator[str]:
    """The budget, the data and the features of an experiment, in sentences."""
    lengths = sorted({(r.config.training.steps, r.config.training.batch_size) for r in runs})
    steps = ", ".join(f"{steps:,} steps of {batch}" for steps, batch in lengths)
    yield f"Budget {report.plan.budget}: {steps}. Data: {', '.join(map(report.label, sets))}."
    for config, scores in ((run.config, run.scores) for run in runs):
        if isinstance(scores, GeneratorScores) and scores.extractor and config.judging:
            n = config.judging.images
            yield f"Fréchet distances on features of {scores.extractor.name}, over {n:,} images."
            yield bias_note(n) or ""
            return


def observed(report: Report) -> dict[str, Arms]:
    """What a reproduction's own runs have of the claims' experiments; nothing of other runs."""
    if report.plan.purpose != "reproduction":
        return {}
    found: dict[tuple[str, ...], list[Run]] = {}
    for run in report.runs:
        if not run.config.arm:
            found.setdefault(_form(report, run.config), []).append(run)

    def arm(method: str, what: str, scenario: str = "adapted") -> Arm:
        runs = found.get((method, what, scenario), [])
        return Arm(tuple(runs), len(runs))

    dcgan = arm("dcgan", "", "generation")
    acgans = {labels: arm("acgan", labels, "generation") for labels in LABEL_SETS}
    ways = {"there": " → ".join(DIGITS), "back": " → ".join(DIGITS[::-1])}
    dann = arm("dann", ways["there"])
    return {
        "C4": {"DCGAN": dcgan, "ACGAN": acgans["Smiling"]},
        "C5": acgans,
        "C6": {"DCGAN": dcgan, "DANN": dann},
        "C7": {f"{w}, {s}": arm("dann", ways[w], s) for w in ways for s in SCENARIOS},
        "C8": {"DSN": arm("dsn", ways["there"]), "DANN": dann},
    }


def _form(report: Report, config: Config) -> tuple[str, ...]:
    """Method, labels of a generator or roles of a classifier's data, and scenario."""
    what = " → ".join(report.asked(config.sets))
    if config.scenario == "generation":
        names = ",".join(config.label_names)
        what = names if names in ("", *LABEL_SETS) else "all"
    return config.method, what, config.scenario
