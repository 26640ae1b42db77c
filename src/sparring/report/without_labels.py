"""What works without target labels, and how good it is, over any runs of classifiers: the choice of
a state, the negative-transfer alarm, estimates of accuracy; and who read labels.

Knows runs and statistics; knows no group and no page. Generators among the runs count for nothing.
Accuracies are fractions.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from statistics import fmean
from typing import Any, NamedTuple

import msgspec

from sparring.metrics.calibration import AccuracyEstimates
from sparring.metrics.statistics import Detector, Estimate, Summary, detector, estimate, summarise
from sparring.runs.folder import Run
from sparring.runs.records import TransferAlarm
from sparring.runs.scores import ClassifierScores, Selection


def _scored(runs: Iterable[Run]) -> list[tuple[Run, ClassifierScores]]:
    return [(run, run.scores) for run in runs if isinstance(run.scores, ClassifierScores)]


def estimate_errors(runs: Iterable[Run]) -> dict[str, Summary]:
    """|estimate - truth| of each estimate of accuracy, over all runs with labels, by name."""
    known = [(s.estimated, s.accuracy) for _, s in _scored(runs) if s.accuracy is not None]
    return {
        field.name: summarise(abs(getattr(found, field.name) - truth) for found, truth in known)
        for field in fields(AccuracyEstimates)
        if known
    }


@dataclass(frozen=True)
class Choices:
    """What choosing a state without target labels would have been worth, over `runs`."""

    runs: tuple[tuple[Run, Selection], ...]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> "Choices":
        """Over those of `runs` that kept several states."""
        return cls(tuple((run, s.selection) for run, s in _scored(runs) if s.selection))

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
        found: dict[str, list[float]] = {}
        for _, choice in self.runs:
            for name, value in choice.rank_correlation.items():
                found.setdefault(name, []).extend([] if value is None else [value])
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


class Comparison(NamedTuple):
    """An adapted run, its source-only twin, and what the alarm said of them without labels.

    change: the truth, accuracy on the target less the twin's; None without labels.
    """

    run: Run
    twin: Run
    alarm: TransferAlarm
    change: float | None

    def as_dict(self) -> dict[str, Any]:
        """For results.json."""
        worse = None if self.change is None else self.change < 0
        return {"run": self.run.name, "worse": worse} | msgspec.to_builtins(self.alarm)


def comparisons(runs: Iterable[Run]) -> list[Comparison]:
    """Every adapted run that was compared with its twin, where both are among `runs`."""
    by_path = {run.path: (run, scores.accuracy) for run, scores in _scored(runs)}
    found = []
    for run, mine in by_path.values():
        if run.alarm and (pair := by_path.get(run.path.parent / run.alarm.twin)):
            twin, its = pair
            change = None if mine is None or its is None else mine - its
            found.append(Comparison(run, twin, run.alarm, change))
    return found


def alarm(runs: Iterable[Run]) -> Detector:
    """How good the negative-transfer alarm is over all runs that were compared, with labels."""
    known = [(one.alarm.rings, one.change) for one in comparisons(runs) if one.change is not None]
    return detector([rings for rings, _ in known], [change < 0 for _, change in known])


def alarm_as_dict(found: Detector) -> dict[str, Any]:
    """For results.json; rates with Wilson's interval, None where nothing was to be judged."""
    rates = {name: getattr(found, name) for name in ("sensitivity", "specificity", "right")}
    known = {name: rate and asdict(rate) for name, rate in rates.items()}
    return asdict(found) | known | {"balanced_accuracy": found.balanced_accuracy}


class LabelReads(NamedTuple):
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
        classifiers = [run for run, _ in _scored(runs)]
        bare = [run for run in classifiers if run.config.scenario != "target-only"]
        early = sum(map(_early, bare))
        return cls(early, len(bare), sum(map(_early, classifiers)) - early)


def _early(run: Run) -> int:
    return sum(opening.reader != "final evaluation" for opening in run.openings.openings)
