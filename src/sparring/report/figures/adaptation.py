"""The figures of classifiers between domains.

Knows runs, groups and plots; knows no page. With several seeds the first one is drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from sparring.metrics.outputs import fixed_and_broken
from sparring.report import plots, score_plots
from sparring.report.collect import Report
from sparring.report.curves import Array, Log
from sparring.report.figures.drawing import Drawing
from sparring.report.groups import Adaptation, classifier_scores
from sparring.report.plots import Panel
from sparring.runs.records import SCENARIOS

EXAMPLES = 10
"""Examples of either kind that are shown."""


@dataclass(frozen=True)
class Marks:
    """Someone else's accuracies beside a group's, fractions by scenario. words: whose."""

    words: str
    accuracy: Mapping[str, float]


def losses(report: Report, group: Adaptation) -> Iterator[Drawing]:
    """Parts of the loss; accuracies among the terms have a panel of their own."""
    log = Log.of(group.shown.rows())
    if not len(log):
        return
    right = {k: v for k, v in log.terms.items() if k.endswith("accuracy")}
    terms = {k: v for k, v in log.terms.items() if k not in right}
    panels = [Panel("loss", terms or log.losses, height=1.9)]
    if right:
        panels.append(Panel("share right\n(dotted: chance)", right, share=True, chance=0.5))
    scenario = group.shown.config.scenario.replace("-", " ")
    title = f"{group.title}, {scenario}: {'parts of the loss' if terms else 'losses'}"
    on = " → ".join(map(report.label, group.sets))
    figure = plots.curves(log.step, panels, f"{title}, {on}", log.images_per_step)
    yield Drawing(group.figure("losses"), figure, f"{title}, {group.pair}", group.sets)


def features(report: Report, group: Adaptation) -> Iterator[Drawing]:
    """t-SNE of adapted and of source-only features."""
    domains = [f"{role}: {report.label(one.name)}" for role, one in group.config.data.items()]
    for scenario, what in (("adapted", "tsne"), ("source-only", "tsne-source-only")):
        for run in group.of(scenario)[:1]:
            if arrays := run.arrays("features"):
                state = scenario.replace("-", " ")
                title = f"{group.title}, {state}: t-SNE of test features, {group.pair}"
                figure = plots.embedding(arrays, group.config.label_names, domains, title)
                yield Drawing(group.figure(what), figure, title, group.sets)


def trust(report: Report, group: Adaptation) -> Iterator[Drawing]:
    """Reliability and risk of the source-only classifier and the adapted one."""
    firsts = [run for scenario in SCENARIOS[:2] for run in group.of(scenario)[:1]]
    found = {run.config.scenario.replace("-", " "): classifier_scores(run).trust for run in firsts}
    if known := {words: one for words, one in found.items() if one}:
        title = f"{group.title}: can its confidence be trusted, {group.pair}"
        yield Drawing(group.figure("trust"), score_plots.trust(known, title), title, group.sets)


def examples(report: Report, group: Adaptation) -> Iterator[Drawing]:
    """Target images that adaptation fixed and broke; needs their labels."""
    for before, after in group.twins[:1]:
        first, second = before.arrays("outputs"), after.arrays("outputs")
        if not (first and second) or first["example_label"].min() < 0:
            return
        pixels, label = first["example_pixels"], first["example_label"]
        answers = first["example_predicted"], second["example_predicted"]
        fixed, broken = fixed_and_broken(label, *answers, seed=0)
        if not (len(fixed) or len(broken)):
            return
        title = (
            f"{group.title}: of {len(label):,} test images adaptation fixed "
            f"{len(fixed):,} and broke {len(broken):,}, {group.pair}"
        )
        rows = np.sort(fixed[:EXAMPLES]), np.sort(broken[:EXAMPLES])
        figure = _grid(pixels, rows, answers, group.config.label_names, title)
        yield Drawing(group.figure("changed"), figure, title, group.sets)


FIGURES = (losses, features, trust, examples)
"""What is drawn of each group; each part fails alone."""


def _grid(
    pixels: Array,
    rows: tuple[Array, Array],
    answers: tuple[Array, Array],
    names: Sequence[str],
    title: str,
) -> Figure:
    """Chosen images (indices, a row each) with what both classifiers said of them."""
    tiles = np.full((2, EXAMPLES, *pixels.shape[1:]), 255, np.uint8)
    words = []
    for row, chosen in zip(tiles, rows, strict=True):
        row[: len(chosen)] = pixels[chosen]
        said = zip(*(answer[chosen].tolist() for answer in answers), strict=True)
        words.append([" → ".join(plots.shown(names[k], 9) for k in pair) for pair in said])
    return plots.image_grid(tiles, title, ("fixed", "broken"), below=words)


def accuracy(
    report: Report, groups: Sequence[Adaptation], marks: Mapping[str, Marks]
) -> Iterator[Drawing]:
    """Bars for all pairs and scenarios. marks: by a group's key, drawn as diamonds beside them."""
    known = [group for group in groups if group.labelled]
    # A single bar would compare nothing.
    if len({(group.key, run.config.scenario) for group in known for run in group.runs}) < 2:
        return
    pairs = list(dict.fromkeys(group.sets for group in known))
    panels = [_bars(report, [g for g in known if g.sets == pair], marks) for pair in pairs]
    sets = tuple(dict.fromkeys(name for pair in pairs for name in pair))
    title = "Accuracy in the three scenarios"
    yield Drawing("accuracy", score_plots.bars(panels), title, sets)


def _bars(report: Report, groups: list[Adaptation], marks: Mapping[str, Marks]) -> score_plots.Bars:
    presets = len({group.config.preset for group in groups}) > 1
    names = {g.key: f"{g.title}, {g.config.preset}" if presets else g.title for g in groups}
    found = {names[g.key]: marks[g.key] for g in groups if g.key in marks}
    return score_plots.Bars(
        title=" →\n".join(map(report.label, groups[0].sets)),
        bars={names[g.key]: {s: g.over(s) for s in SCENARIOS} for g in groups},
        marks={name: mark.accuracy for name, mark in found.items()},
        marked=next((mark.words for mark in found.values()), ""),
    )
