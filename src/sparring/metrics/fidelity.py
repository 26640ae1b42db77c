"""How near generated images are to real ones, on features that some network gave them.

Knows arrays of features; knows no image, no network and no file. Every score names its extractor:
only the Fréchet distance on the published Inception v3 is called FID.
"""

from dataclasses import dataclass

import numpy as np

from sparring.metrics.intervals import Interval, of_mean

FEWEST = 20
"""Images on each side that the scores need."""
NEIGHBOURS = 5
BLOCKS = 10
UNBIASED_FROM = 10_000
"""Images that the authors of FID ask for at least; on the bias of fewer: Chong & Forsyth 2020
(arXiv 1911.07023)."""


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
        equation 4); real images have 1, and images near the middle of the real ones have more.
    coverage: share of real balls that hold a drawn image (equation 5).
    """

    precision: float
    recall: float
    density: float
    coverage: float
    neighbours: int


@dataclass(frozen=True)
class Fidelity:
    """Scores of n_drawn images against n_real, all on the features of one extractor.

    frechet: Fréchet distance; 0 is best. Biased upwards by few images: see `bias_note`.
    kid: kernel distance, unbiased, so that it may be negative; 0 is best.
    """

    extractor: str
    n_real: int
    n_drawn: int
    frechet: float
    kid: Interval
    manifold: Manifold


def fidelity(extractor: str, real: np.ndarray, drawn: np.ndarray) -> Fidelity:
    """All scores of `drawn` against `real`: features float [N, F], at least FEWEST each."""
    return Fidelity(
        extractor,
        len(real),
        len(drawn),
        frechet_distance(real, drawn),
        kernel_distance(real, drawn),
        manifold(real, drawn),
    )


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

    Binkowski et al. 2018, section 4, in float64. Both sets are dealt into BLOCKS disjoint blocks
    of equal size; the value is the mean of the blocks' unbiased estimates, and the interval is of
    that mean, as the blocks are independent. (Subsets that overlap, as is usual, give a spread
    that is no interval.) Features float [N, F], at least FEWEST of either.
    """
    if min(len(real), len(drawn)) < FEWEST:
        raise ValueError(f"{len(real)} and {len(drawn)} images are too few: {FEWEST} are needed")
    random = np.random.default_rng(seed)
    size = min(len(real), len(drawn)) // BLOCKS
    left, right = (
        side[random.permutation(len(side))[: BLOCKS * size]].astype(np.float64)
        for side in (real, drawn)
    )
    blocks = zip(np.split(left, BLOCKS), np.split(right, BLOCKS), strict=True)
    return of_mean([_block_distance(x, y) for x, y in blocks])


def _block_distance(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimate on two blocks of equal size [n, F]."""
    return _mean_kernel(x) + _mean_kernel(y) - 2 * float(_kernel(x, y).mean())


def _mean_kernel(x: np.ndarray) -> float:
    """The mean kernel of two different points of x [n, F]."""
    table = _kernel(x, x)
    return float(table.sum() - table.trace()) / (len(x) * (len(x) - 1))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    table: np.ndarray = (x @ y.T / x.shape[1] + 1) ** 3
    return table


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
    distance: np.ndarray = search.kneighbors()[0]
    return distance[:, -1]
