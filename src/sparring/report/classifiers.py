"""What the records of classifiers hold beside accuracy, over the seeds of a group: measures before
and after adaptation, and DSN beside DANN.

Knows groups and statistics; knows no figure and no HTML. Shares and accuracies are fractions.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sparring.metrics.statistics import Estimate, Summary, paired_difference, summarise
from sparring.report.groups import Adaptation

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


def dsn_less_dann(groups: Iterable[Adaptation]) -> dict[tuple[str, str], Estimate]:
    """Adapted accuracy of DSN less DANN's, paired by seed, by pair of domains that both ran on."""
    by_key = {(group.method, group.sets): group.by_seed("adapted") for group in groups}
    return {
        sets: paired_difference(dsn, by_key["dann", sets])
        for (method, sets), dsn in by_key.items()
        if method == "dsn" and by_key.get(("dann", sets), {}).keys() & dsn.keys()
    }
