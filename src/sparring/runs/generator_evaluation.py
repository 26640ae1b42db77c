"""What a trained generator is worth: fidelity, obedience to labels, and whether it copies.

Knows the evaluators and the metrics; knows no training and no file. Everything is drawn from
fixed noise, so that generators of one data set are compared on equal terms.
"""

from dataclasses import asdict
from functools import lru_cache
from statistics import fmean

import msgspec
import numpy as np
import torch
from msgspec import structs
from torch import Tensor

from sparring.data.images import DataSet, Images
from sparring.metrics.extractor import Extractor
from sparring.metrics.fidelity import FEWEST, ReferenceFeatures, kernel_distance
from sparring.metrics.memorisation import FEWEST_UNSEEN, audit
from sparring.metrics.scorecard import (
    accuracy,
    by_group,
    change,
    flip,
    grouped,
    leakage,
    mean_distance,
    relative_spread,
)
from sparring.runs.evaluators import Evaluators
from sparring.runs.sampler import Sampler
from sparring.runs.scores import Copies, GeneratorScores, Judge, OfClass, Scorecard, Turned
from sparring.runs.selection import sample

SAMPLES, PAIRS = 32, 10
GROWN, FACES, STEPS = 2, 8, 7
"""Attributes that are shown growing, at most, the images of each, and their steps."""
WALKS, STRIDES = 4, 9
"""Images that walk from one noise to another, and their steps."""
VARIED = 500
"""Images that the diversity is measured on."""
TURNED = 10
"""Most labels that are turned on, and most classes that the same noise is drawn as."""
FEWEST_PAIRS = 50
MAPPED = 3
"""Most labels whose change is drawn as a map."""
SHOWN = 8
"""Images that are shown beside their nearest training images."""

Arrays = dict[str, np.ndarray]


def evaluate(tools: Evaluators, sampler: Sampler, count: int) -> tuple[GeneratorScores, Arrays]:
    """All that `count` images of `sampler` say of its generator, and the pictures."""
    train, test = sampler.train, tools.dataset.test.pixels
    asked = None if train.labels is None else sampler.asked(count)
    drawn = Images(sampler.draw(count), asked, train.label_names)
    among = min(VARIED, len(test), count)
    real = spread(test, min(VARIED, count))
    metrics = {"diversity": mean_distance(drawn.pixels[:among]) / real if real else None}
    arrays = _pictures(sampler)
    fidelity, copies, judge, card, classes = {}, None, None, None, {}
    if tools.reference is not None:
        features = tools.reference.features(drawn.pixels)
        score = tools.reference.score(features)
        fidelity = {"generated": score} | tools.reference.calibration
        metrics |= {"frechet": score.frechet, "kid": score.kid.value} | asdict(score.manifold)
        del metrics["neighbours"]
        if asked is not None:
            classes = _by_class(tools.reference, tools.dataset, drawn, features)
    if len(test) >= FEWEST_UNSEEN:
        copies, shown = _copies(tools.dataset, drawn.pixels)
        metrics["memorised"] = copies.ratio
        arrays |= shown
    if asked is not None and tools.judge is not None and tools.skill is not None:
        judge = Judge(skill=tools.skill, learned_from=tools.judge.learned_from)
        card, maps = _obedience(tools.judge, sampler, drawn, tools.dataset.test)
        card = structs.replace(card, classes=classes)
        right, flips = card.labels.values(), [entry.flip for entry in card.turned.values()]
        metrics["attribute_accuracy"] = fmean(share.value for share in right)
        metrics["flipped"] = fmean(flip.flipped.value for flip in flips)
        arrays |= maps
    scores = GeneratorScores(
        metrics=metrics,
        notes=notes(tools, real),
        extractor=tools.extractor,
        fidelity=fidelity,
        judge=judge,
        scorecard=card,
        copies=copies,
        pair_label=train.label_names[0] if train.kind == "attributes" else "",
        changed=tuple(card.turned)[:MAPPED] if card else (),
    )
    return scores, arrays


@lru_cache(maxsize=1)
def spread(pixels: Tensor, count: int) -> float:
    """Mean distance of `count` of the images, at random; 0 where no two differ.

    Takes a second, and every generator of a data set (uint8 [N, 3, S, S]) asks twice.
    """
    some = pixels[sample(len(pixels), count)]
    return mean_distance(some) if len(some) > 1 else 0.0


