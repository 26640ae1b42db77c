"""Sentences about generators, each computed from the runs' numbers.

Knows groups and curves; knows no figure and no HTML.
"""

import math

from sparring.metrics.fidelity import bias_note
from sparring.metrics.scorecard import Leak
from sparring.report.curves import Log, all_settled, end_level, start_level
from sparring.report.groups import Generation
from sparring.report.words import number
from sparring.runs.records import Scorecard

STEADY = 0.05
"""A level that changes by less than this share is said to stay."""
FEW_LABELS = 4
"""Up to so many labels, each is shown first beside the others."""


def notes(group: Generation) -> list[str]:
    """What a reader must know of the numbers: too few images, scores that could not be had."""
    bias = bias_note(group.compared) if group.compared else ""
    return [*filter(None, [bias]), *group.scores.notes]


def players(group: Generation) -> str:
    """Which player has which colour, where the colours say so."""
    names = dict.fromkeys(name for row in group.runs[0].rows() for name in row.losses)
    others = [name.replace("_", " ") for name in names if name != "generator"]
    return f"Generator red, {others[0]} blue." if len(names) == 2 and len(others) == 1 else ""


def observations(group: Generation) -> list[str]:
    """What the losses of the first seed, and diversity over all, say."""
    lines, metrics = _losses(Log.of(group.runs[0].rows())), group.metrics
    if "diversity" in metrics:
        lines.append(
            f"Diversity {number(metrics['diversity'].mean)}: how much the samples differ from one "
            "another, pixel by pixel, beside how much real images do (1: as much; near 0: "
            "collapsed)."
        )
    return lines


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


def leaks(card: Scorecard, turned: str) -> list[tuple[str, Leak]]:
    """What else moves when `turned` is turned on, most moved first.

    Where there are few labels, those are shown before attributes that are no label.
    """
    labels = card.labels if len(card.labels) <= FEW_LABELS else ()
    found = card.turned[turned].leakage.items()
    return sorted(found, key=lambda leak: (leak[0] not in labels, -abs(leak[1].drift)))
