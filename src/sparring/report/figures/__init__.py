"""Which figures a report has: drawn from its runs, saved as PNG.

Knows groups of runs and files; what is in a figure is in the modules beside this one.
"""

import io
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from sparring.errors import RequestError
from sparring.report.collect import Report
from sparring.report.figures import adaptation, generation
from sparring.report.figures.adaptation import Marks
from sparring.report.groups import Adaptation, Generation, Group
from sparring.report.picture import Picture
from sparring.report.plots import STYLE, Drawing, Part
from sparring.report.readout import readout
from sparring.storage import write_atomically

G = TypeVar("G", bound=Group)

__all__ = ["Drawing", "Marks", "draw", "save"]


def draw(
    report: Report,
    generators: Sequence[Generation],
    adaptations: Sequence[Adaptation],
    marks: Mapping[str, Marks],
) -> tuple[dict[str, Picture], list[str]]:
    """Draw every figure that the finished runs allow into `out/figures`.

    Returns the pictures by key, and a sentence for each figure that could not be drawn.
    """
    makers = [
        *(partial(_drawn, report, g, make) for g in generators for make in generation.FIGURES),
        *(partial(_drawn, report, g, make) for g in adaptations for make in adaptation.FIGURES),
        partial(adaptation.accuracy, report, adaptations, marks),
    ]
    pictures: dict[str, Picture] = {}
    notes = []
    for make in makers:
        try:
            pictures |= save(report.out, make())
        except RequestError as error:  # its arrays are damaged, or the disk is full
            notes.append(f"A figure is left out: {error}.")
    return pictures, notes


def _drawn(report: Report, group: G, make: Callable[[G], Iterator[Part]]) -> Iterator[Drawing]:
    named = " → ".join(map(report.label, group.sets))
    for what, words, draw_part in make(group):
        title = f"{group.title}: {words}"
        yield Drawing(group.figure(what), draw_part(f"{title}, {named}"), title, group.sets)


def save(out: Path, drawings: Iterable[Drawing]) -> dict[str, Picture]:
    """Write the drawings into `out/figures`, as PNG; return what they are by key.

    An iterator is drawn here, in the report's style. Raises RequestError where writing fails.
    """
    (out / "figures").mkdir(exist_ok=True)
    pictures = {}
    with style.context(STYLE):
        for key, figure, title, sets, caption in drawings:
            drawn = _png(figure)  # only now is it known where things lie
            pictures[key] = Picture(key, title, sets, caption, readout(figure))
            write_atomically(pictures[key].path(out), drawn)
    return pictures


def _png(figure: Figure) -> bytes:
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box, long names may leave no room for an axis.
        warnings.filterwarnings("ignore", "Glyph|.*constrained_layout", UserWarning)
        canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
    # Plots have few colours: a palette makes them three times smaller. Photographs don't.
    if not (figure.images or any(axes.images for axes in figure.axes)):
        image = image.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
