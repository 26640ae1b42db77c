"""Sentences about single groups of runs, each computed from the runs' numbers.

Knows groups and curves; knows nothing of 2019 and of HTML.
"""

import math

from sparring.report.claims import settled
from sparring.report.collect import Run
from sparring.report.curves import end_level, start_level
from sparring.report.groups import Adaptation, Generation

STEADY = 0.05
"""A level that changes by less than this share is said to stay."""


def of_generator(group: Generation) -> list[str]:
    """What the losses and metrics of the first seed, and the metrics over all, say."""
    lines = _losses(group.runs[0])
    metrics = group.metrics
    if "diversity" in metrics:
        lines.append(
            f"Diversity {number(metrics['diversity'].mean)}: how much the samples differ from one "
            "another, pixel by pixel, beside how much real images do (1: as much; near 0: "
            "collapsed)."
        )
    return lines


def _losses(run: Run) -> list[str]:
    levels = {n: (start_level(v), end_level(v)) for n, v in run.log.losses.items()}
    levels = {n: pair for n, pair in levels.items() if all(map(math.isfinite, pair))}
    lines = [f"The {n.replace('_', ' ')}'s loss {_course(*pair)}." for n, pair in levels.items()]
    if {"generator", "discriminator"} <= levels.keys():
        ends = {name: levels[name][1] for name in ("generator", "discriminator")}
        higher = max(ends, key=ends.__getitem__)
        lines.append(f"At the end the {higher}'s loss is the higher of the two.")
    time = settled(run)
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


def of_adaptation(group: Adaptation) -> list[str]:
    """What accuracy, mixing and confusions of one pair say, as means over the seeds."""
    low, adapted = group.score("source-only").mean, group.score("adapted").mean
    lines = []
    if low is not None and adapted is not None:
        gain = f"Adaptation changes target accuracy by {100 * (adapted - low):+.1f} points"
        gap = group.gap_closed.mean
        share = "" if gap is None else f", {gap:.1%} of the way to training on the target itself"
        lines.append(f"{gain}{share}.")
    source = group.score("adapted", "source_accuracy").mean
    if source is not None:
        lines.append(f"On its source's test images the adapted network is {source:.1%} right.")
    before, after = (group.score(s, "mixing").mean for s in ("source-only", "adapted"))
    if before is not None and after is not None:
        lines.append(f"Mixing of the domains goes from {before:.2f} to {after:.2f}.")
    for run in group.of("adapted")[:1]:
        lines += _confusion(run)
    return lines


def _confusion(run: Run) -> list[str]:
    """The most frequent mistake on the target's test images."""
    table = run.scores.get("confusion") or []
    mistakes = [
        (count / sum(row), true, seen)
        for true, row in enumerate(table)
        for seen, count in enumerate(row)
        if true != seen and count
    ]
    if not mistakes:
        return []
    share, true, seen = max(mistakes)
    return [f"Its most frequent mistake: {share:.0%} of class {true} read as {seen}."]


def number(value: float | None, digits: int = 2) -> str:
    """`value` with `digits` decimals; a dash for None."""
    return "—" if value is None else f"{value:.{digits}f}"
