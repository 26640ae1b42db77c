"""Which figures a reproduction has: drawn from its runs, saved as PNG, with their captions.

Knows runs, groups and plots; knows no page. With several seeds the first one is drawn.
"""

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from sparring.measure.statistics import Summary
from sparring.report import plots
from sparring.report.claims import Evidence
from sparring.report.collect import Array, Reproduction, Run
from sparring.report.groups import Adaptation, Generation
from sparring.report.source2019 import SCENARIOS
from sparring.run import run_name, write_atomically

MIXING = (
    "It is measured among nearest neighbours: how many of each feature's neighbours come from the "
    "other domain, divided by how many would if the domains were fully mixed. At 1 the features no "
    "longer tell the domains apart; at 0 the domains lie wholly apart."
)


@dataclass(frozen=True)
class Picture:
    """A figure on disk. sets: the data it shows. caption: plain text."""

    key: str
    path: Path
    title: str
    caption: str
    sets: tuple[str, ...]


Drawing = tuple[str, Figure, str, str, tuple[str, ...]]


def draw(evidence: Evidence) -> dict[str, Picture]:
    """Draw every figure that the finished runs allow into `out/figures`, by key."""
    folder = evidence.rep.out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {}
    with style.context(plots.STYLE):
        for key, figure, title, caption, sets in _drawings(evidence):
            path = folder / f"{file_name(key)}.png"
            # Plots have few colours: a palette makes them three times smaller. Photographs don't.
            write_atomically(path, _png(figure, palette=not figure.images))
            pictures[key] = Picture(key, path, title, caption, sets)
    return pictures


def _drawings(evidence: Evidence) -> Iterator[Drawing]:
    for generator in evidence.generators:
        yield from _generation(evidence.rep, generator)
    for adaptation in evidence.adaptations:
        yield from _adaptation(evidence.rep, adaptation)
    # A single bar would compare nothing.
    if len({(g.key, run.scenario) for g in evidence.adaptations for run in g.runs}) > 1:
        yield _accuracy(evidence)


def file_name(key: str) -> str:
    """The name of a figure's file: letters that no page and no shell reads as more than letters.

    A hash keeps names apart that would be one without their other letters.
    """
    plain = re.sub(r"[^A-Za-z0-9_.+-]", "_", key)
    return (
        run_name(plain) if plain == key else run_name(plain, sha256(key.encode()).hexdigest()[:8])
    )


def _png(figure: Figure, palette: bool) -> bytes:
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box, long names may leave no room for an axis.
        warnings.filterwarnings("ignore", "Glyph|.*constrained_layout", UserWarning)
        canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
    if palette:
        image = image.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def _seed(run: Run, runs: tuple[Run, ...]) -> str:
    return f" Seed {run.seed}, the first of {len(runs)}." if len(runs) > 1 else ""


def _generation(rep: Reproduction, group: Generation) -> Iterator[Drawing]:
    run, sets = group.runs[0], run_sets(group)
    on = f"on {rep.use(group.faces).label}"
    seed = _seed(run, group.runs)
    arrays = run.arrays("samples")
    if "samples" in arrays:
        grid = _rows(arrays["samples"][:32], 8)
        title = f"{group.title}: {len(arrays['samples'][:32])} random samples"
        caption = f"Samples drawn at random, none left out.{seed}"
        figure = plots.image_grid(grid, f"{title}, {on}")
        yield group.figure("samples"), figure, title, caption, sets
    if "pairs" in arrays:
        attribute = str(arrays["pair_attribute"])
        title = f"{group.title}: pairs from the same noise, {attribute} off and on"
        figure = _pairs(arrays["pairs"], f"{title}, {on}", attribute)
        caption = (
            f"{len(arrays['pairs'])} pairs. Both images of a pair come from the same noise; only "
            f"the label {attribute} differs: off at the left, on at the right.{seed}"
        )
        yield group.figure("pairs"), figure, title, caption, sets
    if len(run.log):
        title = f"{group.title}: losses over training"
        figure = plots.curves(run.log.step, _images(run), run.log.losses, f"{title}, {on}")
        colours = _players(list(run.log.losses))
        caption = f"{colours}Thin: as logged; thick: moving average.{seed}"
        yield group.figure("losses"), figure, title, caption, sets
    if len(arrays.get("progress", ())):
        rows = [f"step {step:,}" for step in arrays["progress_steps"]]
        title = f"{group.title}: the same noise as training goes on"
        figure = plots.image_grid(arrays["progress"], f"{title}, {on}", rows)
        caption = f"Each column is one noise vector, each row one moment of the training.{seed}"
        yield group.figure("progress"), figure, title, caption, sets


def _players(names: list[str]) -> str:
    """Which player has which colour, where the colours say so."""
    others = [name for name in names if name != "generator"]
    if "generator" not in names or len(others) != 1:
        return ""
    like = ", as in the source report" if others == ["discriminator"] else ""
    return f"Generator red, {others[0].replace('_', ' ')} blue{like}. "


def run_sets(group: Generation) -> tuple[str, ...]:
    """The sets a generator was trained on."""
    return (group.faces,)


def _rows(images: Array, width: int) -> Array:
    """[N, 3, S, S] -> [ceil(N / width), width, 3, S, S], filled up with white."""
    short = -len(images) % width
    white = np.full((short, *images.shape[1:]), 255, np.uint8)
    return np.concatenate([images, white]).reshape(-1, width, *images.shape[1:])


