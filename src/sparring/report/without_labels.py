"""What works without target labels, and how good it is, over any runs of classifiers: the choice of
a checkpoint, the negative-transfer alarm, estimates of accuracy; and who read labels.

Knows runs and statistics; knows no group, no figure and no HTML. Generators among the runs count
for nothing. Accuracies are fractions.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sparring.metrics.statistics import (
    Detector,
    Estimate,
    Rate,
    Summary,
    detector,
    estimate,
    summarise,
)
from sparring.report.runs import Run

FINAL = "final evaluation"
"""The reader that may open target labels; see jobs/labels.py."""
ESTIMATES = {
    "thresholded_entropy": "ATC on negative entropy",
    "thresholded_confidence": "ATC on maximum confidence",
    "average_confidence": "average confidence",
}
"""The estimates of accuracy without labels, in words."""


def estimate_errors(runs: Iterable[Run]) -> dict[str, Summary]:
    """|estimate - truth| of each estimate of accuracy, over all runs that have them, by name."""
    scores = [run.scores for run in runs if "trust" in run.scores]
    return {
        name: summarise(
            abs(one["trust"]["estimated_accuracy"][name] - one["accuracy"]) for one in scores
        )
        for name in ESTIMATES
        if scores
    }


@dataclass(frozen=True)
class Selection:
    """What choosing without target labels was worth, over `runs`."""

    runs: tuple[Run, ...]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> "Selection":
        """Over those of `runs` that chose."""
        return cls(tuple(run for run in runs if "selection" in run.scores))

    @property
    def loss(self) -> Estimate:
        """Oracle's accuracy less that of the chosen checkpoint."""
        return self._difference("oracle", "chosen")

    @property
    def over_last(self) -> Estimate:
        """Accuracy of the chosen checkpoint less the last one's."""
        return self._difference("chosen", "last")

    def _difference(self, better: str, worse: str) -> Estimate:
        chosen = [run.scores["selection"] for run in self.runs]
        return estimate(one[better]["accuracy"] - one[worse]["accuracy"] for one in chosen)

    @property
    def validators(self) -> dict[str, Summary]:
        """Rank correlation of each validator with the true accuracy, best mean first."""
        tables = [run.scores["selection"]["validators"] for run in self.runs]
        found = {
            name: summarise(
                table[name]["rank_correlation"]
                for table in tables
                if name in table and table[name]["rank_correlation"] is not None
            )
            for name in dict.fromkeys(name for table in tables for name in table)
        }
        return dict(sorted(found.items(), key=lambda item: -_mean(item[1])))

    def as_dict(self) -> dict[str, Any]:
        """For results.json."""
        return {
            "n": len(self.runs),
            "oracle_less_chosen": self.loss.as_dict(),
            "chosen_less_last": self.over_last.as_dict(),
            "rank_correlation": {n: s.as_dict() for n, s in self.validators.items()},
        }


def _mean(summary: Summary) -> float:
    return -2.0 if summary.mean is None else summary.mean


@dataclass(frozen=True)
class Comparison:
    """An adapted run, its source-only twin, and what the alarm said of them without labels."""

    run: Run
    twin: Run

    @property
    def rings(self) -> bool:
        return bool(self.run.twin["rings"])

    @property
    def worse(self) -> bool:
        """The truth: less accurate on the target's test images than the twin."""
        return bool(self.run.scores["accuracy"] < self.twin.scores["accuracy"])

    def as_dict(self) -> dict[str, Any]:
        """For results.json."""
        return {"run": self.run.name, "worse": self.worse} | self.run.twin


def comparisons(runs: Iterable[Run]) -> list[Comparison]:
    """Every adapted run that was compared with its twin, where both are among `runs`."""
    by_path = {run.folder.path: run for run in runs}
    twins = {
        path: by_path.get(path.parent / run.twin["twin"])
        for path, run in by_path.items()
        if run.twin
    }
    return [Comparison(by_path[path], twin) for path, twin in twins.items() if twin is not None]


def alarm(runs: Iterable[Run]) -> Detector:
    """How good the negative-transfer alarm is over all runs that were compared."""
    found = comparisons(runs)
    return detector([one.rings for one in found], [one.worse for one in found])


def alarm_as_dict(found: Detector) -> dict[str, Any]:
    """For results.json; rates with Wilson's interval, None where nothing was to be judged."""

    def known(value: Rate | None) -> dict[str, Any] | None:
        return None if value is None else asdict(value)

    rates = {name: known(getattr(found, name)) for name in ("sensitivity", "specificity", "right")}
    return asdict(found) | rates | {"balanced_accuracy": found.balanced_accuracy}


@dataclass(frozen=True)
class LabelReads:
    """Who opened target labels, by the records of runs that must not train on them.

    early: openings before the final evaluation. runs: how many runs have a record. unknown: how
    many have none. upper_bound: openings by target-only runs, which train on them by definition.
    """

    early: int
    runs: int
    unknown: int
    upper_bound: int

    @classmethod
    def of(cls, runs: Iterable[Run]) -> "LabelReads":
        """Over all classifiers among `runs`."""
        classifiers = [run for run in runs if run.scenario != "generation"]
        bound, bare = (
            [run for run in classifiers if (run.scenario == "target-only") == labelled]
            for labelled in (True, False)
        )
        early, above = (
            sum(opening["reader"] != FINAL for run in part for opening in run.openings)
            for part in (bare, bound)
        )
        known = sum(bool(run.openings) for run in bare)
        return cls(early, known, len(bare) - known, above)
