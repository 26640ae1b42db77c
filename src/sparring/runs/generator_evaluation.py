"""What a trained generator is worth: fidelity, obedience to labels, and whether it copies.

Knows the evaluators and the metrics; knows no training and no file. Everything is drawn from
fixed noise, so that generators of one data set are compared on equal terms.
"""

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.data.images import DataSet, Images
from sparring.metrics.extractor import Extractor, Skill
from sparring.metrics.fidelity import FEWEST, ReferenceFeatures, kernel_distance
from sparring.metrics.memorisation import FEWEST_UNSEEN, audit
from sparring.metrics.scorecard import (
    Change,
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
from sparring.runs.records import Copies, GeneratorScores, Judge, OfClass, Scorecard, Turned
from sparring.runs.sampler import Sampler

SAMPLES, PAIRS = 32, 10
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


@dataclass
class Findings:
    """What is found bit by bit: fields of GeneratorScores, single numbers, arrays."""

    scores: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)

    def add(self, other: "Findings") -> None:
        """Take in what is in `other`."""
        self.scores |= other.scores
        self.metrics |= other.metrics
        self.arrays |= other.arrays


def evaluate(tools: Evaluators, sampler: Sampler, count: int) -> tuple[GeneratorScores, Arrays]:
    """All that `count` images of `sampler` say of its generator, and the pictures."""
    train, test = sampler.train, tools.dataset.test.pixels
    labelled = train.labels is not None
    asked = sampler.asked(count) if labelled else None
    drawn = Images(sampler.draw(count), asked, train.label_names)
    among = min(VARIED, len(test), count)
    real = spread(test, min(VARIED, count))
    varied = mean_distance(drawn.pixels[:among]) / real if real else None
    found = Findings({"notes": notes(tools, real)}, {"diversity": varied}, _pictures(sampler))
    features = np.zeros((0, 1), np.float32)
    if tools.reference is not None:
        features = tools.reference.features(drawn.pixels)
        found.add(_fidelity(tools, tools.reference, features))
    if len(test) >= FEWEST_UNSEEN:
        found.add(_copies(tools.dataset, drawn.pixels))
    if labelled and tools.judge is not None and tools.skill is not None:
        classes = _by_class(tools, drawn, features)
        found.add(_obedience(tools, tools.judge, tools.skill, sampler, drawn, classes))
    if train.kind == "attributes":
        found.scores["pair_label"] = train.label_names[0]
    return GeneratorScores(metrics=found.metrics, **found.scores), found.arrays


@lru_cache(maxsize=1)
def spread(pixels: Tensor, count: int) -> float:
    """Mean distance of the first `count` images; 0 where no two differ.

    Takes a second, and every generator of a data set (uint8 [N, 3, S, S]) asks twice.
    """
    return mean_distance(pixels[:count]) if min(count, len(pixels)) > 1 else 0.0


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
    """Samples; pairs without and with the first attribute, or the same noise as each class."""
    arrays = {"samples": sampler.draw(SAMPLES).numpy()}
    if sampler.train.kind == "attributes":
        arrays["pairs"] = sampler.pairs(0, PAIRS).numpy()
    elif sampler.train.kind == "classes":
        numbers = range(min(TURNED, len(sampler.train.label_names)))
        arrays["classes"] = np.stack([sampler.of_class(k, PAIRS).numpy() for k in numbers])
    return arrays


def _fidelity(tools: Evaluators, reference: ReferenceFeatures, features: np.ndarray) -> Findings:
    score = reference.score(features)
    single = {name: value for name, value in asdict(score.manifold).items() if name != "neighbours"}
    return Findings(
        {"extractor": tools.extractor, "fidelity": {"generated": score} | reference.calibration},
        {"frechet": score.frechet, "kid": score.kid.value} | single,
    )


def _copies(dataset: DataSet, drawn: Tensor) -> Findings:
    """The audit of all images, and those that look most like copies beside what they are like."""
    train = dataset.train.pixels
    found = audit(drawn, train, dataset.test.pixels, mirror=dataset.mirror)
    shown = found.order[:SHOWN]
    nearest = train[torch.from_numpy(found.nearest[shown])]
    mirrored = torch.from_numpy(found.mirrored[shown])[:, None, None, None]
    copies = Copies(
        verdict=found.verdict(),
        ratio=found.ratio,
        suspects=found.suspects,
        expected=found.expected,
        copies=found.copies,
        alarm=found.alarm,
        n=len(drawn),
        n_train=found.n_train,
        n_unseen=found.n_unseen,
    )
    return Findings(
        {"copies": copies},
        {"memorised": found.ratio},
        {
            "suspects": drawn[torch.from_numpy(shown)].numpy(),
            "suspects_nearest": torch.where(mirrored, nearest.flip(3), nearest).numpy(),
        },
    )


def _obedience(
    tools: Evaluators,
    judge: Extractor,
    skill: Skill,
    sampler: Sampler,
    drawn: Images,
    classes: dict[str, OfClass],
) -> Findings:
    """Whether the judge sees what was asked for, and what else moves when one label is turned."""
    right = accuracy(judge, drawn)
    names = drawn.label_names[:TURNED]
    count = max(FEWEST_PAIRS, len(drawn) // len(names))
    turned: dict[str, Turned] = {}
    heat: list[np.ndarray] = []
    means: list[Tensor] = []
    for place, name in enumerate(names):
        pairs = sampler.pairs(place, count)
        moved = change(pairs)
        turned[name] = _turned(judge, pairs, name, moved, tools.dataset.test)
        if len(heat) < MAPPED:
            heat.append(moved.heat)
            means.append(pairs.float().mean(0).round().to(torch.uint8))
    return Findings(
        {
            "judge": Judge(skill=skill, learned_from=judge.learned_from),
            "scorecard": Scorecard(labels=right, turned=turned, classes=classes),
            "changed": names[:MAPPED],
        },
        {
            "attribute_accuracy": fmean(share.value for share in right.values()),
            "flipped": fmean(entry.flip.flipped.value for entry in turned.values()),
        },
        {"change_heat": np.stack(heat), "change_means": torch.stack(means).numpy()},
    )


def _turned(judge: Extractor, pairs: Tensor, name: str, moved: Change, real: Images) -> Turned:
    return Turned(
        pairs=len(pairs),
        flip=flip(judge, pairs, name),
        levels=moved.levels,
        relative=moved.relative,
        half_area=moved.half_area,
        leakage=leakage(judge, pairs, name, real) if real.kind == "attributes" else {},
    )


def _by_class(tools: Evaluators, drawn: Images, features: np.ndarray) -> dict[str, OfClass]:
    """Kernel distance and diversity in each group of labels, and the floor beside them."""
    if tools.reference is None:
        return {}
    reference, dataset = tools.reference, tools.dataset
    real = grouped(reference.real, dataset.train.take(reference.chosen))
    floor = by_group(kernel_distance, real, grouped(reference.unseen, dataset.test))
    ours = grouped(features, drawn)
    varied = by_group(relative_spread, real, ours)
    return {
        title: OfClass(kid=kid, floor=floor[title], diversity=varied[title])
        for title, kid in by_group(kernel_distance, real, ours).items()
    }
