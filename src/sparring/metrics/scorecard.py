"""Does a conditional generator draw the labels that it is asked for, and nothing else?

An independent judge answers, trained on real images alone. Knows images, a judge and features;
knows no generator and no file. Pairs are uint8 [P, 2, 3, S, S], from the same noise: with one
attribute off, then on; or as another class, then as the class in question.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from scipy.spatial.distance import pdist
from torch import Tensor

from sparring.data.images import Images
from sparring.metrics.extractor import Extractor, answers, verdicts
from sparring.metrics.fidelity import FEWEST
from sparring.metrics.statistics import Interval, of_share

T = TypeVar("T")
_COMPARED = 500  # images of a class whose distances to each other are taken


def mean_distance(pixels: Tensor) -> float:
    """Mean root-mean-square pixel distance between all pairs of uint8 images [N, 3, S, S]."""
    flat = pixels.flatten(1).float()
    return float(torch.pdist(flat).mean() / flat.shape[1] ** 0.5)


def accuracy(judge: Extractor, drawn: Images) -> dict[str, Interval]:
    """By label: the share of images in which the judge sees what was asked for.

    The labels of `drawn` are what was asked; the judge must know every one. Of an attribute all
    images count; of a class those asked to be of it, and a class that none was is left out.
    """
    asked = answers(drawn)
    columns = [judge.label_names.index(name) for name in drawn.label_names]
    right = verdicts(judge, drawn.pixels)[:, columns] == asked
    shares = {}
    for place, name in enumerate(drawn.label_names):
        counted = asked[:, place] if drawn.kind == "classes" else np.ones(len(drawn), dtype=bool)
        if counted.any():
            shares[name] = of_share(int(right[counted, place].sum()), int(counted.sum()))
    return shares


@dataclass(frozen=True)
class Flip:
    """What the judge sees in pairs, as four shares that add up to 1.

    flipped: off, then on, as asked. backwards: on, then off. always, never: both times the same.
    """

    flipped: Interval
    backwards: Interval
    always: Interval
    never: Interval


def flip(judge: Extractor, pairs: Tensor, label: str) -> Flip:
    """How often `label` turns from off to on between the two sides of the pairs."""
    off, on = verdicts(judge, pairs[:, 0]), verdicts(judge, pairs[:, 1])
    column = judge.label_names.index(label)
    before, after = off[:, column], on[:, column]
    cases = (~before & after, before & ~after, before & after, ~before & ~after)
    return Flip(*(of_share(int(case.sum()), len(pairs)) for case in cases))


@dataclass(frozen=True)
class Leak:
    """How much another attribute moves when one is turned on.

    changed: share of pairs in which the judge's verdict on the other attribute changes.
    drift: share of pairs with the other attribute on, after minus before; in [-1, 1].
    real_gap: the same between real images with and without the one attribute: what goes together
        in reality, and should not in pairs. None where all or none of them have it.
    """

    changed: Interval
    drift: float
    real_gap: float | None


def leakage(judge: Extractor, pairs: Tensor, attribute: str, real: Images) -> dict[str, Leak]:
    """How much each other attribute moves that `real` and the judge have."""
    off, on = verdicts(judge, pairs[:, 0]), verdicts(judge, pairs[:, 1])
    truth = dict(zip(real.label_names, answers(real).T, strict=True))
    has = truth.pop(attribute)
    leaks = {}
    for name in [name for name in truth if name in judge.label_names]:
        column, real_one = judge.label_names.index(name), truth[name]
        before, after = off[:, column], on[:, column]
        both = 0 < has.sum() < len(has)
        leaks[name] = Leak(
            of_share(int((before != after).sum()), len(pairs)),
            float(after.mean() - before.mean()),
            float(real_one[has].mean() - real_one[~has].mean()) if both else None,
        )
    return leaks


@dataclass(frozen=True)
class Change:
    """How much of the picture changes in a pair, and where.

    levels: mean absolute difference in grey levels, 0 to 255.
    relative: levels over the mean difference of two pictures from different noise (1: another
        picture altogether). None where all pictures are equal.
    half_area: smallest share of the picture that holds half of the change: 0.5 where it is spread
        evenly. None where nothing changes.
    heat: the mean absolute difference at each pixel, in grey levels: float32 [S, S].
    """

    levels: float
    relative: float | None
    half_area: float | None
    heat: np.ndarray


def change(pairs: Tensor) -> Change:
    """How much, and where, the two sides of at least two pairs differ."""
    off, on = pairs[:, 0].float(), pairs[:, 1].float()
    heat = (on - off).abs().mean((0, 1))
    levels = float(heat.mean())
    between = float((off - off.roll(1, 0)).abs().mean())
    ordered = heat.double().flatten().sort(descending=True).values.cumsum(0)
    enough = int((ordered < ordered[-1] / 2).sum()) + 1
    return Change(
        levels,
        levels / between if between else None,
        enough / heat.numel() if levels else None,
        heat.numpy(),
    )


def grouped(features: np.ndarray, images: Images) -> dict[str, np.ndarray]:
    """The features [N, F] of the first N of `images` in the groups that are scored, by name.

    `shoe` of each class; `Smiling` and `not Smiling` of each attribute.
    """
    groups = {}
    for name, has in zip(images.label_names, answers(images)[: len(features)].T, strict=True):
        groups[name] = features[has]
        if images.kind == "attributes":
            groups[f"not {name}"] = features[~has]
    return groups


def by_group(
    score: Callable[[np.ndarray, np.ndarray], T],
    real: dict[str, np.ndarray],
    drawn: dict[str, np.ndarray],
) -> dict[str, T | None]:
    """`score(real, drawn)` in each group of `drawn`; None where a side has less than FEWEST."""
    return {
        name: score(real[name], ours) if min(len(real[name]), len(ours)) >= FEWEST else None
        for name, ours in drawn.items()
    }


def relative_spread(real: np.ndarray, drawn: np.ndarray) -> float | None:
    """Mean distance of drawn images to each other, over that of as many real ones.

    Features float [N, F]. Near 1: as varied; near 0: all alike. None where the real ones are.
    """
    count = min(len(real), len(drawn), _COMPARED)
    spread = float(pdist(real[:count]).mean())
    return float(pdist(drawn[:count]).mean()) / spread if spread else None