def _pairs(pairs: Array, title: str, attribute: str) -> Figure:
    """[N, 2, 3, S, S] as four pairs a row."""
    grid = _rows(pairs.reshape(-1, *pairs.shape[2:]), 8 if len(pairs) % 5 else 10)
    columns = (f"not {attribute}", attribute) * (grid.shape[1] // 2)
    return plots.image_grid(grid, title, columns=columns, group=2)


def _images(run: Run) -> float:
    log = run.log
    return float(log.images[-1] / log.step[-1]) if log.step[-1] else 0.0


def _adaptation(rep: Reproduction, group: Adaptation) -> Iterator[Drawing]:
    name = group.method.upper()
    source, target = (rep.use(s).label for s in group.sets)
    run = group.shown
    log, seed = run.log, _seed(run, group.of(run.scenario))
    if len(log):
        right = {k: v for k, v in log.terms.items() if k.endswith("accuracy")}
        terms = {k: v for k, v in log.terms.items() if k not in right}
        what = "parts of the loss" if terms else "losses"
        if run.scenario != "adapted":
            what += f", {run.scenario.replace('-', ' ')}"
        title = f"{name}: {what}, {group.source} → {group.target}"
        long = f"{name}: {what}, {source} → {target}"
        figure = plots.curves(log.step, _images(run), terms or log.losses, long, right)
        caption = f"Thin: as logged; thick: moving average.{seed}"
        yield f"losses-{group.key}", figure, title, caption, group.sets
    for run in group.of("adapted")[:1]:
        seed = _seed(run, group.of("adapted"))
        yield from _tsne(group, run, "adapted", f"tsne-{group.key}", (source, target), seed)
    for run in group.of("source-only")[:1]:
        key, seed = f"tsne-{group.key}-source-only", _seed(run, group.of("source-only"))
        yield from _tsne(group, run, "source only", key, (source, target), seed)


def _tsne(
    group: Adaptation, run: Run, state: str, key: str, labels: tuple[str, str], seed: str
) -> Iterator[Drawing]:
    arrays = run.arrays("features")
    if not arrays:
        return
    label, domain = arrays["label"], arrays["domain"]
    classes = [str(name) for name in arrays["class_names"]]
    pair = f"{group.source} → {group.target}"
    title = f"{group.method.upper()}, {state}: t-SNE of test features, {pair}"
    domains = (f"source: {labels[0]}", f"target: {labels[1]}")
    figure = plots.embedding(arrays["embedding"], label, domain, classes, domains, title)
    mixing = run.scores.get("mixing")
    number = "" if mixing is None else f" Mixing of the domains: {mixing:.2f}. {MIXING}"
    caption = f"{_counts(label, domain, len(classes), int(arrays['per_class']))}{number}{seed}"
    yield key, figure, title, caption, group.sets


def _counts(label: Array, domain: Array, classes: int, asked: int) -> str:
    """How many features are shown for each class and domain, beside how many were asked for."""
    counts = np.bincount(domain * classes + label, minlength=2 * classes)
    if counts.min() == counts.max() == asked:
        return f"{asked:,} test features of each class from each domain, {len(label):,} in all."
    return (
        f"{len(label):,} test features: {asked:,} of each class and domain were asked for; the "
        f"test sets give {counts.min():,} to {counts.max():,}."
    )


def _accuracy(evidence: Evidence) -> Drawing:
    rep, adaptations = evidence.rep, evidence.adaptations
    pairs = list(dict.fromkeys(group.sets for group in adaptations))
    groups = [[g for g in adaptations if g.sets == pair] for pair in pairs]
    panels = []
    for pair in pairs:
        asked = rep.asked(pair)
        known = any(evidence.printed(g) for g in adaptations if g.sets == pair)
        title = " →\n".join(rep.use(name).label for name in pair)
        panels.append((title, f"source report, {asked[0]} → {asked[1]}" if known else ""))

    def percent(row: list[Adaptation], part: str) -> Array:
        summaries = [[g.score(scenario) for scenario in SCENARIOS] for g in row]
        return np.array([[_percent(summary, part) for summary in line] for line in summaries])

    def marks(row: list[Adaptation]) -> Array:
        found = [evidence.printed(g) for g in row]
        return np.array([[100 * t.of(s) if t else np.nan for s in SCENARIOS] for t in found])

    figure = plots.bars(
        panels,
        [[g.method.upper() for g in row] for row in groups],
        [percent(row, "mean") for row in groups],
        [percent(row, "sd") for row in groups],
        [marks(row) for row in groups],
        [scenario.replace("-", " ") for scenario in SCENARIOS],
    )
    diamonds = (
        " Diamonds: what the source report printed for the direction that was asked for; where "
        "another set stands in, they are beside our bars to be seen, not to be compared."
    )
    caption = (
        f"Accuracy on the target's test images.{diamonds if any(m for _, m in panels) else ''} "
        "Whiskers, where there are several seeds: one sd."
    )
    sets = tuple(dict.fromkeys(name for pair in pairs for name in pair))
    return "accuracy", figure, "Accuracy in the three scenarios", caption, sets


def _percent(summary: Summary, part: str) -> float:
    value = getattr(summary, part)
    return float("nan") if value is None else 100 * value
