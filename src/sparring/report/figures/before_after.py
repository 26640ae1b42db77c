"""Figures of the source-only classifier beside the adapted one: trust, examples fixed and broken.

Knows runs, groups and plots; knows no page. With several seeds the first one that has both is
drawn.
"""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from sparring.metrics.outputs import fixed_and_broken
from sparring.report import plots, trust_plot
from sparring.report.figures.drawing import Drawing, seed_note
from sparring.report.groups import Adaptation
from sparring.report.runs import Array, Run

EXAMPLES = 10
"""Examples of either kind that are shown."""


def drawings(group: Adaptation) -> Iterator[Drawing]:
    """Reliability and risk; examples that adaptation fixed and broke."""
    yield from _trust(group)
    for before, after in group.twins[:1]:
        yield from _examples(group, before, after)


def _trust(group: Adaptation) -> Iterator[Drawing]:
    runs = {
        words: run
        for scenario, words in (("source-only", "source only"), ("adapted", "adapted"))
        for run in group.of(scenario)[:1]
        if "trust" in run.scores
    }
    if not runs:
        return
    title = f"{group.method.upper()}: can its confidence be trusted, {' → '.join(group.sets)}"
    figure = trust_plot.trust({words: run.scores["trust"] for words, run in runs.items()}, title)
    run = next(iter(runs.values()))
    caption = (
        "On the target's test images. Left: share of right answers among those of like confidence; "
        "below the dotted line it is surer than it is right; larger dots: more images. Right: "
        "share of wrong answers if only the surest are given, from a few to all; lower is better."
        f"{seed_note(run, group.of(run.scenario))}"
    )
    yield f"reliability-risk-{group.key}", figure, title, caption, group.sets


def _examples(group: Adaptation, before: Run, after: Run) -> Iterator[Drawing]:
    first, second = (run.arrays("outputs") for run in (before, after))
    if not (first and second and _same_images(first, second)):
        return
    answers = first["example_predicted"], second["example_predicted"]
    label = first["example_label"]
    found = fixed_and_broken(label, *answers, EXAMPLES, seed=0)
    if not (found.fixed_in_all or found.broken_in_all):
        return
    names = [str(name) for name in after.arrays("features").get("class_names", ())]
    title = f"{group.method.upper()}: examples fixed and broken, {' → '.join(group.sets)}"
    figure = _grid(first["example_pixels"], (found.fixed, found.broken), answers, names, title)
    caption = (
        f"Of {len(label):,} test images of the target, the same for every run, adaptation fixed "
        f"{found.fixed_in_all:,} and broke {found.broken_in_all:,}; up to {EXAMPLES} of each, at "
        "random. Below each: what source only said → what adapted said. In the row fixed the "
        f"second is right, in the row broken the first.{seed_note(after, group.of('adapted'))}"
    )
    yield f"changed-{group.key}", figure, title, caption, group.sets


def _same_images(first: dict[str, Array], second: dict[str, Array]) -> bool:
    same = ("example_pixels", "example_label")
    return all(np.array_equal(first[name], second[name]) for name in same)


def _grid(
    pixels: Array,
    rows: tuple[Array, Array],
    answers: tuple[Array, Array],
    names: list[str],
    title: str,
) -> Figure:
    """Chosen images (indices, a row each) with what both classifiers said of them."""
    tiles = np.full((2, EXAMPLES, *pixels.shape[1:]), 255, np.uint8)
    words = []
    for row, chosen in zip(tiles, rows, strict=True):
        row[: len(chosen)] = pixels[chosen]
        said = zip(*(answer[chosen].tolist() for answer in answers), strict=True)
        words.append([" → ".join(_name(names, k) for k in pair) for pair in said])
    return plots.image_grid(tiles, title, ("fixed", "broken"), below=words)


def _name(names: list[str], index: int) -> str:
    """A class's name, cut to fit below an image; its number where it has none."""
    return plots.shown(names[index], 9) if index < len(names) else str(index)
