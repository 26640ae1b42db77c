"""How scores are drawn: bars with whiskers, dots with their mean, reliability and risk curves.

Knows numbers and matplotlib; knows no run and no file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sparring.metrics.statistics import Summary
from sparring.report.plots import CLASSES, LABEL, OKABE_ITO, TITLE, WIDTH, shown, titled
from sparring.runs.scores import Trust

SCENARIOS = ("#c3cbd4", "#0072B2", "#007a5a")
DIAMOND: Any = {"marker": "D", "s": 22, "color": "white", "edgecolors": "black", "zorder": 3}
_LARGEST = 90  # area of the dot of a bin that holds every image, in square points


def strips(panels: Mapping[str, Mapping[str, Sequence[float]]], title: str) -> Figure:
    """Values as dots, a bar at their mean, one row an arm; one panel a score.

    panels: by the score's name, the values by arm.
    """
    figure = titled(title, 1.0 + 0.34 * max(len(arms) for arms in panels.values()))
    axes_row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (name, arms) in zip(axes_row, panels.items(), strict=True):
        for place, values in enumerate(arms.values()):
            colour = CLASSES[place % len(CLASSES)]
            axes.scatter(values, [place] * len(values), s=22, color=colour, alpha=0.7, linewidths=0)
            mean = sum(values) / len(values)
            axes.plot([mean, mean], [place - 0.3, place + 0.3], color=colour, linewidth=2)
        axes.set_yticks(range(len(arms)), [shown(arm) for arm in arms], size=8)
        axes.set_ylim(len(arms) - 0.4, -0.6)
        axes.set_xlabel(shown(name, TITLE), size=8)
    return figure


@dataclass(frozen=True)
class Bars:
    """One panel. bars: by group and scenario, accuracies as fractions. marks: likewise, others'.

    marked: what the marks are.
    """

    title: str
    bars: Mapping[str, Mapping[str, Summary]]
    marks: Mapping[str, Mapping[str, float]]
    marked: str = ""


def bars(panels: Sequence[Bars]) -> Figure:
    """Accuracy in percent: bars with their values, whiskers of one sd, diamonds for marks."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(row, panels, strict=True):
        axes.set_title("\n".join(shown(line, LABEL) for line in panel.title.splitlines()))
        axes.set_ylim(0, 108)
        names = [shown(name).replace(", ", ",\n") for name in panel.bars]
        axes.set_xticks(range(len(names)), names, size=8)
        axes.grid(visible=False, axis="x")
        for place, (name, scenarios) in enumerate(panel.bars.items()):
            for s, (scenario, summary) in enumerate(scenarios.items()):
                x = place + (s - 1) * 0.27
                label = scenario.replace("-", " ") if place == 0 else None
                height = 100 * (summary.mean or 0)
                axes.bar(x, height, 0.25, color=SCENARIOS[s], label=label)
                if summary.sd is not None:
                    axes.errorbar(x, height, 100 * summary.sd, fmt="none", ecolor="#222222")
                text = "not\nrun" if summary.mean is None else f"{height:.1f}"
                low = height <= 8  # then there is no room in it
                at = height + 1 if low else 2
                ink = "white" if s and not low else "black"
                axes.text(x, at, text, ha="center", va="bottom", size=6.5, color=ink)
                if (mark := panel.marks.get(name, {}).get(scenario)) is not None:
                    axes.scatter(x, 100 * mark, **DIAMOND)
        if panel.marked:
            axes.scatter([], [], label=shown(panel.marked, TITLE), **DIAMOND)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2, fontsize=7)
    row[0].set_ylabel("target test accuracy, %")
    return figure


def trust(curves: Mapping[str, Trust], title: str) -> Figure:
    """Reliability at the left and risk-coverage at the right, a line for each of `curves`."""
    figure = titled(title, 3.5)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="#444444", linewidth=0.8, linestyle=":")
    for (name, found), colour in zip(curves.items(), OKABE_ITO, strict=False):
        bins = found.reliability
        x, y = [one.confidence for one in bins], [one.accuracy for one in bins]
        share = np.array([one.count for one in bins]) / max(sum(one.count for one in bins), 1)
        left.plot(x, y, color=colour, linewidth=1.2, label=name)
        left.scatter(x, y, s=np.maximum(_LARGEST * share, 4), color=colour, linewidths=0)
        curve = found.risk_coverage
        right.plot(curve.coverage, curve.risk, color=colour, linewidth=1.6, label=name)
    for axes in (left, right):
        axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02))
    left.set(xlabel="confidence", ylabel="share right")
    right.set(xlabel="share answered", ylabel="share wrong")
    left.set_title("reliability", weight="normal")
    right.set_title("risk and coverage", weight="normal")
    left.legend(fontsize=7, loc="upper left")
    right.legend(fontsize=7, loc="best")
    return figure
