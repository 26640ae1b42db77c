"""How each kind of figure is drawn: grids of images, curves, scatter plots.

Knows arrays and matplotlib; knows no run and no file. Every function returns a Figure with no
global state touched.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogFormatter, MaxNLocator, StrMethodFormatter

from sparring.errors import one_line
from sparring.report.curves import smooth

Array = np.ndarray[Any, np.dtype[Any]]

DPI = 150
WIDTH = 7.4
STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "figure.dpi": DPI,
    "text.parse_math": False,  # a class may be called $x^$
}
TITLE, LABEL, KEYS = 160, 40, 30
"""Letters of a title and of a label, and names of classes, that a figure has room for."""

# The source report draws the generator red and the discriminator blue.
GENERATOR, OPPONENT = "#c8102e", "#1f5fbf"
# Okabe and Ito's colours, and Paul Tol's muted scheme with dark grey for its pale one: both made
# for colour-blind readers.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
CLASSES = (
    *("#332288", "#88CCEE", "#44AA99", "#117733", "#999933"),
    *("#DDCC77", "#CC6677", "#882255", "#E66100", "#555555"),
)
DOMAINS = ("#0072B2", "#E69F00")
SCENARIOS = ("#c3cbd4", "#0072B2", "#007a5a")


def shown(text: str, longest: int = LABEL) -> str:
    """A name as a figure shows it: in one line, cut where it is longer, never hidden."""
    plain = one_line(text)
    # matplotlib leaves names with _ in front out of a legend
    plain = f" {plain}" if plain.startswith("_") else plain
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def image_grid(
    tiles: Array,
    title: str,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    group: int = 0,
    below: Sequence[Sequence[str]] = (),
) -> Figure:
    """Images in rows and columns, each pixel drawn as a whole number of pixels.

    tiles: uint8 [R, C, 3, S, S]. rows: a label for each row. columns: one for each column.
    group: a wider gap after every `group` columns; 0 for none. below: words under each image.
    """
    r, c, _, size, _ = tiles.shape
    scale = max(1, 128 // size)
    tile, gap = size * scale, 6
    left, top = (110 if rows else gap), (74 if columns else 46)
    xs = [left + j * (tile + gap) + (j // group * 4 * gap if group else 0) for j in range(c)]
    under = gap + (24 if below else 0)
    ys = [top + i * (tile + under) for i in range(r)]
    width, height = xs[-1] + tile + gap, ys[-1] + tile + under
    canvas = np.full((height, width, 3), 255, np.uint8)
    for i, y in enumerate(ys):
        for j, x in enumerate(xs):
            image = tiles[i, j].transpose(1, 2, 0)
            canvas[y : y + tile, x : x + tile] = image.repeat(scale, 0).repeat(scale, 1)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    figure.figimage(canvas, origin="upper")
    figure.text(gap / width, 1 - 14 / height, shown(title, TITLE), va="top", size=9, weight="bold")
    for y, text in zip(ys, rows, strict=False):
        at = ((left - 10) / width, 1 - (y + tile / 2) / height)
        figure.text(*at, shown(text), ha="right", va="center", size=7)
    for y, line in zip(ys, below, strict=False):
        for x, text in zip(xs, line, strict=False):
            at = ((x + tile / 2) / width, 1 - (y + tile + 4) / height)
            figure.text(*at, text, ha="center", va="top", size=7)
    for x, text in zip(xs, columns, strict=False):
        at = ((x + tile / 2) / width, 1 - (top - 6) / height)
        figure.text(*at, shown(text), ha="center", va="bottom", size=7)
    return figure


def curves(
    step: Array,
    images_per_step: float,
    lines: Mapping[str, Array],
    title: str,
    accuracies: Mapping[str, Array] | None = None,
) -> Figure:
    """Losses over training, raw and smoothed; `accuracies` in a second panel below.

    step: int64 [L]. lines, accuracies: float [L] by name.
    """
    panels = 2 if accuracies else 1
    ratios = [3, 1.4][:panels]
    figure = Figure(figsize=(WIDTH, 3.2 + 1.3 * (panels - 1)), layout="constrained")
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    axes[0].set_title(shown(title, TITLE))
    axes[0].set_ylabel("loss")
    _lines(axes[0], step, lines)
    if accuracies:
        _lines(axes[1], step, accuracies)
        axes[1].axhline(0.5, color="#444444", linewidth=0.8, linestyle=":")
        axes[1].set_ylim(-0.02, 1.02)
        axes[1].set_ylabel("share right\n(dotted: chance)")
    _step_axis(axes[-1])
    if images_per_step > 0:
        scale = (lambda x: x * images_per_step, lambda x: x / images_per_step)
        top = axes[0].secondary_xaxis("top", functions=scale)
        top.set_xlabel("images seen", size=7)
        top.tick_params(labelsize=7)
        top.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return figure


def health(
    step: Array,
    panels: Mapping[str, Mapping[str, Array]],
    title: str,
    events: Sequence[tuple[int, str]],
) -> Figure:
    """One panel above the other on the same steps; a dashed line at each event.

    step: int64 [L]. panels: lines float [L] by name, by the panel's label; all but "gradient" are
    shares of 1, and their axes show 0 and 1. events: step and kind.
    """
    figure = Figure(figsize=(WIDTH, 0.7 + 1.45 * len(panels)), layout="constrained")
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    grid[0].set_title(shown(title, TITLE))
    for axes, (label, lines) in zip(grid, panels.items(), strict=True):
        axes.set_ylabel(label)
        _lines(axes, step, lines)
        if len(lines) == 1:  # the label says it already
            axes.legend().remove()
        if label != "gradient":
            axes.set_yscale("linear")
            axes.set_ylim(-0.02, max(1.02, axes.get_ylim()[1]))
        for at, kind in events:
            axes.axvline(at, color="#444444", linewidth=0.9, linestyle="--")
            if axes is grid[0]:
                axes.annotate(kind, (at, 1), xycoords=("data", "axes fraction"), size=6.5)
    _step_axis(grid[-1])
    return figure


def _step_axis(axes: Axes) -> None:
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def change_maps(heat: Array, means: Array, names: Sequence[str], title: str) -> Figure:
    """For each attribute: the mean image without it, with it, and where the two sides differ.

    heat: float [K, S, S] in grey levels. means: uint8 [K, 2, 3, S, S]. names: of K attributes.
    """
    figure = Figure(figsize=(WIDTH, 0.4 + 2.3 * len(names)), layout="constrained")
    figure.suptitle(shown(title, TITLE), x=0.01, ha="left", size=9, weight="bold")
    grid = figure.subplots(len(names), 3, squeeze=False)
    for row, name, sides, levels in zip(grid, map(shown, names), means, heat, strict=True):
        for axes, side, words in zip(
            row[:2], sides, (f"not {name}, mean", f"{name}, mean"), strict=True
        ):
            axes.imshow(side.transpose(1, 2, 0), interpolation="nearest")
            axes.set_title(words, weight="normal")
        drawn = row[2].imshow(levels, cmap="magma", vmin=0, interpolation="nearest")
        row[2].set_title("mean difference", weight="normal")
        figure.colorbar(drawn, ax=row[2], label="grey levels", shrink=0.85)
        for axes in row:
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
    return figure


def _lines(axes: Axes, step: Array, lines: Mapping[str, Array]) -> None:
    for (name, values), colour in zip(lines.items(), _colours(list(lines)), strict=True):
        seen = np.isfinite(values)
        axes.plot(step[seen], values[seen], color=colour, linewidth=0.6, alpha=0.3)
        label = shown(name.replace("_", " "))
        axes.plot(step[seen], smooth(values[seen]), color=colour, linewidth=1.6, label=label)
    known = np.array([value for values in lines.values() for value in values if np.isfinite(value)])
    # Parts of one loss differ by orders of magnitude; only then is a log axis worth its price.
    if len(known) and known.min() > 0 and known.max() > 100 * known.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter())
    if lines:
        axes.legend(ncols=2, fontsize=7)


def _colours(names: Sequence[str]) -> list[str]:
    """Beside a generator in red, its opponent is blue; without one, the colours in order."""
    colours = cycle((OPPONENT, *OKABE_ITO[2:]) if "generator" in names else OKABE_ITO)
    return [GENERATOR if name == "generator" else next(colours) for name in names]


def embedding(
    points: Array,
    label: Array,
    domain: Array,
    classes: Sequence[str],
    domains: tuple[str, str],
    title: str,
) -> Figure:
    """Features in the plane twice: by class and by domain.

    points: float [M, 2]. label, domain: int64 [M]; domain 0 is the source, 1 the target.
    """
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    figure.suptitle(shown(title, TITLE), x=0.01, ha="left", size=9, weight="bold")
    left, right = figure.subplots(1, 2)
    # In a fixed random order, so that no class and no domain lies on top of all others.
    order = np.random.default_rng(0).permutation(len(points))
    points, label, domain = points[order], label[order], domain[order]
    area = float(np.clip(6000 / max(1, len(points)), 1.0, 10.0))
    colours = (np.array(CLASSES)[label % len(CLASSES)], np.array(DOMAINS)[domain])
    for axes, colour, name in zip((left, right), colours, ("by class", "by domain"), strict=True):
        axes.scatter(points[:, 0], points[:, 1], c=colour, s=area, linewidths=0, alpha=0.75)
        axes.set_title(name, weight="normal")
        axes.set(xticks=[], yticks=[])
    for index, name in enumerate(map(shown, classes[:KEYS])):
        _key(left, CLASSES[index % len(CLASSES)], name)
        members = points[(label == index) & (domain == 0)]
        if len(members):
            halo = [withStroke(linewidth=2.5, foreground="white")]
            x, y = np.median(members, axis=0)
            left.text(x, y, name, size=9, weight="bold", ha="center", path_effects=halo)
    for colour, name in zip(DOMAINS, domains, strict=True):
        _key(right, colour, shown(name, TITLE))
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=5, fontsize=7)
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=1, fontsize=7)
    return figure


def _key(axes: Axes, colour: str, name: str) -> None:
    axes.scatter([], [], c=colour, s=18, linewidths=0, label=name)
