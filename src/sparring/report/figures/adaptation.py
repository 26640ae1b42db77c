"""The figures of classifiers between domains, with their captions.

Knows runs, groups and plots; knows no page. With several seeds the first one is drawn.
"""

from collections.abc import Iterator

import numpy as np

from sparring.metrics.statistics import Summary
from sparring.report import plots, score_plots
from sparring.report.collect import Reproduction
from sparring.report.figures.drawing import Drawing, images_per_step, seed_note
from sparring.report.groups import Adaptation
from sparring.report.runs import Array, Run
from sparring.report2019.claims.verdicts import Evidence
from sparring.report2019.published import SCENARIOS

MIXING = (
    "It is measured among nearest neighbours: how many of each feature's neighbours come from the "
    "other domain, divided by how many would if the domains were fully mixed. At 1 the features no "
    "longer tell the domains apart; at 0 the domains lie wholly apart."
)


def drawings(rep: Reproduction, group: Adaptation) -> Iterator[Drawing]:
    """Losses, and t-SNE of adapted and of source-only features. With several seeds: the first."""
    name = group.method.upper()
    source, target = (rep.use(s).label for s in group.sets)
    run = group.shown
    log, seed = run.log, seed_note(run, group.of(run.scenario))
    if len(log):
        right = {k: v for k, v in log.terms.items() if k.endswith("accuracy")}
        terms = {k: v for k, v in log.terms.items() if k not in right}
        what = "parts of the loss" if terms else "losses"
        if run.scenario != "adapted":
            what += f", {run.scenario.replace('-', ' ')}"
        title = f"{name}: {what}, {group.source} → {group.target}"
        long = f"{name}: {what}, {source} → {target}"
        figure = plots.curves(log.step, images_per_step(run), terms or log.losses, long, right)
        caption = f"Thin: as logged; thick: moving average.{seed}"
        yield f"losses-{group.key}", figure, title, caption, group.sets
    for run in group.of("adapted")[:1]:
        seed = seed_note(run, group.of("adapted"))
        yield from _tsne(group, run, "adapted", f"tsne-{group.key}", (source, target), seed)
    for run in group.of("source-only")[:1]:
        key, seed = f"tsne-{group.key}-source-only", seed_note(run, group.of("source-only"))
        yield from _tsne(group, run, "source only", key, (source, target), seed)


def _tsne(
    group: Adaptation, run: Run, state: str, key: str, labels: tuple[str, str], seed: str
) -> Iterator[Drawing]:
    arrays = run.arrays("features")
    if not arrays:
        return
    label, domain = arrays["label"], arrays["domain"]
    classes = [str(name) for name in arrays["class_names"]]
    pair = f"{group.source} → {group.target}"
    title = f"{group.method.upper()}, {state}: t-SNE of test features, {pair}"
    domains = (f"source: {labels[0]}", f"target: {labels[1]}")
    figure = plots.embedding(arrays["embedding"], label, domain, classes, domains, title)
    mixing = run.scores.get("mixing")
    number = "" if mixing is None else f" Mixing of the domains: {mixing:.2f}. {MIXING}"
    caption = f"{_counts(label, domain, len(classes), int(arrays['per_class']))}{number}{seed}"
    yield key, figure, title, caption, group.sets


def _counts(label: Array, domain: Array, classes: int, asked: int) -> str:
    """How many features are shown for each class and domain, beside how many were asked for."""
    counts = np.bincount(domain * classes + label, minlength=2 * classes)
    if counts.min() == counts.max() == asked:
        return f"{asked:,} test features of each class from each domain, {len(label):,} in all."
    return (
        f"{len(label):,} test features: {asked:,} of each class and domain were asked for; the "
        f"test sets give {counts.min():,} to {counts.max():,}."
    )


def accuracy(evidence: Evidence) -> Drawing:
    """Bars for all pairs and scenarios."""
    rep, adaptations = evidence.rep, evidence.adaptations
    pairs = list(dict.fromkeys(group.sets for group in adaptations))
    groups = [[g for g in adaptations if g.sets == pair] for pair in pairs]
    panels = []
    for pair in pairs:
        asked = rep.asked(pair)
        known = any(evidence.printed(g) for g in adaptations if g.sets == pair)
        title = " →\n".join(rep.use(name).label for name in pair)
        panels.append((title, f"source report, {asked[0]} → {asked[1]}" if known else ""))

    def percent(row: list[Adaptation], part: str) -> Array:
        summaries = [[g.score(scenario) for scenario in SCENARIOS] for g in row]
        return np.array([[_percent(summary, part) for summary in line] for line in summaries])

    def marks(row: list[Adaptation]) -> Array:
        found = [evidence.printed(g) for g in row]
        return np.array([[100 * t.of(s) if t else np.nan for s in SCENARIOS] for t in found])

    figure = score_plots.bars(
        panels,
        [[g.method.upper() for g in row] for row in groups],
        [percent(row, "mean") for row in groups],
        [percent(row, "sd") for row in groups],
        [marks(row) for row in groups],
        [scenario.replace("-", " ") for scenario in SCENARIOS],
    )
    diamonds = (
        " Diamonds: what the source report printed for the direction that was asked for; where "
        "another set stands in, they are beside our bars to be seen, not to be compared."
    )
    caption = (
        f"Accuracy on the target's test images.{diamonds if any(m for _, m in panels) else ''} "
        "Whiskers, where there are several seeds: one sd."
    )
    sets = tuple(dict.fromkeys(name for pair in pairs for name in pair))
    return "accuracy", figure, "Accuracy in the three scenarios", caption, sets


def _percent(summary: Summary, part: str) -> float:
    value = getattr(summary, part)
    return float("nan") if value is None else 100 * value
