"""Sentences about classifiers between domains, in the names of their classes, and the measures
that stand side by side before and after adaptation.

Knows groups and numbers; knows no figure and no HTML.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sparring.metrics.statistics import Summary
from sparring.report.groups import Adaptation, classifier_scores
from sparring.report.words import number, percent, points
from sparring.runs.folder import Run
from sparring.runs.records import ClassifierScores, Trust

MOST = 3
"""So many classes are named in a sentence."""


@dataclass(frozen=True)
class Measure:
    """A score before and after adaptation. key: in results.json. share: whether it is one."""

    key: str
    words: str
    of: Callable[[ClassifierScores], float | None]
    share: bool = True


def _trusted(score: Callable[[Trust], float]) -> Callable[[ClassifierScores], float | None]:
    return lambda scores: score(scores.trust) if scores.trust else None


def _error(scores: ClassifierScores) -> float | None:
    found = scores.estimated.thresholded_entropy
    return None if scores.accuracy is None else found - scores.accuracy


MEASURES = (
    Measure("mixing", "mixing of the domains (1: full)", lambda s: s.mixing, False),
    Measure("a_distance", "proxy A-distance (2: told apart)", lambda s: s.a_distance, False),
    Measure("calibration_error", "calibration error, %", _trusted(lambda t: t.calibration_error)),
    Measure("temperature", "temperature fitted on the source", lambda s: s.temperature, False),
    Measure(
        "calibration_error_tempered",
        "calibration error after that temperature, %",
        _trusted(lambda t: t.calibration_error_tempered),
    ),
    Measure(
        "risk_coverage_area",
        "area under the risk-coverage curve, %",
        _trusted(lambda t: t.risk_coverage.area),
    ),
    Measure(
        "estimated_accuracy",
        "accuracy estimated without labels (ATC), %",
        lambda s: s.estimated.thresholded_entropy,
    ),
    Measure("estimate_error", "estimate less true accuracy, points", _error),
)


def measured(group: Adaptation) -> list[tuple[Measure, Summary, Summary]]:
    """Each measure over the source-only and over the adapted runs; n is 0 where none has it."""
    return [(m, group.over("source-only", m.of), group.over("adapted", m.of)) for m in MEASURES]


def observations(group: Adaptation) -> list[str]:
    """What accuracy, mixing and mistakes of one pair say, as means over the seeds."""
    lines = _accuracy(group) if group.labelled else _without_accuracy(group)
    source = group.over("adapted", lambda scores: scores.source_accuracy).mean
    if source is not None:
        lines.append(
            f"On its source's test images the adapted network is {percent(source)} % right."
        )
    before, after = (
        group.over(s, lambda scores: scores.mixing).mean for s in ("source-only", "adapted")
    )
    if before is not None and after is not None:
        lines.append(f"Mixing of the domains goes from {number(before)} to {number(after)}.")
    return lines + [line for run in group.of("adapted")[:1] for line in _mistake(run)]


def _accuracy(group: Adaptation) -> list[str]:
    low, adapted = group.over("source-only").mean, group.over("adapted").mean
    if low is None or adapted is None:
        return []
    gap = group.gap_closed.summary.mean
    way = f", {percent(gap)} % of the way to training on the target itself"
    gain = f"Adaptation changes target accuracy by {points(adapted - low)} points"
    return [f"{gain}{'' if gap is None else way}."]


def _without_accuracy(group: Adaptation) -> list[str]:
    """What can be said of a target without labels, by the first run that is shown."""
    scores = classifier_scores(group.shown)
    named = sorted(
        zip(scores.predicted_shares, group.config.label_names, strict=True), reverse=True
    )
    most = ", ".join(f"{name} {percent(share)} %" for share, name in named[:MOST])
    rest = f"; {len(named) - MOST} more classes" if len(named) > MOST else ""
    return [
        "Accuracy: not known, the target has no labels.",
        "Estimated without labels: "
        f"{percent(scores.estimated.thresholded_entropy)} % right (average thresholded confidence, "
        "which trusts that confidence means on the target what it means on the source).",
        f"Of {scores.test_images:,} target images it reads as: {most}{rest}.",
    ]


def _mistake(run: Run) -> list[str]:
    """The most frequent mistake on the target's test images, by the names of the classes."""
    names, table = run.config.label_names, classifier_scores(run).confusion or ()
    mistakes = [
        (count / sum(row), names[true], names[seen])
        for true, row in enumerate(table)
        for seen, count in enumerate(row)
        if true != seen and count
    ]
    if not mistakes:
        return []
    share, true_name, seen_name = max(mistakes)
    return [f"Its most frequent mistake: {share:.0%} of class {true_name} read as {seen_name}."]
