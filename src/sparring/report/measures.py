"""Scores of a classifier that stand side by side before and after adaptation, by name."""

from collections.abc import Callable, Mapping

from sparring.runs.scores import ClassifierScores

Score = Callable[[ClassifierScores], float | None]
MEASURES: Mapping[str, Score] = {
    "mixing": lambda s: s.mixing,
    "a_distance": lambda s: s.a_distance,
    "calibration_error": lambda s: s.trust.calibration_error if s.trust else None,
    "temperature": lambda s: s.temperature,
    "calibration_error_tempered": lambda s: s.trust.calibration_error_tempered if s.trust else None,
    "risk_coverage_area": lambda s: s.trust.risk_coverage.area if s.trust else None,
    "estimated_accuracy": lambda s: s.expected,
    "estimate_error": lambda s: None if s.accuracy is None else s.expected - s.accuracy,
}
"""None where a run has none."""
