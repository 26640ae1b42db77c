"""Are generated images copies of training images?

A real image that was not trained on has a nearest training image too: generated ones should lie
no nearer. Knows images and a description of them as vectors; knows no generator and no file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.special import bdtrc
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

if TYPE_CHECKING:
    from sklearn.neighbors import NearestNeighbors

QUANTILE = 0.01
"""Share of unseen real images that count as near a training image, by definition."""
FEWEST_UNSEEN = round(1 / QUANTILE)
"""Unseen real images that the quantile needs."""
_CROWD = 50
_EQUAL = 1e-4
_CHANCE = 0.001
"""An alarm rings by mistake in this share of audits at most."""


def pixel_vectors(pixels: Tensor) -> np.ndarray:
    """uint8 [N, 3, S, S] as float32 [N, 768]: the image averaged down to 16x16, in 0..1."""
    parts = [adaptive_avg_pool2d(part.float() / 255, 16) for part in pixels.split(1000)]
    return torch.cat(parts).flatten(1).numpy()


@dataclass(frozen=True)
class Memorisation:
    """What the audit of n generated images found, in one description of them.

    nearest: int64 [n], the nearest training image of each; mirrored: whether its mirror image.
    distance: float64 [n], how far that is.
    order: int64 [n], the generated images, those most like a copy first: the ones to show.
    ratio: median of `distance` over the median for unseen real images; near 1 is good. None
        where most unseen images are training images themselves.
    suspects: images that are near by both measures: nearer than QUANTILE of the unseen real
        images are, and that also relative to the training images around. Real images that were
        not trained on have `expected` at most.
    copies: images less than half as far as the nearest unseen real image.
    alarm: whether that is more than chance explains.
    """

    nearest: np.ndarray
    mirrored: np.ndarray
    distance: np.ndarray
    order: np.ndarray
    ratio: float | None
    suspects: int
    expected: float
    copies: int
    alarm: bool
    n_train: int
    n_unseen: int

    @property
    def n(self) -> int:
        """How many generated images there are."""
        return len(self.nearest)

    @property
    def verdict(self) -> str:
        """The finding in one sentence."""
        n = self.n
        if self.copies:
            return f"{self.copies} of {n} images are copies of training images"
        if self.alarm:
            return (
                f"{self.suspects} of {n} images lie suspiciously near a training image, "
                f"where chance explains about {self.expected:.0f}"
            )
        return f"no sign of copying: {self.suspects} of {n} images lie very near a training image"


def audit(
    drawn: Tensor,
    train: Tensor,
    unseen: Tensor,
    describe: Callable[[Tensor], np.ndarray],
    *,
    mirror: bool,
) -> Memorisation:
    """Compare how near `drawn` and `unseen` (real, not trained on) lie to the training images.

    All images uint8 [N, 3, S, S], at least 1; `describe` makes vectors float [N, D] of them.
    mirror: whether training showed mirrored images too; then their copies are searched as well.
    """
    known = describe(train)
    if mirror:
        known = np.concatenate([known, describe(train.flip(3))])
    from sklearn.neighbors import NearestNeighbors  # takes a second to import

    search = NearestNeighbors(n_neighbors=min(_CROWD, len(known))).fit(known)
    distance, relative, index = _near(search, describe(drawn))
    usual, usual_relative, _ = _near(search, describe(unseen))
    close = distance < np.quantile(usual, QUANTILE)
    suspects = close & (relative < np.quantile(usual_relative, QUANTILE))
    copies = int((distance < usual.min() / 2).sum())
    # Distances of equal images come out as tiny, not as 0.
    apart = float(np.median(usual_relative)) > _EQUAL
    return Memorisation(
        nearest=index % len(train),
        mirrored=index >= len(train),
        distance=distance,
        order=np.lexsort((distance, relative)),
        ratio=float(np.median(distance) / np.median(usual)) if apart else None,
        suspects=int(suspects.sum()),
        expected=QUANTILE * len(drawn),
        copies=copies,
        alarm=copies > 0 or beyond_chance(int(suspects.sum()), len(drawn)),
        n_train=len(train),
        n_unseen=len(unseen),
    )


def _near(
    search: "NearestNeighbors", vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance to the nearest, the same over the mean to the nearest 50, and which it is.

    The second tells a copy from an image that lies near many, as a blurred one does.
    """
    distance, index = search.kneighbors(vectors)
    around = np.maximum(distance.mean(1), np.finfo(np.float64).tiny)
    return distance[:, 0], distance[:, 0] / around, index[:, 0]


def beyond_chance(count: int, n: int) -> bool:
    """Whether so many of `n` that each have QUANTILE are too many for chance."""
    return bool(bdtrc(count - 1, n, QUANTILE) < _CHANCE)
