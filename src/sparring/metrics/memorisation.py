"""Are generated images copies of training images?

A real image that was not trained on has a nearest training image too: generated ones should lie
no nearer. Knows images; knows no generator and no file.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import bdtrc
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

QUANTILE = 0.01
"""Share of unseen real images that count as near a training image, by definition."""
FEWEST_UNSEEN = round(1 / QUANTILE)
"""Unseen real images that the quantile needs."""
_CROWD = 50
_EQUAL = 1e-4  # distances of equal images come out as tiny, not as 0
_CHANCE = 0.001  # an alarm rings by mistake in this share of audits at most


def pixel_vectors(pixels: Tensor) -> np.ndarray:
    """uint8 [N, 3, S, S] as float32 [N, 768]: the image averaged down to 16x16, in 0..1."""
    parts = [adaptive_avg_pool2d(part.float() / 255, 16) for part in pixels.split(1000)]
    return torch.cat(parts).flatten(1).numpy()


@dataclass(frozen=True)
class Memorisation:
    """What the audit of n generated images found.

    nearest: int64 [n], the nearest training image of each; mirrored: whether its mirror image.
    distance: float64 [n], how far that is. order: int64 [n], those most like a copy first.
    ratio: median of `distance` over the median for unseen real images; near 1 is good. None
        where most unseen images are training images themselves.
    n_unseen: unseen images that it rests on; a few that equal training images are left out.
    suspects: images nearer than QUANTILE of the unseen real ones, also relative to the training
        images around; of real images `expected` at most.
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


def audit(drawn: Tensor, train: Tensor, unseen: Tensor, *, mirror: bool) -> Memorisation:
    """Compare how near `drawn` and `unseen` (real, not trained on) lie to the training images.

    All images uint8 [N, 3, S, S], at least 1, are compared by their `pixel_vectors`.
    mirror: whether training showed mirrored images too; then their copies are searched as well.
    """
    from sklearn.neighbors import NearestNeighbors  # takes a second to import

    known = pixel_vectors(train)
    if mirror:
        known = np.concatenate([known, pixel_vectors(train.flip(3))])
    search = NearestNeighbors(n_neighbors=min(_CROWD, len(known))).fit(known)

    def near(images: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distance to the nearest, the same over the mean to the nearest _CROWD, and which it is.

        The second tells a copy from an image that lies near many, as a blurred one does.
        """
        distance, index = search.kneighbors(pixel_vectors(images))
        around = np.maximum(distance.mean(1), np.finfo(np.float64).tiny)
        return distance[:, 0], distance[:, 0] / around, index[:, 0]

    distance, relative, index = near(drawn)
    usual, usual_relative, _ = near(unseen)
    # Unseen ones that equal a training image say nothing of how near others lie.
    apart = usual_relative > _EQUAL
    most = bool(apart.mean() > 0.5)
    if most:
        usual, usual_relative = usual[apart], usual_relative[apart]
    close = distance < np.quantile(usual, QUANTILE)
    suspects = int((close & (relative < np.quantile(usual_relative, QUANTILE))).sum())
    copies = int((distance < usual.min() / 2).sum())
    return Memorisation(
        nearest=index % len(train),
        mirrored=index >= len(train),
        distance=distance,
        order=np.lexsort((distance, relative)),
        ratio=float(np.median(distance) / np.median(usual)) if most else None,
        suspects=suspects,
        expected=QUANTILE * len(drawn),
        copies=copies,
        alarm=copies > 0 or beyond_chance(suspects, len(drawn)),
        n_train=len(train),
        n_unseen=len(usual),
    )


def beyond_chance(count: int, n: int) -> bool:
    """Whether so many of `n` that each have QUANTILE are too many for chance."""
    return bool(bdtrc(count - 1, n, QUANTILE) < _CHANCE)
