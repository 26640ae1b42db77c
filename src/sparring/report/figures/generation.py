"""The figures of generators: of the run that is shown. Knows groups and plots; knows no page."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from sparring.report import plots
from sparring.report.curves import Array
from sparring.report.groups import Generation
from sparring.report.plots import Panel, Part
from sparring.report.sprites import in_rows


def images(group: Generation) -> Iterator[Part]:
    """Samples, pairs, a sheet of classes, and samples as training goes on."""
    arrays, label = group.shown.arrays("pictures"), group.scores.pair_label
    grid = plots.image_grid
    if "samples" in arrays:
        tiles = arrays["samples"][:32]
        words = f"{len(tiles)} random samples"
        yield "samples", words, lambda title: grid(in_rows(tiles, 8), title)
    if "pairs" in arrays:
        pairs = arrays["pairs"]
        words = f"{len(pairs)} pairs from the same noise, {label} off and on"
        yield "pairs", words, lambda title: _pairs(pairs, title, (f"not {label}", label))
    if "averaged" in arrays:
        both, rows = arrays["averaged"], ("as trained", "running mean")
        words = "the same noise, and the generator's running mean"
        yield "averaged", words, lambda title: grid(both, title, rows)
    if "classes" in arrays:
        sheet, names = arrays["classes"], group.config.label_names
        words = "the same noise drawn as each class"
        yield "classes", words, lambda title: grid(sheet, title, names)
    if len(arrays.get("progress", ())):
        steps = [f"step {step:,}" for step in arrays["progress_steps"]]
        words = "the same noise as training goes on"
        yield "progress", words, lambda title: grid(arrays["progress"], title, steps)


def evidence(group: Generation) -> Iterator[Part]:
    """Where turning a label changes the picture; the samples most like a training image."""
    arrays = group.shown.arrays("pictures")
    if (names := group.scores.changed) and "change_heat" in arrays:
        maps = arrays["change_heat"], arrays["change_means"]
        words = "what turning a label on changes, and where"
        yield "change", words, lambda title: plots.change_maps(*maps, names, title)
    if len(arrays.get("suspects", ())):
        pairs = np.stack([arrays["suspects"], arrays["suspects_nearest"]], 1)
        words = f"the {len(pairs)} samples most like a training image"
        yield "nearest", words, lambda title: _pairs(pairs, title, ("sample", "nearest real"), 4)


def training(group: Generation) -> Iterator[Part]:
    """Losses, and how well the training was."""
    log = group.log
    if not len(log):
        return
    loss = [Panel("loss", log.losses, height=1.9)]
    yield (
        "losses",
        "losses over training",
        lambda title: plots.curves(log.step, loss, title, log.images_per_step, group.events),
    )
    hits = {"hits_real": "real", "hits_fake": "generated"}
    right = {words: log.terms[name] for name, words in hits.items() if name in log.terms}
    health = (
        Panel("share right", right, share=True),
        Panel("diversity", log.measures, share=True),
        Panel("gradient", log.gradients),
    )
    if panels := [panel for panel in health if panel.lines]:
        yield (
            "health",
            "health over training",
            lambda title: plots.curves(log.step, panels, title, events=group.events),
        )


FIGURES = (images, evidence, training)
"""What is drawn of each group; each part fails alone."""


def _pairs(pairs: Array, title: str, columns: tuple[str, str], per_row: int = 5) -> Figure:
    """[N, 2, 3, S, S], `per_row` pairs in a row, or four where N is no multiple of that."""
    width = per_row if len(pairs) % per_row == 0 else 4
    grid = in_rows(pairs.reshape(-1, *pairs.shape[2:]), 2 * width)
    return plots.image_grid(grid, title, columns=columns * width, group=2)
