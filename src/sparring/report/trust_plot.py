"""How reliability and risk-coverage curves are drawn.

Knows the content of scores.json on trust, and matplotlib; knows no run and no file.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparring.report.plots import OKABE_ITO, TITLE, WIDTH, shown

_LARGEST = 90  # area of the dot of a bin that holds every image, in square points


def trust(curves: Mapping[str, dict[str, Any]], title: str) -> Figure:
    """Reliability at the left and risk-coverage at the right, a line for each of `curves`.

    curves: by name, `reliability` (bins: confidence, accuracy, count) and `risk_coverage`
    (coverage, risk), as in scores.json.
    """
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    figure.suptitle(shown(title, TITLE), x=0.01, ha="left", size=9, weight="bold")
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="#444444", linewidth=0.8, linestyle=":")
    for (name, found), colour in zip(curves.items(), OKABE_ITO, strict=False):
        _reliability(left, found["reliability"], name, colour)
        curve = found["risk_coverage"]
        right.plot(curve["coverage"], curve["risk"], color=colour, linewidth=1.6, label=name)
    left.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="confidence", ylabel="share right")
    left.set_title("reliability", weight="normal")
    right.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="share answered", ylabel="share wrong")
    right.set_title("risk and coverage", weight="normal")
    left.legend(fontsize=7, loc="upper left")
    right.legend(fontsize=7, loc="best")
    return figure


def _reliability(axes: Axes, bins: list[dict[str, Any]], name: str, colour: str) -> None:
    confidence, accuracy, count = (
        np.array([one[key] for one in bins], float) for key in ("confidence", "accuracy", "count")
    )
    axes.plot(confidence, accuracy, color=colour, linewidth=1.2, label=name)
    area = _LARGEST * count / max(count.sum(), 1)
    axes.scatter(confidence, accuracy, s=np.maximum(area, 4), color=colour, linewidths=0)