def notes(tools: Evaluators, real: float) -> tuple[str, ...]:
    """A sentence for each kind of score that the set is too small for.

    real: how far real images lie apart.
    """
    train, test = len(tools.dataset.train), len(tools.dataset.test)
    has = f"{tools.dataset.name} has {train:,} training and {test:,} test images"
    lines = []
    if not real:
        lines.append("No diversity: there are no two different test images to compare with.")
    if tools.reference is None:
        lines.append(f"No fidelity scores: {has}; {FEWEST} of each are needed.")
    if test < FEWEST_UNSEEN:
        lines.append(f"No search for copies: {has}; it needs {FEWEST_UNSEEN} test images.")
    return tuple(lines)


def _pictures(sampler: Sampler) -> Arrays:
    """Samples, and between two noises; the first attributes off, on and growing, or each class."""
    arrays = {"samples": sampler.draw(SAMPLES).numpy()}
    arrays["walk"] = sampler.walking(WALKS, STRIDES).numpy()
    if sampler.train.kind == "attributes":
        arrays["pairs"] = sampler.pairs(0, PAIRS).numpy()
        grown = range(min(GROWN, len(sampler.train.label_names)))
        arrays["growing"] = np.stack([sampler.growing(k, FACES, STEPS).numpy() for k in grown])
    elif sampler.train.kind == "classes":
        numbers = range(min(TURNED, len(sampler.train.label_names)))
        arrays["classes"] = np.stack([sampler.of_class(k, PAIRS).numpy() for k in numbers])
    return arrays


def _copies(dataset: DataSet, drawn: Tensor) -> tuple[Copies, Arrays]:
    """The audit of all images, and those that look most like copies beside what they are like."""
    train = dataset.train.pixels
    found = audit(drawn, train, dataset.test.pixels, mirror=dataset.mirror)
    shown = found.order[:SHOWN]
    nearest = train[torch.from_numpy(found.nearest[shown])]
    mirrored = torch.from_numpy(found.mirrored[shown])[:, None, None, None]
    return msgspec.convert(found, Copies, from_attributes=True), {
        "suspects": drawn[torch.from_numpy(shown)].numpy(),
        "suspects_nearest": torch.where(mirrored, nearest.flip(3), nearest).numpy(),
    }


def _obedience(
    judge: Extractor, sampler: Sampler, drawn: Images, real: Images
) -> tuple[Scorecard, Arrays]:
    """Whether the judge sees what was asked for, and what else moves when one label is turned.

    real: unseen images with all their labels. The arrays are maps of the changes.
    """
    names = drawn.label_names[:TURNED]
    count = max(FEWEST_PAIRS, len(drawn) // len(names))
    turned: dict[str, Turned] = {}
    heat: list[np.ndarray] = []
    means: list[np.ndarray] = []
    for place, name in enumerate(names):
        pairs = sampler.pairs(place, count)
        moved = change(pairs)
        turned[name] = Turned(
            pairs=count,
            flip=flip(judge, pairs, name),
            levels=moved.levels,
            relative=moved.relative,
            half_area=moved.half_area,
            leakage=leakage(judge, pairs, name, real) if real.kind == "attributes" else {},
        )
        if place < MAPPED:
            heat.append(moved.heat)
            means.append(pairs.float().mean(0).round().to(torch.uint8).numpy())
    maps = {"change_heat": np.stack(heat), "change_means": np.stack(means)}
    return Scorecard(labels=accuracy(judge, drawn), turned=turned), maps


def _by_class(
    reference: ReferenceFeatures, dataset: DataSet, drawn: Images, features: np.ndarray
) -> dict[str, OfClass]:
    """Kernel distance and diversity in each group of labels, and the floor beside them."""
    real = grouped(reference.real, dataset.train.take(reference.chosen))
    unseen = grouped(reference.unseen, dataset.test.take(reference.held_out))
    floor = by_group(kernel_distance, real, unseen)
    ours = grouped(features, drawn)
    varied = by_group(relative_spread, real, ours)
    return {
        title: OfClass(kid=kid, floor=floor[title], diversity=varied[title])
        for title, kid in by_group(kernel_distance, real, ours).items()
    }
