"""The figures of generators.

Knows runs, groups and plots; knows no page. With several seeds the first one is drawn.
"""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from sparring.report import plots
from sparring.report.collect import Report
from sparring.report.curves import Array, Log
from sparring.report.figures.drawing import Drawing
from sparring.report.groups import Generation
from sparring.report.plots import Panel


def images(report: Report, group: Generation) -> Iterator[Drawing]:
    """Samples, pairs, a sheet of classes, and samples as training goes on."""
    arrays, on = group.runs[0].arrays("pictures"), report.label(group.sets[0])
    if "samples" in arrays:
        samples = arrays["samples"][:32]
        title = f"{group.title}: {len(samples)} random samples"
        figure = plots.image_grid(_rows(samples, 8), f"{title}, on {on}")
        yield Drawing(group.figure("samples"), figure, title, group.sets)
    if "pairs" in arrays:
        pairs = arrays["pairs"]
        label = group.scores.pair_label
        title = f"{group.title}: {len(pairs)} pairs from the same noise, {label} off and on"
        figure = _pairs(pairs, f"{title}, on {on}", (f"not {label}", label))
        yield Drawing(group.figure("pairs"), figure, title, group.sets)
    if "classes" in arrays:
        title = f"{group.title}: the same noise drawn as each class"
        figure = plots.image_grid(arrays["classes"], f"{title}, on {on}", group.config.label_names)
        yield Drawing(group.figure("classes"), figure, title, group.sets)
    if len(arrays.get("progress", ())):
        rows = [f"step {step:,}" for step in arrays["progress_steps"]]
        title = f"{group.title}: the same noise as training goes on"
        figure = plots.image_grid(arrays["progress"], f"{title}, on {on}", rows)
        yield Drawing(group.figure("progress"), figure, title, group.sets)


def evidence(report: Report, group: Generation) -> Iterator[Drawing]:
    """Where turning a label changes the picture; the samples most like a training image."""
    arrays, on = group.runs[0].arrays("pictures"), report.label(group.sets[0])
    if (names := group.scores.changed) and "change_heat" in arrays:
        title = f"{group.title}: what turning a label on changes, and where"
        maps = arrays["change_heat"], arrays["change_means"]
        figure = plots.change_maps(*maps, names, f"{title}, on {on}")
        yield Drawing(group.figure("change"), figure, title, group.sets)
    if len(arrays.get("suspects", ())):
        pairs = np.stack([arrays["suspects"], arrays["suspects_nearest"]], 1)
        title = f"{group.title}: the {len(pairs)} samples most like a training image"
        figure = _pairs(pairs, f"{title}, on {on}", ("sample", "nearest real"), 4)
        yield Drawing(group.figure("nearest"), figure, title, group.sets)


def training(report: Report, group: Generation) -> Iterator[Drawing]:
    """Losses, and how well the training was."""
    run, on = group.runs[0], report.label(group.sets[0])
    log = Log.of(run.rows())
    if not len(log):
        return
    title = f"{group.title}: losses over training"
    loss = Panel("loss", log.losses, height=1.9)
    figure = plots.curves(log.step, [loss], f"{title}, on {on}", log.images_per_step)
    yield Drawing(group.figure("losses"), figure, title, group.sets)
    if panels := _health(log):
        title = f"{group.title}: health over training"
        events = [(event.step, event.kind) for event in run.events.events]
        figure = plots.curves(log.step, panels, f"{title}, on {on}", events=events)
        yield Drawing(group.figure("health"), figure, title, group.sets)


FIGURES = (images, evidence, training)
"""What is drawn of each group; each part fails alone."""


def _health(log: Log) -> list[Panel]:
    """The panels of the health figure; those without lines are left out."""
    hits = {"hits_real": "real", "hits_fake": "generated"}
    right = {words: log.terms[name] for name, words in hits.items() if name in log.terms}
    panels = (
        Panel("share right", right, share=True),
        Panel("diversity", log.measures, share=True),
        Panel("gradient", log.gradients),
    )
    return [panel for panel in panels if panel.lines]


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
