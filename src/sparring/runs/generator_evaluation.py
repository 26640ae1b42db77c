"""What a trained generator is worth: fidelity, obedience to labels, and whether it copies.

Knows the instruments and the measures; knows no training and no file. Everything is
drawn from fixed noise, so that generators of one data set are compared on equal terms.
"""

from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.data.images import Images
from sparring.metrics.diversity import diversity
from sparring.metrics.extractor import Extractor, Skill
from sparring.metrics.fidelity import FEWEST, Fidelity
from sparring.metrics.memorisation import FEWEST_UNSEEN, audit, pixel_vectors
from sparring.metrics.reference import Yardstick
from sparring.metrics.scorecard import (
    Change,
    Points,
    accuracy,
    change,
    class_diversity,
    class_kid,
    flip,
    leakage,
)
from sparring.runs.evaluators import Instruments, describe
from sparring.runs.sampler import Brush

VARIED = 500
"""Images that the diversity is measured on."""
FLIPPED = 10
"""Most attributes that are turned on and off."""
FEWEST_PAIRS = 50
MAPPED = 3
"""Most attributes whose change is drawn as a map."""
SHOWN = 8
"""Images that are shown beside their nearest training images."""


@dataclass
class Inspection:
    """scores: for a JSON file. metrics: single numbers. arrays: for figures."""

    scores: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def __or__(self, other: "Inspection") -> "Inspection":
        return Inspection(
            self.scores | other.scores, self.metrics | other.metrics, self.arrays | other.arrays
        )


def inspect(
    tools: Instruments, brush: Brush, attributes: tuple[str, ...], count: int
) -> Inspection:
    """Everything that `count` images of `brush` say of its generator.

    attributes: what the generator is asked for, in the order of its labels; none without labels.
    """
    test = tools.dataset.test.pixels
    asked = brush.asked(count) if attributes else None
    drawn = Images(brush.draw(count), asked, attributes)
    varied = diversity(drawn.pixels[: min(VARIED, len(test))], test)
    found = Inspection({"notes": notes(tools)}, {"diversity": varied})
    yard, features = tools.yardstick, np.zeros((0, 1))
    if yard is not None:
        features = yard.features(drawn.pixels)
        found |= _fidelity(tools, yard, yard.score(features))
    if len(test) >= FEWEST_UNSEEN:
        found |= _copies(tools, drawn.pixels)
    if attributes and tools.judge is not None and tools.skill is not None:
        found |= _obedience(tools, tools.judge, tools.skill, brush, drawn)
        if yard is not None:
            classes = _classes(tools, yard, drawn, features)
            found.scores["scorecard"] |= {"classes": classes}
    return found


def notes(tools: Instruments) -> list[str]:
    """A sentence for each kind of score that the set is too small for."""
    train, test = len(tools.dataset.train), len(tools.dataset.test)
    has = f"{tools.dataset.name} has {train:,} training and {test:,} test images"
    lines = []
    if tools.yardstick is None:
        lines.append(f"No fidelity scores: {has}; {FEWEST} of each are needed.")
    if test < FEWEST_UNSEEN:
        lines.append(f"No search for copies: {has}; it needs {FEWEST_UNSEEN} test images.")
    return lines


def _fidelity(tools: Instruments, yard: Yardstick, score: Fidelity) -> Inspection:
    rows = {"generated": score} | yard.calibration
    ball = score.manifold
    return Inspection(
        {
            "extractor": tools.extractor,
            "fidelity": [{"set": name} | row.as_dict() for name, row in rows.items()],
        },
        {
            "frechet": score.frechet,
            "kid": score.kid.value,
            "precision": ball.precision,
            "recall": ball.recall,
            "density": ball.density,
            "coverage": ball.coverage,
        },
    )


