"""Which figures a reproduction has: drawn from its runs, saved as PNG, with their captions.

Knows groups of runs and files; what is in a figure is in the modules beside this one.
"""

import io
import re
import warnings
from collections.abc import Iterator
from hashlib import sha256

import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from sparring.report import plots
from sparring.report.figures import adaptation, before_after, generation
from sparring.report.figures.drawing import Drawing
from sparring.report.picture import Picture
from sparring.report2019.claims import figures as claims
from sparring.report2019.claims.verdicts import Evidence, Verdict
from sparring.runs.folder import run_name
from sparring.storage import write_atomically

__all__ = ["draw"]


def draw(evidence: Evidence, verdicts: tuple[Verdict, ...]) -> dict[str, Picture]:
    """Draw every figure that the finished runs allow into `out/figures`, by key."""
    folder = evidence.rep.out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {}
    with style.context(plots.STYLE):
        for key, figure, title, caption, sets in _drawings(evidence, verdicts):
            path = folder / f"{file_name(key)}.png"
            # Plots have few colours: a palette makes them three times smaller. Photographs don't.
            write_atomically(path, _png(figure, palette=not _photographs(figure)))
            pictures[key] = Picture(key, path, title, caption, sets)
    return pictures


def _drawings(evidence: Evidence, verdicts: tuple[Verdict, ...]) -> Iterator[Drawing]:
    for generator in evidence.generators:
        yield from generation.drawings(evidence.rep, generator)
    for adapted in evidence.adaptations:
        yield from adaptation.drawings(evidence.rep, adapted)
        yield from before_after.drawings(adapted)
    # A single bar would compare nothing.
    if len({(g.key, run.scenario) for g in evidence.adaptations for run in g.runs}) > 1:
        yield adaptation.accuracy(evidence)
    yield from claims.drawings(verdicts)


def file_name(key: str) -> str:
    """The name of a figure's file: letters that no page and no shell reads as more than letters.

    A hash keeps names apart that would be one without their other letters.
    """
    plain = re.sub(r"[^A-Za-z0-9_.+-]", "_", key)
    return (
        run_name(plain) if plain == key else run_name(plain, sha256(key.encode()).hexdigest()[:8])
    )


def _photographs(figure: Figure) -> bool:
    return bool(figure.images) or any(axes.images for axes in figure.axes)


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
