"""The figures of classifiers between domains: of the first run of each scenario.

Knows groups and plots; knows no page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from sparring.metrics.outputs import fixed_and_broken
from sparring.report import plots, score_plots
from sparring.report.collect import Report
from sparring.report.groups import Adaptation, classifier_scores
from sparring.report.plots import Drawing, Panel, Part
from sparring.runs.records import SCENARIOS

EXAMPLES = 10
"""Examples of either kind that are shown."""


@dataclass(frozen=True)
class Marks:
    """Someone else's accuracies beside a group's, fractions by scenario. words: whose."""

    words: str
    accuracy: Mapping[str, float]


def losses(group: Adaptation) -> Iterator[Part]:
    """Parts of the loss; accuracies among the terms have a panel of their own."""
    log = group.log
    if not len(log):
        return
    right = {k: v for k, v in log.terms.items() if k.endswith("accuracy")}
    terms = {k: v for k, v in log.terms.items() if k not in right}
    panels = [Panel("loss", terms or log.losses, height=1.9)]
    if right:
        panels.append(Panel("share right\n(dotted: chance)", right, share=True, chance=0.5))
    words = f"{'parts of the loss' if terms else 'losses'}, {_state(group.shown.config.scenario)}"
    yield (
        "losses",
        words,
        lambda title: plots.curves(log.step, panels, title, log.images_per_step, group.events),
    )


def features(group: Adaptation) -> Iterator[Part]:
    """t-SNE of adapted and of source-only features."""
    domains = [f"{role}: {one.name}" for role, one in group.config.data.items()]
    for scenario, what in (("adapted", "tsne"), ("source-only", "tsne-source-only")):
        for run in group.of(scenario)[:1]:
            if arrays := run.arrays("features"):
                draw = partial(plots.embedding, arrays, group.config.label_names, domains)
                yield what, f"t-SNE of test features, {_state(scenario)}", draw


def trust(group: Adaptation) -> Iterator[Part]:
    """Reliability and risk of the source-only classifier and the adapted one."""
    firsts = {_state(s): run for s in SCENARIOS[:2] for run in group.of(s)[:1]}
    found = {words: classifier_scores(run).trust for words, run in firsts.items()}
    if known := {words: one for words, one in found.items() if one}:
        yield "trust", "can its confidence be trusted", partial(score_plots.trust, known)


def examples(group: Adaptation) -> Iterator[Part]:
    """Target images that adaptation fixed and broke, a row each; needs their labels.

    Below each image: what source only said of it, and what adapted said.
    """
    for before, after in group.twins[:1]:
        first, second = before.arrays("outputs"), after.arrays("outputs")
        if not (first and second) or first["example_label"].min() < 0:
            return
        pixels, label = first["example_pixels"], first["example_label"]
        answers = first["example_predicted"], second["example_predicted"]
        fixed, broken = fixed_and_broken(label, *answers, seed=0)
        if not (len(fixed) or len(broken)):
            return
        tiles = np.full((2, EXAMPLES, *pixels.shape[1:]), 255, np.uint8)
        said = []
        names = group.config.label_names
        for row, changed in zip(tiles, (fixed, broken), strict=True):
            chosen = np.sort(changed[:EXAMPLES])
            row[: len(chosen)] = pixels[chosen]
            pairs = zip(*(answer[chosen].tolist() for answer in answers), strict=True)
            said.append([" → ".join(plots.shown(names[k], 9) for k in pair) for pair in pairs])
        words = (
            f"of {len(label):,} test images adaptation fixed {len(fixed):,} and broke "
            f"{len(broken):,}"
        )
        yield (
            "changed",
            words,
            partial(plots.image_grid, tiles, rows=("fixed", "broken"), below=said),
        )


def drawn(group: Adaptation) -> Iterator[Part]:
    """What the method draws of images of both domains, if it draws."""
    for run in group.of("adapted")[:1]:
        names, arrays = classifier_scores(run).drawn, run.arrays("pictures")
        if names and "drawn" in arrays:
            rows = arrays["drawn"]
            half = rows.shape[1] // 2
            columns = [""] * (2 * half)
            columns[half // 2], columns[half + half // 2] = group.sets
            words = "test images of both domains, and what it makes of them"
            draw = partial(plots.image_grid, rows, rows=names, columns=columns, group=half)
            yield "drawn", words, draw


FIGURES = (losses, features, trust, examples, drawn)
"""What is drawn of each group; each part fails alone."""


def _state(scenario: str) -> str:
    return scenario.replace("-", " ")


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
    yield Drawing("accuracy", score_plots.bars(panels), "Accuracy in the three scenarios", sets)


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
