"""What the records of classifiers hold beside accuracy, over the seeds of a group or over all runs:
measures before and after adaptation, the choice of a checkpoint, the alarm, who read labels.

Knows runs, groups and statistics; knows no figure and no HTML. Shares and accuracies are fractions.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sparring.measure.statistics import (
    Detector,
    Estimate,
    Rate,
    Summary,
    detector,
    estimate,
    paired_difference,
    summarise,
)
from sparring.report.groups import Adaptation
from sparring.report.runs import Run

FINAL = "final evaluation"
"""The reader that may open target labels; see jobs/labels.py."""
ESTIMATES = {
    "thresholded_entropy": "ATC on negative entropy",
    "thresholded_confidence": "ATC on maximum confidence",
    "average_confidence": "average confidence",
}
"""The estimates of accuracy without labels, in words."""

Score = Callable[[dict[str, Any]], float | None]


def _trust(name: str) -> Score:
    return lambda scores: scores["trust"][name] if "trust" in scores else None


def _area(scores: dict[str, Any]) -> float | None:
    return scores["trust"]["risk_coverage"]["area"] if "trust" in scores else None


def _estimated(scores: dict[str, Any], name: str = "thresholded_entropy") -> float | None:
    return scores["trust"]["estimated_accuracy"][name] if "trust" in scores else None


def _error(scores: dict[str, Any]) -> float | None:
    found = _estimated(scores)
    return None if found is None else found - scores["accuracy"]


@dataclass(frozen=True)
class Measure:
    """A score before and after adaptation. key: in results.json. percent: whether it is a share."""

    key: str
    words: str
    of: Score
    percent: bool

    def over(self, group: Adaptation, scenario: str) -> Summary:
        """The score over the runs of `scenario` that have it."""
        found = (self.of(run.scores) for run in group.of(scenario))
        return summarise(value for value in found if value is not None)


MEASURES = (
    Measure("mixing", "mixing of the domains (1: full)", lambda s: s.get("mixing"), False),
    Measure("a_distance", "proxy A-distance (2: told apart)", lambda s: s.get("a_distance"), False),
    Measure("calibration_error", "calibration error, %", _trust("calibration_error"), True),
    Measure("temperature", "temperature fitted on the source", _trust("temperature"), False),
    Measure(
        "calibration_error_tempered",
        "calibration error after that temperature, %",
        _trust("calibration_error_tempered"),
        True,
    ),
    Measure("risk_coverage_area", "area under the risk-coverage curve, %", _area, True),
    Measure("estimated_accuracy", "accuracy estimated without labels (ATC), %", _estimated, True),
    Measure("estimate_error", "estimate less true accuracy, points", _error, True),
)


def measured(group: Adaptation) -> list[tuple[Measure, Summary, Summary]]:
    """Each measure over the source-only and over the adapted runs; n is 0 where none has it."""
    return [(m, m.over(group, "source-only"), m.over(group, "adapted")) for m in MEASURES]


def estimate_errors(groups: Iterable[Adaptation]) -> dict[str, Summary]:
    """|estimate - truth| of each estimate of accuracy, over all runs that have them, by name."""
    scores = [run.scores for group in groups for run in group.runs if "trust" in run.scores]
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
    def of(cls, groups: Iterable[Adaptation]) -> "Selection":
        """Over the runs of the groups that chose."""
        return cls(tuple(r for g in groups for r in g.of("adapted") if "selection" in r.scores))

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


def comparisons(groups: Iterable[Adaptation]) -> list[Comparison]:
    """Every adapted run that was compared with its twin."""
    return [
        Comparison(run, twin)
        for group in groups
        for twin, run in group.twins
        if run.twin.get("twin") == twin.name
    ]


def alarm(groups: Iterable[Adaptation]) -> Detector:
    """How good the negative-transfer alarm is over all runs that were compared."""
    found = comparisons(groups)
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
    def of(cls, groups: Iterable[Adaptation]) -> "LabelReads":
        """Over all runs of the groups."""
        runs = [run for group in groups for run in group.runs]
        bound, bare = (
            [run for run in runs if (run.scenario == "target-only") == labelled]
            for labelled in (True, False)
        )
        early, above = (
            sum(opening["reader"] != FINAL for run in part for opening in run.openings)
            for part in (bare, bound)
        )
        known = sum(bool(run.openings) for run in bare)
        return cls(early, known, len(bare) - known, above)


def dsn_less_dann(groups: Iterable[Adaptation]) -> dict[tuple[str, str], Estimate]:
    """Adapted accuracy of DSN less DANN's, paired by seed, by pair of domains that both ran on."""
    by_key = {(group.method, group.sets): group.by_seed("adapted") for group in groups}
    return {
        sets: paired_difference(dsn, by_key["dann", sets])
        for (method, sets), dsn in by_key.items()
        if method == "dsn" and by_key.get(("dann", sets), {}).keys() & dsn.keys()
    }
