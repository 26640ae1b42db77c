"""How scores of several runs are drawn: bars with whiskers, dots with their mean.

Knows arrays and matplotlib; knows no run and no file.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from sparring.report.plots import CLASSES, LABEL, SCENARIOS, TITLE, WIDTH, Array, shown


def strips(panels: Mapping[str, Mapping[str, Sequence[float]]], title: str) -> Figure:
    """Values as dots, a bar at their mean, one row an arm; one panel a score.

    panels: by the score's name, the values by arm.
    """
    rows = max(len(arms) for arms in panels.values())
    figure = Figure(figsize=(WIDTH, 1.0 + 0.34 * rows), layout="constrained")
    figure.suptitle(shown(title, TITLE), x=0.01, ha="left", size=9, weight="bold")
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


def bars(
    panels: Sequence[tuple[str, str]],
    groups: Sequence[Sequence[str]],
    heights: Sequence[Array],
    errors: Sequence[Array],
    marks: Sequence[Array],
    scenarios: Sequence[str],
) -> Figure:
    """Accuracy in percent, one panel a pair: bars with their values, marks for other numbers.

    panels: title and the name of the marks (empty where there are none) of each panel.
    groups: names of its G groups. heights, errors (sd), marks: float [G, len(scenarios)] in
    percent, NaN where unknown.
    """
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for index, axes in enumerate(row):
        title, marked = panels[index]
        axes.set_title("\n".join(shown(line, LABEL) for line in title.splitlines()))
        axes.set_ylim(0, 108)
        axes.set_xticks(range(len(groups[index])), map(shown, groups[index]), size=8)
        axes.grid(visible=False, axis="x")
        for s, scenario in enumerate(scenarios):
            x = np.arange(len(groups[index])) + (s - 1) * 0.27
            height, error = heights[index][:, s], errors[index][:, s]
            axes.bar(x, np.nan_to_num(height), 0.25, color=SCENARIOS[s], label=scenario)
            known = np.isfinite(height) & np.isfinite(error)
            axes.errorbar(x[known], height[known], error[known], fmt="none", ecolor="#222222")
            for at, value in zip(x, height, strict=True):
                known = np.isfinite(value)
                text = f"{value:.1f}" if known else "not\nrun"
                ink = "white" if known and s else "black"
                axes.text(at, 2, text, ha="center", va="bottom", size=6.5, color=ink)
            mark = marks[index][:, s]
            known = np.isfinite(mark)
            style = {"marker": "D", "s": 22, "color": "white", "edgecolors": "black", "zorder": 3}
            axes.scatter(
                x[known], mark[known], **style, label=shown(marked, TITLE) if s == 0 else None
            )
        handles, labels = axes.get_legend_handles_labels()
        keep = [i for i, text in enumerate(labels) if text]
        axes.legend(
            *([part[i] for i in keep] for part in (handles, labels)),
            loc="upper center",
            bbox_to_anchor=(0.5, -0.08),
            ncols=2,
            fontsize=7,
        )
    row[0].set_ylabel("target test accuracy, %")
    return figure
