"""Sentences about single groups of runs, each computed from the runs' numbers.

Knows groups and curves; knows nothing of 2019 and of HTML.
"""

import math
from typing import Any

from sparring.report.curves import end_level, start_level
from sparring.report.groups import Adaptation, Generation
from sparring.report.runs import Run
from sparring.report2019.claims.generation import settled

STEADY = 0.05
"""A level that changes by less than this share is said to stay."""
NO_MOVE = 0.005
"""An attribute whose share changes by less does not move."""


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
    return lines + _inspected(group)


def _inspected(group: Generation) -> list[str]:
    """What the scores of the first seed say; nothing for runs made before there were any."""
    scores, lines = group.runs[0].scores, []
    if rows := scores.get("fidelity"):
        lines.append(_place(rows, scores["extractor"]["frechet"]))
    if card := scores.get("scorecard"):
        lines.append(_obedience(card, scores["judge"]))
        name, flip = next(iter(card["flips"].items()))
        turned = flip["flip"]["flipped"]["value"]
        lines.append(
            f"Turning {name} on makes the judge say yes, not no, in {turned:.0%} of pairs."
        )
        if flip["leakage"]:
            other, leak = max(flip["leakage"].items(), key=lambda item: abs(item[1]["drift"]))
            moves = f"{other} moves most: by {100 * leak['drift']:+.0f} points{_gap(leak)}"
            still = abs(leak["drift"]) < NO_MOVE
            lines.append(f"With {name}, {'nothing else moves' if still else moves}.")
    for event in group.runs[0].events:
        lines.append(f"At step {event['step']:,} ({event['kind']}): {event['what']}.")
    return lines


def _obedience(card: dict[str, Any], judge: dict[str, Any]) -> str:
    """The judge's accuracy on samples, beside its own and that of a constant answer."""
    names = list(card["attributes"])
    means = [
        sum(values) / len(names)
        for values in (
            (share["value"] for share in card["attributes"].values()),
            (judge["accuracy"][name] for name in names),
            (judge["always"][name] for name in names),
        )
    ]
    return (
        f"The judge sees what was asked for in {means[0]:.0%} of its answers on samples; on real "
        f"images it is right in {means[1]:.0%}, and one constant answer would be in {means[2]:.0%}."
    )


def _place(rows: list[dict[str, Any]], name: str) -> str:
    """Where the samples lie among the images of known fidelity, by the Fréchet distance."""
    known = [(row["frechet"], row["set"]) for row in rows if row["frechet"] is not None]
    order = ", ".join(f"{what} {value:.3g}" for value, what in sorted(known))
    return f"{name} from real training images, in order: {order}."


def _gap(leak: dict[str, Any]) -> str:
    gap = leak["real_gap"]
    return "" if gap is None else f" (in reality: {100 * gap:+.0f})"


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
        gap = group.gap_closed.summary.mean
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
