"""What a figure of curves tells under the pointer: what was logged, and where in the picture it is.

Knows figures of curves; knows no run, no file and no HTML.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sparring.report.curves import Array
from sparring.report.plots import Curves, colours, shown

MOST = 300
"""Steps of a figure that can be pointed at, and those of its events."""


def readout(figure: Figure) -> dict[str, Any] | None:
    """For the page's script, of a figure that has been drawn; None where it shows no curves.

    step: those that can be pointed at, rising. x: of each, in widths of the picture from its left;
    top, bottom: of the panels, in heights from its top. lines: by panel and name, their colours and
    values at each step (three or four digits; as last logged; null before the first).
    events: words by place in `step`.
    """
    if not isinstance(figure, Curves) or not len(figure.step):
        return None
    step, last = figure.step, len(figure.step) - 1
    happened: dict[int, list[str]] = {}
    for when, kind in figure.events:
        happened.setdefault(min(int(np.searchsorted(step, when)), last), []).append(kind)
    even = np.linspace(0, last, min(last + 1, MOST)).round().astype(int)
    places = np.unique([*even, *happened])
    axes = figure.axes[: len(figure.panels)]
    across = axes[0].get_xaxis_transform() - figure.transFigure
    x = across.transform(np.column_stack([step[places], np.zeros(len(places))]))[:, 0]
    boxes = [one.get_position() for one in axes]
    return {
        "step": step[places].tolist(),
        "x": x.round(4).tolist(),
        "top": round(1 - max(box.y1 for box in boxes), 4),
        "bottom": round(1 - min(box.y0 for box in boxes), 4),
        "lines": [
            {"name": name, "colour": colour, "values": _values(values, places)}
            for name, colour, values in _lines(figure)
        ],
        "events": {
            str(np.searchsorted(places, place)): ", ".join(kinds)
            for place, kinds in happened.items()
        },
    }


def _lines(figure: Curves) -> list[tuple[str, str, Array]]:
    """Each line's name, with that of its panel where there are several, its colour and values."""
    found = []
    for panel in figure.panels:
        before = f"{panel.label.partition(chr(10))[0]}, " if len(figure.panels) > 1 else ""
        for (name, values), colour in zip(panel.lines.items(), colours(panel.lines), strict=True):
            plain = shown(name.replace("_", " "))
            found.append((plain if panel.label == name else before + plain, colour, values))
    return found


def _values(values: Array, places: Array) -> list[float | None]:
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))
    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in values[last][places]]
