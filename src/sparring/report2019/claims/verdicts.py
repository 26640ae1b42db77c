"""What runs say about the source report's ten observations: holds, fails or undecided.

Knows groups of runs, and the arms of experiments; how each claim is tested is in `trials`. Where
`sparring claims` has run a claim's experiment, that decides; else what the reproduction's own runs
say of it, which is often too little.
"""

from dataclasses import dataclass

from sparring.report.collect import Arm, Arms, Reproduction
from sparring.report.groups import Adaptation, Generation
from sparring.report.runs import Run
from sparring.report2019.claims import trials
from sparring.report2019.claims.trials import Decision, Finding
from sparring.report2019.published import CLAIMS, TABLES, Accuracies, Claim


@dataclass(frozen=True)
class Verdict:
    """A claim, what was found, and on what.

    on: a sentence that names budget and data. sets: the data.
    """

    claim: Claim
    finding: Finding
    on: str = ""
    sets: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Of the figure of its arms."""
        return f"claim-{self.claim.id}"

    @property
    def verdict(self) -> Decision:
        """holds, fails or undecided."""
        return self.finding.verdict

    @property
    def evidence(self) -> str:
        """What was seen, in plain sentences."""
        return " ".join([self.finding.evidence, self.on]).strip()

    @property
    def n(self) -> int:
        """Seeds that bear on it."""
        return self.finding.n


@dataclass(frozen=True)
class Evidence:
    """Everything that a claim may be judged on."""

    rep: Reproduction
    generators: tuple[Generation, ...]
    adaptations: tuple[Adaptation, ...]

    def generator(self, key: str) -> Generation | None:
        """The generator with this key in results.json, if it ran."""
        return next((group for group in self.generators if group.key == key), None)

    def printed(self, group: Adaptation) -> Accuracies | None:
        """What the report printed for the sets asked for; None where this is no reproduction."""
        asked = self.rep.asked(group.sets)
        return TABLES.get((group.method, *asked)) if self.rep.reproduces else None


def judge(evidence: Evidence) -> tuple[Verdict, ...]:
    """One verdict for each claim, in order; none where the plan does not repeat the report."""
    if not evidence.rep.reproduces:
        return ()
    return tuple(_judge(evidence, claim) for claim in CLAIMS)


def _judge(evidence: Evidence, claim: Claim) -> Verdict:
    for rep in (evidence.rep, evidence.rep.tests):
        if rep is not None and claim.id in rep.experiments:
            arms = rep.experiments[claim.id]
            break
    else:
        rep, arms = evidence.rep, _own(evidence).get(claim.id, {})
    if not any(arm.runs or arm.gave_up for arm in arms.values()):
        return Verdict(
            claim, Finding("undecided", 0, "No experiment for this claim in these runs.")
        )
    finding = trials.TRIALS[claim.id](arms)
    runs = [run for arm in arms.values() for run in arm.runs]
    sets = tuple(dict.fromkeys(name for run in runs for name in run.sets))
    if claim.names_data and not rep.faithful(sets):
        words = f"{finding.evidence} The claim is about the sets that it names, not about these."
        finding = Finding("undecided", finding.n, words, finding.scores)
    return Verdict(claim, finding, _on(rep, runs, sets), sets)


def _on(rep: Reproduction, runs: list[Run], sets: tuple[str, ...]) -> str:
    """The budget and the data of an experiment, in a sentence."""
    lengths = sorted({(run.training["steps"], run.training["batch_size"]) for run in runs})
    steps = ", ".join(f"{steps:,} steps of {batch}" for steps, batch in lengths)
    return f"Budget {rep.budget}: {steps}. Data: {', '.join(rep.use(s).label for s in sets)}."


def _own(evidence: Evidence) -> dict[str, Arms]:
    """What the reproduction's own runs have of the claims' experiments."""
    drawn = {group.key: _arm(group.runs) for group in evidence.generators}
    sets = ("Smiling", "Smiling+Male", "all")
    labels = {name: drawn.get("acgan" if name == "Smiling" else f"acgan[{name}]") for name in sets}
    there = {
        group.method: group
        for group in evidence.adaptations
        if evidence.rep.asked(group.sets) == ("mnist-m", "svhn")
    }
    back = {(group.method, group.sets[::-1]): group for group in evidence.adaptations}
    adapted = {name: _arm(group.of("adapted")) for name, group in there.items()}
    experiments: dict[str, dict[str, Arm | None]] = {
        "C4": {"DCGAN": drawn.get("dcgan"), "ACGAN": drawn.get("acgan")},
        "C5": {name.replace("+", ","): arm for name, arm in labels.items()},
        "C6": {"DCGAN": drawn.get("dcgan"), "DANN": adapted.get("dann")},
        "C8": {"DSN": adapted.get("dsn"), "DANN": adapted.get("dann")},
    }
    if (dann := there.get("dann")) and (reverse := back.get(("dann", dann.sets))):
        experiments["C7"] = {
            f"{way}, {scenario}": _arm(group.of(scenario))
            for way, group in (("there", dann), ("back", reverse))
            for scenario in ("source-only", "adapted", "target-only")
        }
    return {
        claim: {name: arm for name, arm in arms.items() if arm is not None}
        for claim, arms in experiments.items()
    }


def _arm(runs: tuple[Run, ...]) -> Arm:
    return Arm(runs, len(runs))
