"""Does a conditional generator draw the labels that it is asked for, and nothing else?

An independent judge answers, trained on real images alone. Knows images, a judge and features;
knows no generator and no file. Labels are exclusive classes or independent attributes. Pairs are
uint8 [P, 2, 3, S, S]: from the same noise with one attribute off, then on; or first as another
class, then as the class in question.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from scipy.spatial.distance import pdist
from torch import Tensor

from sparring.data.images import Images
from sparring.metrics.extractor import Judge, answers, verdicts
from sparring.metrics.fidelity import FEWEST, kernel_distance
from sparring.metrics.intervals import Interval, of_share

T = TypeVar("T")
_COMPARED = 500
"""Images of a class whose distances to each other are taken."""


def accuracy(judge: Judge, drawn: Images) -> dict[str, Interval]:
    """By label: the share of images in which the judge sees what was asked for.

    The labels of `drawn` are what was asked; the judge must know every one. Of an attribute all
    images count, asked to be with it or without; of a class those asked to be of it, and a class
    that was not asked for is left out. To be read beside the judge's own skill on real images.
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


def flip(judge: Judge, pairs: Tensor, label: str) -> Flip:
    """How often `label` turns from off to on between the two sides of the pairs."""
    off, on = _sides(judge, pairs)
    column = judge.label_names.index(label)
    before, after = off[:, column], on[:, column]
    cases = (~before & after, before & ~after, before & after, ~before & ~after)
    return Flip(*(of_share(int(case.sum()), len(pairs)) for case in cases))


def _sides(judge: Judge, pairs: Tensor) -> tuple[np.ndarray, np.ndarray]:
    return verdicts(judge, pairs[:, 0]), verdicts(judge, pairs[:, 1])


@dataclass(frozen=True)
class Leak:
    """How much another attribute moves when one is turned on.

    changed: share of pairs in which the judge's verdict on the other attribute changes.
    drift: share of pairs with the other attribute on, after minus before; in [-1, 1].
    real_gap: the same difference between real images with and without the one attribute: what
        goes together in reality, which a generator should not add to pairs. None where the real
        images all have it or all lack it.
    """

    changed: Interval
    drift: float
    real_gap: float | None


def leakage(judge: Judge, pairs: Tensor, attribute: str, real: Images) -> dict[str, Leak]:
    """How much each other attribute moves that `real` and the judge have."""
    off, on = _sides(judge, pairs)
    truth = answers(real)
    has = truth[:, real.label_names.index(attribute)]
    leaks = {}
    for place, name in enumerate(real.label_names):
        if name == attribute or name not in judge.label_names:
            continue
        column = judge.label_names.index(name)
        before, after = off[:, column], on[:, column]
        gap = None
        if 0 < has.sum() < len(has):
            gap = float(truth[has, place].mean() - truth[~has, place].mean())
        changed = of_share(int((before != after).sum()), len(pairs))
        leaks[name] = Leak(changed, float(after.mean() - before.mean()), gap)
    return leaks


@dataclass(frozen=True)
class Change:
    """How much of the picture changes in a pair, and where.

    levels: mean absolute difference in grey levels, 0 to 255.
    relative: levels over the mean difference of two pictures from different noise (0: nothing
        changes; 1: another picture altogether). None where all pictures are equal.
    half_area: smallest share of the picture that holds half of the change: 0.5 where it is spread
        evenly, small where it is in one place. None where nothing changes.
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


@dataclass(frozen=True)
class LabelledFeatures:
    """Images as the scores see them, and the groups in which they are scored.

    features: float [N, F]. groups: by name, which images are in it, bool [N]: `shoe` of each class;
    `Smiling` and `not Smiling` of each attribute.
    """

    features: np.ndarray
    groups: dict[str, np.ndarray]

    @classmethod
    def of(cls, features: np.ndarray, images: Images) -> Self:
        """The first N of `images`, which have these features."""
        labels = answers(images)[: len(features)]
        groups = dict(zip(images.label_names, labels.T, strict=True))
        if images.kind == "attributes":
            groups = {t: g for n, has in groups.items() for t, g in ((n, has), (f"not {n}", ~has))}
        return cls(features, groups)


def by_class(
    real: LabelledFeatures,
    drawn: LabelledFeatures,
    score: Callable[[np.ndarray, np.ndarray], T],
) -> dict[str, T | None]:
    """`score(real, drawn)` on the images in each group of `drawn`.

    None where either side has fewer than FEWEST images.
    """
    scores: dict[str, T | None] = {}
    for name in drawn.groups:
        ours, theirs = (side.features[side.groups[name]] for side in (real, drawn))
        enough = min(len(ours), len(theirs)) >= FEWEST
        scores[name] = score(ours, theirs) if enough else None
    return scores


def class_kid(real: LabelledFeatures, drawn: LabelledFeatures) -> dict[str, Interval | None]:
    """Kernel distance within each group, as `by_class` has them."""
    return by_class(real, drawn, kernel_distance)


def class_diversity(real: LabelledFeatures, drawn: LabelledFeatures) -> dict[str, float | None]:
    """Mean distance of drawn images of a group to each other, over that of as many real ones.

    Near 1: as varied as real images; near 0: all alike. None where the real ones are all alike.
    """
    return by_class(real, drawn, _diversity)


def _diversity(real: np.ndarray, drawn: np.ndarray) -> float | None:
    count = min(len(real), len(drawn), _COMPARED)
    spread = float(pdist(real[:count]).mean())
    return float(pdist(drawn[:count]).mean()) / spread if spread else None
