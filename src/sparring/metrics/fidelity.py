"""How near generated images are to real ones, on features that some network gave them.

Beside them stand the scores of images whose fidelity is known: the rows to read a table by. Every
score names its extractor: only the Fréchet distance on the published Inception v3 is called FID.
Knows images and extractors; knows no generator and no file.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from sparring.metrics.extractor import FeatureNet, features_of
from sparring.metrics.statistics import Interval, of_mean

FEWEST, LIMIT = 20, 5000
"""Images on each side that the scores need, and the most that are compared."""
NEIGHBOURS = 5
BLOCKS = 10
UNBIASED_FROM = 10_000
"""Images that the authors of FID ask for; on the bias of fewer: Chong & Forsyth 2020, 1911.07023"""
FLOOR = "real test images"


def frechet_name(extractor: str) -> str:
    """What the Fréchet distance on the features of `extractor` may be called."""
    if extractor == "inception-v3":
        return "FID (inception-v3)"
    return f"Fréchet distance ({extractor})"


def bias_note(n: int) -> str | None:
    """What must stand beside a Fréchet distance of `n` images; None where they are enough."""
    if n >= UNBIASED_FROM:
        return None
    return (
        f"The Fréchet distance of n = {n:,} images is biased upwards (fewer than "
        f"{UNBIASED_FROM:,}): compare it at equal n alone."
    )


@dataclass(frozen=True)
class Manifold:
    """Balls around each image, out to its k-th nearest neighbour in its own set.

    precision: share of drawn images inside a ball of a real one (Kynkäänniemi et al. 2019).
    recall: share of real images inside a ball of a drawn one.
    density: mean number of real balls that a drawn image lies in, over k (Naeem et al. 2020,
        eq. 4); real images have 1. coverage: share of real balls that hold a drawn one (eq. 5).
    """

    precision: float
    recall: float
    density: float
    coverage: float
    neighbours: int


@dataclass(frozen=True)
class Fidelity:
    """Scores of n_drawn images against n_real, all on the features of one extractor.

    frechet: 0 is best; biased upwards by few images, see `bias_note`.
    kid: kernel distance; 0 is best; unbiased, so that it may be negative.
    """

    extractor: str
    n_real: int
    n_drawn: int
    frechet: float
    kid: Interval
    manifold: Manifold


def fidelity(extractor: str, real: np.ndarray, drawn: np.ndarray) -> Fidelity:
    """All scores of `drawn` against `real`: features float [N, F], at least FEWEST each."""
    frechet, kid = frechet_distance(real, drawn), kernel_distance(real, drawn)
    return Fidelity(extractor, len(real), len(drawn), frechet, kid, manifold(real, drawn))


def frechet_distance(real: np.ndarray, drawn: np.ndarray) -> float:
    """Squared Fréchet distance of two Gaussians with the sets' means and covariances.

    Heusel et al. 2017, equation 6, in float64. Features float [N, F], N >= 2.
    """
    means, factors = zip(*(_gaussian(side) for side in (real, drawn)), strict=True)
    # Covariances A'A and B'B: the trace of the root of their product is the nuclear norm of AB'.
    # Unlike the root itself it is exact, and never complex, with fewer images than features.
    common = np.linalg.norm(factors[0] @ factors[1].T, "nuc")
    spread = sum(float(np.square(factor).sum()) for factor in factors)
    return float(np.square(means[0] - means[1]).sum() + spread - 2 * common)


def _gaussian(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [F], and a factor R [min(N, F), F] of the covariance R'R."""
    points = features.astype(np.float64)
    mean = points.mean(0)
    factor = np.linalg.qr((points - mean) / np.sqrt(len(points) - 1), mode="r")
    return mean, np.asarray(factor)


def kernel_distance(real: np.ndarray, drawn: np.ndarray, seed: int = 0) -> Interval:
    """Squared maximum mean discrepancy with the kernel (x·y / F + 1)³, which KID is.

    Binkowski et al. 2018, section 4, in float64. The mean of unbiased estimates on BLOCKS disjoint
    blocks of equal size, with its interval, as the blocks are independent. (Subsets that overlap,
    as is usual, give a spread that is no interval.) Features float [N, F], at least FEWEST each.
    """
    random = np.random.default_rng(seed)
    size = min(len(real), len(drawn)) // BLOCKS
    left, right = (
        side[random.permutation(len(side))[: BLOCKS * size]].astype(np.float64)
        for side in (real, drawn)
    )
    blocks = zip(np.split(left, BLOCKS), np.split(right, BLOCKS), strict=True)
    return of_mean(
        [_mean_kernel(x) + _mean_kernel(y) - 2 * float(_kernel(x, y).mean()) for x, y in blocks]
    )


