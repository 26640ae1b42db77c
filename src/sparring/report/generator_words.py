"""Sentences about generators, each computed from the runs' numbers.

Knows groups and curves; knows no figure and no HTML.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sparring.metrics.fidelity import bias_note
from sparring.metrics.scorecard import Leak
from sparring.metrics.statistics import Summary
from sparring.report.curves import Log, all_settled, end_level, start_level
from sparring.report.groups import Generation
from sparring.report.words import NONE, percent, points, short
from sparring.runs.records import GeneratorScores, Scorecard

STEADY = 0.05
"""A level that changes by less than this share is said to stay."""
NO_MOVE = 0.005
"""A label whose share changes by less does not move."""
_NAMES = {
    "kid": "KID",
    "memorised": "distance to the nearest training image (unseen real ones: 1)",
    "attribute_accuracy": "labels as asked, %",
    "label_accuracy": "labels as asked, %",
    "flipped": "label turns as asked, %",
}
_PERCENT = ("attribute_accuracy", "label_accuracy", "flipped")
_FEW_LABELS = 4
"""Up to so many labels, each is shown first beside the others."""


@dataclass(frozen=True)
class Card:
    """One metric over the seeds, in words."""

    name: str
    value: str


def cards(group: Generation) -> list[Card]:
    """Every metric of the group; a Fréchet distance with the number of images that it is of."""
    return [
        Card(_name(group, name), _value(summary, name in _PERCENT, len(group.runs)))
        for name, summary in group.metrics.items()
    ]


def _name(group: Generation, metric: str) -> str:
    if metric == "frechet" and group.extractor:
        return f"{group.extractor.frechet}, of {group.compared:,} images"
    return _NAMES.get(metric, metric.replace("_", " "))


def _value(summary: Summary, share: bool, runs: int) -> str:
    values = [value for value in (summary.mean, summary.sd) if value is not None]
    text = " ± ".join(percent(v) if share else short(v) for v in values) or NONE
    return text if summary.n == runs else f"{text} (n = {summary.n})"


def notes(group: Generation) -> list[str]:
    """What a reader must know of the numbers: too few images, scores that could not be had."""
    bias = bias_note(group.compared) if group.compared else ""
    return [*filter(None, [bias]), *group.scores.notes]


def players(group: Generation) -> str:
    """Which player has which colour, where the colours say so."""
    names = dict.fromkeys(name for row in group.runs[0].rows() for name in row.losses)
    others = [name for name in names if name != "generator"]
    if "generator" not in names or len(others) != 1:
        return ""
    return f"Generator red, {others[0].replace('_', ' ')} blue. "


def observations(group: Generation) -> list[str]:
    """What the losses and scores of the first seed, and the metrics over all, say."""
    run, metrics = group.runs[0], group.metrics
    lines = _losses(Log.of(run.rows()))
    if "diversity" in metrics:
        lines.append(
            f"Diversity {short(metrics['diversity'].mean)}: how much the samples differ from one "
            "another, pixel by pixel, beside how much real images do (1: as much; near 0: "
            "collapsed)."
        )
    lines += _scored(group.scores)
    return lines + [f"At step {e.step:,} ({e.kind}): {e.what}." for e in run.events.events]


def _losses(log: Log) -> list[str]:
    levels = {name: (start_level(v), end_level(v)) for name, v in log.losses.items()}
    levels = {n: pair for n, pair in levels.items() if all(map(math.isfinite, pair))}
    lines = [f"The {n.replace('_', ' ')}'s loss {_course(*pair)}." for n, pair in levels.items()]
    if "generator" in levels and len(levels) == 2:
        higher = max(levels, key=lambda name: levels[name][1])
        name = higher.replace("_", " ")
        lines.append(f"At the end the {name}'s loss is the higher of the two.")
    time = all_settled(log.losses.values())
    if time is not None:
        stays = f"stay near their final level after {time:.0%} of training"
        which = "Both" if len(levels) == 2 else "All"
        lines.append(f"{which} losses {stays}." if time <= 0.9 else "The losses have not settled.")
    return lines


def _course(start: float, end: float) -> str:
    """How a level went from the first tenth of the training to the last."""
    change = end - start
    verb = "rises" if change > 0 else "falls"
    if abs(change) <= STEADY * abs(start):
        return f"stays near {end:.2f}"
    return f"{verb} from {start:.2f} in the first tenth of training to {end:.2f} in the last"


def _scored(scores: GeneratorScores) -> list[str]:
    lines = []
    if scores.extractor and scores.fidelity:
        known = [(row.frechet, kind) for kind, row in scores.fidelity.items()]
        order = ", ".join(
            f"{kind} {v:.3g}" for v, kind in sorted(k for k in known if k[0] is not None)
        )
        lines.append(f"{scores.extractor.frechet} from real training images, in order: {order}.")
    if scores.scorecard and scores.judge:
        lines += _obeyed(scores.scorecard, scores.judge.skill.accuracy, scores.judge.skill.always)
    return lines


def _obeyed(
    card: Scorecard, known: Mapping[str, float], constant: Mapping[str, float]
) -> list[str]:
    """The judge's accuracy on samples, beside its own and that of a constant answer; one turn."""
    names = [name for name in card.labels if name in known]
    columns = (
        [card.labels[n].value for n in names],
        [known[n] for n in names],
        [constant[n] for n in names],
    )
    seen, real, always = (sum(values) / max(1, len(names)) for values in columns)
    lines = [
        f"The judge sees what was asked for in {seen:.0%} of its answers on samples; on real "
        f"images it is right in {real:.0%}, and one constant answer would be in {always:.0%}."
    ]
    for name, turned in list(card.turned.items())[:1]:
        share = turned.flip.flipped.value
        lines.append(f"Asked for {name}, pairs turn from not {name} to {name} in {share:.0%}.")
        if turned.leakage:
            other, leak = max(turned.leakage.items(), key=lambda item: abs(item[1].drift))
            moves = f"{other} moves most: by {points(leak.drift)} points{_in_reality(leak)}"
            still = abs(leak.drift) < NO_MOVE
            lines.append(f"With {name}, {'nothing else moves' if still else moves}.")
    return lines


def _in_reality(leak: Leak) -> str:
    return "" if leak.real_gap is None else f" (in reality: {points(leak.real_gap)})"


def leaks(card: Scorecard, turned: str) -> list[tuple[str, Leak]]:
    """What else moves when `turned` is turned on, most moved first.

    Where there are few labels, those are shown before attributes that are no label.
    """
    labels = card.labels if len(card.labels) <= _FEW_LABELS else ()
    found = card.turned[turned].leakage.items()
    return sorted(found, key=lambda leak: (leak[0] not in labels, -abs(leak[1].drift)))
