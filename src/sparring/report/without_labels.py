"""What works without target labels, and how good it is, over any runs of classifiers: the choice of
a state, the negative-transfer alarm, estimates of accuracy; and who read labels.

Knows runs and statistics; knows no group, no figure and no HTML. Generators among the runs count
for nothing. Accuracies are fractions.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import msgspec

from sparring.metrics.statistics import (
    Detector,
    Estimate,
    Summary,
    detector,
    estimate,
    summarise,
)
from sparring.runs.folder import Run
from sparring.runs.records import ClassifierScores, Selection, TransferAlarm

FINAL = "final evaluation"
"""The reader that may open target labels."""
ESTIMATES = {
    "thresholded_entropy": "ATC on negative entropy",
    "thresholded_confidence": "ATC on maximum confidence",
    "average_confidence": "average confidence",
}
"""The estimates of accuracy without labels, in words."""


def estimate_errors(runs: Iterable[Run]) -> dict[str, Summary]:
    """|estimate - truth| of each estimate of accuracy, over all runs with labels, by name."""
    known = [(s.estimated, s.accuracy) for s in _scores(runs) if s.accuracy is not None]
    return {
        name: summarise(abs(getattr(estimated, name) - truth) for estimated, truth in known)
        for name in ESTIMATES
        if known
    }


def _scores(runs: Iterable[Run]) -> list[ClassifierScores]:
    return [run.scores for run in runs if isinstance(run.scores, ClassifierScores)]


@dataclass(frozen=True)
class Choices:
    """What choosing a state without target labels would have been worth, over `runs`."""

    runs: tuple[tuple[Run, Selection], ...]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> "Choices":
        """Over those of `runs` that kept several states."""
        scored = ((r, r.scores) for r in runs if isinstance(r.scores, ClassifierScores))
        return cls(tuple((run, s.selection) for run, s in scored if s.selection))

    @property
    def same(self) -> int:
        """In how many runs the chosen state is the last one."""
        return sum(choice.chosen == len(choice.candidates) - 1 for _, choice in self.runs)

    @property
    def loss(self) -> Estimate:
        """Accuracy of the best state less that of the chosen one, over runs with labels."""
        return estimate(max(found) - found[chosen] for found, chosen in self._accuracies)

    @property
    def over_last(self) -> Estimate:
        """Accuracy of the chosen state less the last one's, over runs with labels."""
        return estimate(found[chosen] - found[-1] for found, chosen in self._accuracies)

    @property
    def _accuracies(self) -> list[tuple[list[float], int]]:
        tables = [([c.accuracy for c in s.candidates], s.chosen) for _, s in self.runs]
        return [([a for a in t if a is not None], n) for t, n in tables if None not in t]

    @property
    def validators(self) -> dict[str, Summary]:
        """Rank correlation of each validator with the true accuracy, best mean first."""
        tables = [choice.rank_correlation for _, choice in self.runs]
        found: dict[str, list[float]] = {name: [] for table in tables for name in table}
        for name, values in found.items():
            values += [value for table in tables if (value := table.get(name)) is not None]
        best = sorted(found, key=lambda name: -fmean(found[name] or [-2]))
        return {name: summarise(found[name]) for name in best}

    def as_dict(self) -> dict[str, Any]:
        """For results.json."""
        return {
            "n": len(self.runs),
            "oracle_less_chosen": self.loss.as_dict(),
            "chosen_less_last": self.over_last.as_dict(),
            "rank_correlation": {n: s.as_dict() for n, s in self.validators.items()},
        }


@dataclass(frozen=True)
class Comparison:
    """An adapted run, its source-only twin, and what the alarm said of them without labels."""

    run: Run
    twin: Run
    alarm: TransferAlarm

    @property
    def change(self) -> float | None:
        """The truth: accuracy on the target's test images less the twin's; None without labels."""
        mine, its = (s.accuracy for s in _scores([self.run, self.twin]))
        return None if mine is None or its is None else mine - its

    def as_dict(self) -> dict[str, Any]:
        """For results.json."""
        worse = None if self.change is None else self.change < 0
        return {"run": self.run.name, "worse": worse} | msgspec.to_builtins(self.alarm)


def comparisons(runs: Iterable[Run]) -> list[Comparison]:
    """Every adapted run that was compared with its twin, where both are among `runs`."""
    by_path = {run.path: run for run in runs}
    alarms = [(run, run.alarm) for run in by_path.values() if run.alarm]
    twins = [(run, by_path.get(run.path.parent / found.twin), found) for run, found in alarms]
    return [Comparison(run, twin, found) for run, twin, found in twins if twin]


def alarm(runs: Iterable[Run]) -> Detector:
    """How good the negative-transfer alarm is over all runs that were compared, with labels."""
    found = [(one.alarm.rings, one.change) for one in comparisons(runs)]
    known = [(rings, change < 0) for rings, change in found if change is not None]
    return detector([rings for rings, _ in known], [worse for _, worse in known])


def alarm_as_dict(found: Detector) -> dict[str, Any]:
    """For results.json; rates with Wilson's interval, None where nothing was to be judged."""
    rates = {name: getattr(found, name) for name in ("sensitivity", "specificity", "right")}
    known = {name: rate and asdict(rate) for name, rate in rates.items()}
    return asdict(found) | known | {"balanced_accuracy": found.balanced_accuracy}


@dataclass(frozen=True)
class LabelReads:
    """Who opened target labels, by the records of runs that must not train on them.

    early: openings before the final evaluation. runs: how many such runs there are.
    upper_bound: openings by target-only runs, which train on them by definition.
    """

    early: int
    runs: int
    upper_bound: int

    @classmethod
    def of(cls, runs: Iterable[Run]) -> "LabelReads":
        """Over all classifiers among `runs`."""
        classifiers = [run for run in runs if run.config.scenario != "generation"]
        bare = [run for run in classifiers if run.config.scenario != "target-only"]
        early = sum(map(_early, bare))
        return cls(early, len(bare), sum(map(_early, classifiers)) - early)


def _early(run: Run) -> int:
    return sum(opening.reader != FINAL for opening in run.openings.openings)
