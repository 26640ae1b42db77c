"""Which figures a report has: drawn from its runs, saved as PNG, with their captions.

Knows groups of runs and files; what is in a figure is in the modules beside this one.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from sparring.errors import RequestError
from sparring.report import plots
from sparring.report.collect import Report
from sparring.report.figures import adaptation, generation
from sparring.report.figures.adaptation import Marks
from sparring.report.figures.drawing import Drawing
from sparring.report.groups import Adaptation, Generation
from sparring.report.picture import Picture
from sparring.runs.folder import run_name
from sparring.storage import write_atomically

__all__ = ["Drawing", "Marks", "draw", "save"]


def draw(
    report: Report,
    generators: tuple[Generation, ...],
    adaptations: tuple[Adaptation, ...],
    marks: Mapping[str, Marks],
) -> tuple[dict[str, Picture], list[str]]:
    """Draw every figure that the finished runs allow into `out/figures`.

    Returns the pictures by key, and a sentence for each figure that could not be drawn.
    """
    pictures: dict[str, Picture] = {}
    notes = []
    with style.context(plots.STYLE):
        for make in _makers(report, generators, adaptations, marks):
            try:
                drawings = list(make())
            except RequestError as error:  # its arrays are damaged
                notes.append(f"A figure is left out: {error}.")
            else:
                pictures |= save(report.out, drawings)
    return pictures, notes


def _makers(
    report: Report,
    generators: tuple[Generation, ...],
    adaptations: tuple[Adaptation, ...],
    marks: Mapping[str, Marks],
) -> Iterator[Callable[[], Iterable[Drawing]]]:
    for generator in generators:
        yield from (partial(make, report, generator) for make in generation.FIGURES)
    for adapted in adaptations:
        yield from (partial(make, report, adapted) for make in adaptation.FIGURES)
    yield partial(adaptation.accuracy, report, adaptations, marks)


def save(out: Path, drawings: Iterable[Drawing]) -> dict[str, Picture]:
    """Write the drawings into `out/figures`, as PNG; return them by key.

    An iterator is drawn here, in the report's style.
    """
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {}
    with style.context(plots.STYLE):
        for one in drawings:
            path = folder / f"{file_name(one.key)}.png"
            write_atomically(path, _png(one.figure))
            pictures[one.key] = Picture(one.key, path, one.title, one.sets, one.caption)
    return pictures


def file_name(key: str) -> str:
    """The name of a figure's file: letters that no page and no shell reads as more than letters.

    A hash keeps names apart that would be one without their other letters.
    """
    plain = re.sub(r"[^A-Za-z0-9_.,+-]", "_", key)
    same = plain == key
    return run_name(plain) if same else run_name(plain, sha256(key.encode()).hexdigest()[:8])


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