def _mean_kernel(x: np.ndarray) -> float:
    """The mean kernel of two different points of x [n, F]."""
    table = _kernel(x, x)
    return float(table.sum() - table.trace()) / (len(x) * (len(x) - 1))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.power(x @ y.T / x.shape[1] + 1, 3)


def manifold(real: np.ndarray, drawn: np.ndarray, neighbours: int = NEIGHBOURS) -> Manifold:
    """Precision, recall, density, coverage of features float [N, F], N > `neighbours`.

    Holds all distances, N_real x N_drawn, at once.
    """
    from sklearn.metrics.pairwise import euclidean_distances  # takes a second to import

    distance = euclidean_distances(real.astype(np.float64), drawn.astype(np.float64))
    inside_real = distance < _radius(real, neighbours)[:, None]
    inside_drawn = distance < _radius(drawn, neighbours)[None, :]
    return Manifold(
        precision=float(inside_real.any(0).mean()),
        recall=float(inside_drawn.any(1).mean()),
        density=float(inside_real.sum(0).mean() / neighbours),
        coverage=float(inside_real.any(1).mean()),
        neighbours=neighbours,
    )


def _radius(points: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance of each point to its k-th nearest other point: float64 [N]."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=neighbours).fit(points.astype(np.float64))
    return np.asarray(search.kneighbors()[0][:, -1])


def blurred(pixels: Tensor, sigma: float = 1.5) -> Tensor:
    """uint8 [N, 3, S, S] under a Gaussian of `sigma` pixels, cut off at 4 pixels."""
    image = pixels.numpy().astype(np.float32)
    image = gaussian_filter(image, sigma, axes=(2, 3), mode="nearest", radius=4)
    return torch.from_numpy(image.round().astype(np.uint8))


def noised(pixels: Tensor, seed: int = 0, sigma: float = 25.0) -> Tensor:
    """uint8 [N, 3, S, S] plus Gaussian noise of `sigma` grey levels."""
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(seed))
    return (pixels + sigma * noise).round().clamp(0, 255).to(torch.uint8)


def shuffled(pixels: Tensor, seed: int = 0) -> Tensor:
    """uint8 [N, 3, S, S], the pixels of each image in a random order of its own."""
    places = pixels.shape[-2] * pixels.shape[-1]
    chance = torch.rand(len(pixels), places, generator=torch.Generator().manual_seed(seed))
    order = chance.argsort(1)[:, None].expand(-1, 3, -1)
    return pixels.flatten(2).gather(2, order).reshape(pixels.shape)


@dataclass(frozen=True)
class ReferenceFeatures:
    """Real images as an extractor sees them. Every score compares N images, whatever it is of.

    chosen, held_out: int64 [N], the training images that are compared with, and the test images,
        both drawn at random: a set may lie by class.
    real, unseen: features float32 [N, F] of those.
    calibration: scores of the latter (the floor: nothing generated should score better), and of
        three ways to spoil them, by name.
    """

    network: FeatureNet
    chosen: Tensor
    held_out: Tensor
    real: np.ndarray
    unseen: np.ndarray
    calibration: dict[str, Fidelity]

    @classmethod
    def of(cls, network: FeatureNet, train: Tensor, test: Tensor, count: int) -> Self:
        """Compare `count` images (at most LIMIT, and no more than either set has).

        train, test: uint8 [M, 3, S, S]. `count` must be at least FEWEST.
        """
        count = min(LIMIT, count, len(train), len(test))
        chosen, held_out = (
            torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:count]
            for images in (train, test)
        )
        held_out = held_out.sort().values  # of a set that is shown whole, its own order
        real, plain = features_of(network, train[chosen]), test[held_out]
        sets = {
            FLOOR: plain,
            "blurred": blurred(plain),
            "noised": noised(plain),
            "shuffled pixels": shuffled(plain),
        }
        features = {name: features_of(network, pixels) for name, pixels in sets.items()}
        rows = {name: fidelity(network.name, real, found) for name, found in features.items()}
        return cls(network, chosen, held_out, real, features[FLOOR], rows)

    def features(self, pixels: Tensor) -> np.ndarray:
        """Features float32 [N, F] of the first N of uint8 images [M, 3, S, S]."""
        return features_of(self.network, pixels[: len(self.chosen)])

    def score(self, drawn: np.ndarray) -> Fidelity:
        """The scores of images with the features `drawn` (float [N, F])."""
        return fidelity(self.network.name, self.real, drawn)