def _copies(tools: Instruments, drawn: Tensor) -> Inspection:
    """The audit of all images, and those that look most like copies beside what they are like."""
    train, test, mirror = (
        tools.dataset.train.pixels,
        tools.dataset.test.pixels,
        tools.dataset.mirror,
    )
    found = audit(drawn, train, test, pixel_vectors, mirror=mirror)
    shown = found.order[:SHOWN]
    nearest = train[torch.from_numpy(found.nearest[shown])]
    mirrored = torch.from_numpy(found.mirrored[shown])[:, None, None, None]
    single = ("ratio", "suspects", "expected", "copies", "alarm", "n_train", "n_unseen")
    return Inspection(
        {
            "memorisation": {name: getattr(found, name) for name in single}
            | {"n": len(drawn), "verdict": found.verdict()}
        },
        {"memorised": found.ratio},
        {
            "suspects": drawn[torch.from_numpy(shown)].numpy(),
            "suspects_nearest": torch.where(mirrored, nearest.flip(3), nearest).numpy(),
            "suspects_distance": found.distance[shown],
        },
    )


def _obedience(
    tools: Instruments, judge: Extractor, skill: Skill, brush: Brush, drawn: Images
) -> Inspection:
    """Whether the judge sees what was asked for, and what else moves when one attribute flips."""
    names = drawn.label_names
    right = accuracy(judge, drawn)
    flips: dict[str, dict[str, Any]] = {}
    changes, means = {}, []
    count = max(FEWEST_PAIRS, len(drawn) // min(len(names), FLIPPED))
    for name in flip_order(names)[:FLIPPED]:
        pairs = brush.pairs(names.index(name), count)
        changes[name] = change(pairs)
        means.append(pairs.float().mean(0).round().to(torch.uint8))
        flips[name] = {
            "pairs": count,
            "flip": asdict(flip(judge, pairs, name)),
            "change": _numbers(changes[name]),
            "leakage": {
                other: asdict(leak)
                for other, leak in leakage(judge, pairs, name, tools.dataset.test).items()
            },
        }
    mapped = list(flips)[:MAPPED]
    return Inspection(
        {
            "judge": describe(skill) | {"learned_from": judge.learned_from},
            "scorecard": {
                "attributes": {name: asdict(share) for name, share in right.items()},
                "flips": flips,
            },
        },
        {
            "attribute_accuracy": fmean(share.value for share in right.values()),
            "flipped": fmean(entry["flip"]["flipped"]["value"] for entry in flips.values()),
        },
        {
            "change_heat": np.stack([changes[name].heat for name in mapped]),
            "change_means": torch.stack(means[: len(mapped)]).numpy(),
            "change_attributes": np.array(mapped),
        },
    )


def flip_order(names: tuple[str, ...]) -> list[str]:
    """The attributes in the order in which they are shown: Smiling first where there is one."""
    return sorted(names, key=lambda name: name != "Smiling")


def _numbers(found: Change) -> dict[str, float]:
    return {"levels": found.levels, "relative": found.relative, "half_area": found.half_area}


def _classes(
    tools: Instruments, yard: Yardstick, drawn: Images, features: np.ndarray
) -> dict[str, dict[str, Any]]:
    """Kernel distance and diversity with and without each attribute, and the floor beside them."""
    names = drawn.label_names

    def points(images: Images, found: np.ndarray) -> Points:
        assert images.labels is not None  # the caller has looked
        columns = [images.label_names.index(name) for name in names]
        return Points(found, images.labels[: len(found), columns].numpy())

    real = points(tools.dataset.train.take(yard.chosen), yard.real)
    unseen = points(tools.dataset.test, yard.unseen)
    ours = points(drawn, features)
    distance, floor = class_kid(names, real, ours), class_kid(names, real, unseen)
    varied = class_diversity(names, real, ours)
    return {
        title: {
            "kid": kid and asdict(kid),
            "floor": (low := floor[title]) and asdict(low),
            "diversity": varied[title],
        }
        for title, kid in distance.items()
    }
