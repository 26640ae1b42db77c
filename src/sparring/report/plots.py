"""How each kind of figure is drawn: grids of images, curves, scatter plots.

Knows arrays and matplotlib; knows no run and no file. Every function returns a Figure with no
global state touched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogFormatter, MaxNLocator

from sparring.errors import one_line
from sparring.report.curves import Array, smooth

F = TypeVar("F", bound=Figure)

DPI = 150
WIDTH = 7.4
STYLE = Path(__file__).with_name("figure.mplstyle")
"""Of every figure: see `matplotlib.style`."""
TITLE, LABEL, KEYS = 160, 40, 30
"""Letters of a title and of a label, and names of classes, that a figure has room for."""

GENERATOR, OPPONENT = "#c8102e", "#1f5fbf"
# Okabe and Ito's colours, and Paul Tol's muted scheme with dark grey for its pale one: both made
# for colour-blind readers.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":", "-.")
"""Lines beyond the colours have the colours again with the next dashes."""
CLASSES = (
    *("#332288", "#88CCEE", "#44AA99", "#117733", "#999933"),
    *("#DDCC77", "#CC6677", "#882255", "#E66100", "#222222"),
)
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
"""Classes beyond the ten colours have the colours again with the next marker."""
DOMAINS, PALE = ("#0072B2", "#E69F00"), "#c8c8c8"


class Drawing(NamedTuple):
    """A figure that is not yet saved; see `picture.Picture`."""

    key: str
    figure: Figure
    title: str
    sets: tuple[str, ...]
    caption: str = ""


Part = tuple[str, str, Callable[[str], Figure]]
"""A figure of a group: what its key begins with, what it shows, and how it is drawn by title."""


def shown(text: str, longest: int = LABEL) -> str:
    """A name as a figure shows it: in one line, cut where it is longer, never hidden."""
    plain = one_line(text)
    plain = f" {plain}" if plain.startswith("_") else plain  # else a legend leaves it out
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def wrapped(title: str, width: float = WIDTH) -> str:
    """A title in as many lines as a figure of `width` inches needs."""
    return fill(shown(title, TITLE), int(12 * width), break_on_hyphens=False)


def titled(title: str, height: float) -> Figure:
    """An empty figure with its title."""
    return _titled(Figure, title, height)


def _titled(kind: type[F], title: str, height: float) -> F:
    figure = kind(figsize=(WIDTH, height), layout="constrained")
    figure.suptitle(wrapped(title), x=0.01, ha="left", size=9, weight="bold")
    return figure


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
    left = max([gap, *(max(110, 20 + 8 * len(shown(text))) for text in rows)])
    xs = [left + j * (tile + gap) + (j // group * 4 * gap if group else 0) for j in range(c)]
    heading = wrapped(title, (xs[-1] + tile) / DPI)
    top = (74 if columns else 46) + 20 * heading.count("\n")
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

    def write(x: float, y: float, text: str, **style: Any) -> None:
        figure.text(x / width, 1 - y / height, text, **{"size": 7, "ha": "center", **style})

    write(gap, 14, heading, ha="left", va="top", size=9, weight="bold")
    for y, text in zip(ys, rows, strict=False):
        write(left - 10, y + tile / 2, shown(text), ha="right", va="center")
    for y, line in zip(ys, below, strict=False):
        for x, text in zip(xs, line, strict=False):
            write(x + tile / 2, y + tile + 4, text, va="top")
    for x, text in zip(xs, columns, strict=False):
        write(x + tile / 2, top - 6, shown(text), va="bottom")
    return figure


@dataclass(frozen=True)
class Panel:
    """Lines on one axis. lines: float [L] by name. share: of 1, so that the axis shows 0 and 1.

    chance: where a dotted line stands. height: relative to other panels.
    """

    label: str
    lines: Mapping[str, Array]
    share: bool = False
    chance: float | None = None
    height: float = 1.0


class Curves(Figure):
    """A figure of curves that still has what it shows: step, panels, events (see `curves`)."""

    step: Array
    panels: Sequence[Panel]
    events: Sequence[tuple[int, str]]


def curves(
    step: Array,
    panels: Sequence[Panel],
    title: str,
    images_per_step: float = 0.0,
    events: Sequence[tuple[int, str]] = (),
) -> Curves:
    """Panels one above the other on the same steps: each line raw and smoothed.

    step: int64 [L]. images_per_step: for a second axis; 0 for none. events: step and kind, each
    a dashed line.
    """
    heights = [panel.height for panel in panels]
    figure = _titled(Curves, title, 0.7 + 1.3 * sum(heights))
    figure.step, figure.panels, figure.events = step, panels, events
    grid = figure.subplots(len(panels), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, panel in zip(grid, panels, strict=True):
        _panel(axes, step, panel)
        for at, kind in events:
            axes.axvline(at, color="#444444", linewidth=0.9, linestyle="--")
            if axes is grid[0]:
                place = axes.get_xaxis_transform()
                axes.text(at, 0.97, f" {kind}", size=6.5, va="top", transform=place)
    grid[-1].set_xlabel("step")
    grid[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    grid[-1].xaxis.set_major_formatter("{x:,.0f}")
    if images_per_step > 0:
        scale = (lambda x: x * images_per_step, lambda x: x / images_per_step)
        top = grid[0].secondary_xaxis("top", functions=scale)
        top.set_xlabel("images seen", size=7)
        top.tick_params(labelsize=7)
        top.xaxis.set_major_formatter("{x:,.0f}")
    return figure


def _panel(axes: Axes, step: Array, panel: Panel) -> None:
    for place, (name, colour) in enumerate(zip(panel.lines, colours(panel.lines), strict=True)):
        values = panel.lines[name]
        seen = np.isfinite(values)
        axes.plot(step[seen], values[seen], color=colour, linewidth=0.6, alpha=0.3)
        look: Any = {"color": colour, "linestyle": DASHES[place // len(OKABE_ITO) % len(DASHES)]}
        label = shown(name.replace("_", " "))
        axes.plot(step[seen], smooth(values[seen]), linewidth=1.6, label=label, **look)
    axes.set_ylabel(panel.label)
    if panel.chance is not None:
        axes.axhline(panel.chance, color="#444444", linewidth=0.8, linestyle=":")
    if panel.share:
        axes.set_ylim(-0.02, max(1.02, axes.get_ylim()[1]))
    else:
        _log_scale(axes, np.concatenate(list(panel.lines.values())))
    if len(panel.lines) > 1 or panel.label not in panel.lines:  # else the label says it already
        axes.legend(ncols=2, fontsize=7)


def _log_scale(axes: Axes, values: Array) -> None:
    """Parts of one loss differ by orders of magnitude; only then is a log axis worth its price."""
    known = values[np.isfinite(values)]
    if len(known) and known.min() > 0 and known.max() > 100 * known.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter())


def colours(names: Mapping[str, Array]) -> list[str]:
    """Beside a generator in red, its opponent is blue; without one, the colours in order."""
    others = cycle((OPPONENT, *OKABE_ITO[2:]) if "generator" in names else OKABE_ITO)
    return [GENERATOR if name == "generator" else next(others) for name in names]


def change_maps(heat: Array, means: Array, names: Sequence[str], title: str) -> Figure:
    """For each label: the mean image without it, with it, and where the two sides differ.

    heat: float [K, S, S] in grey levels. means: uint8 [K, 2, 3, S, S]. names: of K labels.
    """
    figure = titled(title, 0.4 + 2.3 * len(names))
    grid = figure.subplots(len(names), 3, squeeze=False)
    for row, name, sides, levels in zip(grid, map(shown, names), means, heat, strict=True):
        words = f"not {name}, mean", f"{name}, mean", "mean difference"
        for axes, side in zip(row[:2], sides, strict=True):
            axes.imshow(side.transpose(1, 2, 0), interpolation="nearest")
        drawn = row[2].imshow(levels, cmap="magma", vmin=0, interpolation="nearest")
        figure.colorbar(drawn, ax=row[2], label="grey levels", shrink=0.85)
        for axes, text in zip(row, words, strict=True):
            axes.set_title(text, weight="normal")
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
    return figure


def embedding(
    features: Mapping[str, Array], classes: Sequence[str], domains: Sequence[str], title: str
) -> Figure:
    """Features in the plane twice: by class and by domain.

    features: `points`, float [M, 2]; `label` and `domain`, int64 [M]: label -1 is unknown and
    drawn pale; domain 0 is the source, 1 the target.
    """
    figure = titled(title, 3.9)
    left, right = figure.subplots(1, 2)
    # In a fixed random order, so that no class and no domain lies on top of all others.
    order = np.random.default_rng(0).permutation(len(features["points"]))
    points, label, domain = (features[name][order] for name in ("points", "label", "domain"))
    style = {"s": float(np.clip(6000 / max(1, len(points)), 1.0, 10.0)), "linewidths": 0}
    if (label < 0).any():
        left.scatter(*points[label < 0].T, c=PALE, alpha=0.6, **style)
        _key(left, PALE, "class unknown")
    rounds = label // len(CLASSES)
    for turn in np.unique(rounds[label >= 0]):
        colour = np.array(CLASSES)[label[rounds == turn] % len(CLASSES)]
        marker = MARKERS[turn % len(MARKERS)]
        left.scatter(*points[rounds == turn].T, c=colour, marker=marker, alpha=0.75, **style)
    right.scatter(*points.T, c=np.array(DOMAINS)[domain], alpha=0.75, **style)
    for index, name in enumerate(map(shown, classes[:KEYS])):
        marker = MARKERS[index // len(CLASSES) % len(MARKERS)]
        _key(left, CLASSES[index % len(CLASSES)], name, marker)
        members = points[(label == index) & (domain == 0)]
        if len(members):
            halo = [withStroke(linewidth=2.5, foreground="white")]
            x, y = np.median(members, axis=0)
            left.text(x, y, name, size=9, weight="bold", ha="center", path_effects=halo)
    for colour, name in zip(DOMAINS, domains, strict=True):
        _key(right, colour, shown(name, TITLE))
    for axes, name, columns in ((left, "by class", 5), (right, "by domain", 1)):
        axes.set_title(name, weight="normal")
        axes.set(xticks=[], yticks=[])
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=columns, fontsize=7)
    return figure


def _key(axes: Axes, colour: str, name: str, marker: str = "o") -> None:
    axes.scatter([], [], c=colour, s=18, linewidths=0, label=name, marker=marker)
