"""What runs say about the source report's ten observations: holds, fails or undecided.

Knows the runs of a report, and the arms of experiments; how each claim is tested is in `trials`.
Where `sparring claims` has run a claim's experiment, that decides; else what the reproduction's own
runs say of it, which is often too little.
"""

from collections.abc import Iterator
from dataclasses import replace

from sparring.metrics.fidelity import bias_note
from sparring.report.collect import Arm, Arms, Report
from sparring.report2019.claims.trials import TRIALS, Finding
from sparring.report2019.plan import DIGITS, LABEL_SETS
from sparring.runs.folder import Run
from sparring.runs.records import SCENARIOS, Config
from sparring.runs.scores import GeneratorScores


def judge(report: Report) -> dict[str, Finding]:
    """What was found about each claim ("C1", ...), in order."""
    return {claim: _judge(report, claim) for claim in TRIALS}


def _judge(report: Report, claim: str) -> Finding:
    trial = TRIALS[claim]
    tested = [one for one in (report, report.tests) if one and claim in one.experiments]
    on = tested[0] if tested else report
    arms = on.experiments[claim] if tested else observed(report).get(claim, {})
    if not any(arm.runs or arm.gave_up for arm in arms.values()):
        return Finding("undecided", 0, "No experiment for this claim in these runs.", {})
    finding = trial.judge(arms)
    runs = [run for arm in arms.values() for run in arm.runs]
    sets = tuple(dict.fromkeys(name for run in runs for name in run.config.sets))
    if trial.names_data and not on.faithful(sets):
        words = f"{finding.evidence} The claim is about the sets that it names, not about these."
        finding = replace(finding, verdict="undecided", evidence=words)
    return replace(finding, on=" ".join(_on(on, runs, sets)), sets=sets)


def _on(report: Report, runs: list[Run], sets: tuple[str, ...]) -> Iterator[str]:
    """The budget, the data and the features of an experiment, in sentences."""
    lengths = sorted({(r.config.training.steps, r.config.training.batch_size) for r in runs})
    steps = ", ".join(f"{steps:,} steps of {batch}" for steps, batch in lengths)
    yield f"Budget {report.plan.budget}: {steps}. Data: {', '.join(map(report.label, sets))}."
    for scores in (run.scores for run in runs):
        if isinstance(scores, GeneratorScores) and (drawn := scores.fidelity.get("generated")):
            n = drawn.n_drawn  # fewer than were asked for where the set has no more
            yield f"Fréchet distances on features of {drawn.extractor}, over {n:,} images."
            if note := bias_note(n):
                yield note
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
        return Arm(tuple(found.get((method, what, scenario), ())))

    dcgan = arm("dcgan", "", "generation")
    acgans = {labels: arm("acgan", labels, "generation") for labels in LABEL_SETS}
    length = _steps(acgans["all"])  # a short budget trains the one on Smiling for longer
    ways = {"there": " → ".join(DIGITS), "back": " → ".join(DIGITS[::-1])}
    dann = arm("dann", ways["there"])
    return {
        "C4": {"DCGAN": dcgan, "ACGAN": acgans["Smiling"]},
        "C5": {labels: one for labels, one in acgans.items() if _steps(one) == length},
        "C6": {"DCGAN": dcgan, "DANN": dann},
        "C7": {f"{w}, {s}": arm("dann", ways[w], s) for w in ways for s in SCENARIOS},
        "C8": {"DSN": arm("dsn", ways["there"]), "DANN": dann},
    }


def _steps(arm: Arm) -> set[int]:
    return {run.config.training.steps for run in arm.runs}


def _form(report: Report, config: Config) -> tuple[str, ...]:
    """Method, labels of a generator or roles of a classifier's data, and scenario."""
    what = " → ".join(report.asked(config.sets))
    if config.scenario == "generation":
        names = ",".join(config.label_names)
        what = names if names in ("", *LABEL_SETS) else "all"
    return config.method, what, config.scenario
