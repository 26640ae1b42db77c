"""The figures of generators, with their captions.

Knows runs, groups and plots; knows no page. With several seeds the first one is drawn.
"""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from sparring.report import plots
from sparring.report.collect import Reproduction
from sparring.report.figures.drawing import Drawing, images_per_step, seed_note
from sparring.report.groups import Generation
from sparring.report.runs import Array, Run


def drawings(rep: Reproduction, group: Generation) -> Iterator[Drawing]:
    """Every figure that the group's first run allows."""
    run = group.runs[0]
    on, seed = f"on {rep.use(group.faces).label}", seed_note(run, group.runs)
    found = (
        *_images(group, run, on),
        *_inspected(group, run, on),
        *_training(group, run, on),
    )
    for what, figure, title, caption in found:
        yield group.figure(what), figure, title, f"{caption}{seed}", (group.faces,)


Named = tuple[str, Figure, str, str]
"""What it is, figure, title, caption."""


def _images(group: Generation, run: Run, on: str) -> Iterator[Named]:
    arrays = run.arrays("samples")
    if "samples" in arrays:
        grid = _rows(arrays["samples"][:32], 8)
        title = f"{group.title}: {len(arrays['samples'][:32])} random samples"
        figure = plots.image_grid(grid, f"{title}, {on}")
        yield "samples", figure, title, "Samples drawn at random, none left out."
    if "pairs" in arrays:
        attribute = str(arrays["pair_attribute"])
        title = f"{group.title}: pairs from the same noise, {attribute} off and on"
        figure = _pairs(arrays["pairs"], f"{title}, {on}", (f"not {attribute}", attribute))
        caption = (
            f"{len(arrays['pairs'])} pairs. Both images of a pair come from the same noise; only "
            f"the label {attribute} differs: off at the left, on at the right."
        )
        yield "pairs", figure, title, caption
    if len(arrays.get("progress", ())):
        rows = [f"step {step:,}" for step in arrays["progress_steps"]]
        title = f"{group.title}: the same noise as training goes on"
        figure = plots.image_grid(arrays["progress"], f"{title}, {on}", rows)
        caption = "Each column is one noise vector, each row one moment of the training."
        yield "progress", figure, title, caption


def _inspected(group: Generation, run: Run, on: str) -> Iterator[Named]:
    arrays = run.arrays("samples")
    if len(arrays.get("change_attributes", ())):
        names = [str(name) for name in arrays["change_attributes"]]
        title = f"{group.title}: what turning a label on changes, and where"
        maps = arrays["change_heat"], arrays["change_means"]
        figure = plots.change_maps(*maps, names, f"{title}, {on}")
        pairs = run.scores["scorecard"]["flips"][names[0]]["pairs"]
        caption = (
            f"Means over {pairs:,} pairs from the same noise, the one label off and on. At the "
            "right: the mean absolute difference at each pixel, in grey levels of 255."
        )
        yield "change", figure, title, caption
    if len(arrays.get("suspects", ())):
        pairs = np.stack([arrays["suspects"], arrays["suspects_nearest"]], 1)
        title = f"{group.title}: nearest training images"
        figure = _pairs(pairs, f"{title}, {on}", ("sample", "nearest real"), 4)
        audit = run.scores["memorisation"]
        caption = (
            f"The {len(pairs)} of {audit['n']:,} samples most like a copy, each beside the nearest "
            f"of {audit['n_train']:,} training images (mirrored where that is nearer). Images are "
            "compared at 16 x 16 pixels."
        )
        yield "nearest", figure, title, caption


def _training(group: Generation, run: Run, on: str) -> Iterator[Named]:
    log = run.log
    if not len(log):
        return
    title = f"{group.title}: losses over training"
    figure = plots.curves(log.step, images_per_step(run), log.losses, f"{title}, {on}")
    colours = _players(list(log.losses))
    yield "losses", figure, title, f"{colours}Thin: as logged; thick: moving average."
    if panels := _health(run):
        title = f"{group.title}: health over training"
        marks = [(int(event["step"]), str(event["kind"])) for event in run.events]
        figure = plots.health(log.step, panels, f"{title}, {on}", marks)
        words = [f"Step {e['step']:,}, {e['kind']}: {e['what']}." for e in run.events]
        caption = " ".join([HEALTH, *(words or ["No alarm rang."])])
        yield "health", figure, title, caption


HEALTH = (
    "Share right: how often the discriminator tells a real image to be real, and a generated one "
    "to be generated. Diversity: how much 16 images from fixed noise differ, beside real ones. "
    "Gradient: its Euclidean norm, by player."
)


def _health(run: Run) -> dict[str, dict[str, Array]]:
    """The lines of each panel of the health figure; panels without lines are left out."""
    log = run.log
    hits = {"hits_real": "real", "hits_fake": "generated"}
    panels = {
        "share right": {words: log.terms[n] for n, words in hits.items() if n in log.terms},
        "diversity": {n: v for n, v in log.measures.items() if n == "diversity"},
        "gradient": log.gradients,
    }
    return {name: lines for name, lines in panels.items() if lines}


def _players(names: list[str]) -> str:
    """Which player has which colour, where the colours say so."""
    others = [name for name in names if name != "generator"]
    if "generator" not in names or len(others) != 1:
        return ""
    like = ", as in the source report" if others == ["discriminator"] else ""
    return f"Generator red, {others[0].replace('_', ' ')} blue{like}. "


def _rows(images: Array, width: int) -> Array:
    """[N, 3, S, S] -> [ceil(N / width), width, 3, S, S], filled up with white."""
    short = -len(images) % width
    white = np.full((short, *images.shape[1:]), 255, np.uint8)
    return np.concatenate([images, white]).reshape(-1, width, *images.shape[1:])


def _pairs(pairs: Array, title: str, columns: tuple[str, str], per_row: int = 5) -> Figure:
    """[N, 2, 3, S, S], `per_row` pairs in a row, or four where N is no multiple of that."""
    width = per_row if len(pairs) % per_row == 0 else 4
    grid = _rows(pairs.reshape(-1, *pairs.shape[2:]), 2 * width)
    return plots.image_grid(grid, title, columns=columns * width, group=2)
