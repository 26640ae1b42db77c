"""How near generated images are to real ones, on features that some network gave them.

Knows arrays of features; knows no image, no network and no file. Every score names its extractor:
only the Fréchet distance on the published Inception v3 is called FID.
"""

import dataclasses
import importlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from sparring.errors import RequestError, one_line
from sparring.metrics.intervals import Interval, of_mean

FEWEST = 20
"""Images on each side that the scores need."""
UNBIASED_FROM = 10_000
NEIGHBOURS = 5
BLOCKS = 10
_FRECHET = "torchmetrics.image.fid", "FrechetInceptionDistance"
_KERNEL = "torchmetrics.image.kid", "KernelInceptionDistance"


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
class Fidelity:
    """Scores of n_drawn images against n_real, all on the features of one extractor.

    frechet: Fréchet distance; 0 is best. Biased upwards by few images: compare equal n alone.
    kid: kernel distance, unbiased, so that it may be negative; 0 is best.
    precision, recall, density, coverage: see `Manifold`.
    """

    extractor: str
    n_real: int
    n_drawn: int
    frechet: float
    kid: Interval
    manifold: "Manifold"

    def as_dict(self) -> dict[str, Any]:
        """All fields, nested, for a JSON file."""
        return dataclasses.asdict(self)


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


def torchmetrics_class(module: str, name: str) -> Any:
    """A class of torchmetrics, which takes a second to import, and so only where it is needed.

    Raises RequestError where the import fails, as it does beside a torchvision that was built for
    another torch.
    """
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, RuntimeError, AttributeError) as error:
        raise RequestError(
            f"torchmetrics cannot be imported ({one_line(error)}): if a torchvision is installed "
            "that does not fit this torch, remove it (pip uninstall torchvision)"
        ) from None


def check_libraries() -> None:
    """Import what the scores need. Raises RequestError where that fails; else it takes a second."""
    torchmetrics_class(*_FRECHET)
    torchmetrics_class(*_KERNEL)


class _Features(nn.Identity):
    """Tells torchmetrics that what it is given are features already."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.num_features = count


def frechet_distance(real: np.ndarray, drawn: np.ndarray) -> float:
    """Squared Fréchet distance of two Gaussians with the sets' means and covariances.

    Heusel et al. 2017, equation 6, by torchmetrics in float64. Features float [N, F], N >= 2.
    """
    metric = torchmetrics_class(*_FRECHET)(_Features(real.shape[1]))
    metric.update(_double(real), real=True)
    metric.update(_double(drawn), real=False)
    return float(metric.compute())


def kernel_distance(real: np.ndarray, drawn: np.ndarray, seed: int = 0) -> Interval:
    """Squared maximum mean discrepancy with the kernel (x·y / F + 1)³, which KID is.

    Binkowski et al. 2018, section 4, by torchmetrics in float64. Both sets are dealt into BLOCKS
    disjoint blocks of equal size; the value is the mean of the blocks' unbiased estimates, and the
    interval is of that mean, as the blocks are independent. (Subsets that overlap, as is usual,
    give a spread that is no interval.) Features float [N, F], at least FEWEST of either.
    """
    if min(len(real), len(drawn)) < FEWEST:
        raise ValueError(f"{len(real)} and {len(drawn)} images are too few: {FEWEST} are needed")
    random = np.random.default_rng(seed)
    size = min(len(real), len(drawn)) // BLOCKS
    left, right = (random.permutation(len(side))[: BLOCKS * size] for side in (real, drawn))
    values = []
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        # It warns that it keeps the features; and it draws a subset, which here is the block.
        warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance`", UserWarning)
        distance = torchmetrics_class(*_KERNEL)
        metric = distance(_Features(real.shape[1]), subsets=1, subset_size=size)
        for ours, theirs in zip(np.split(left, BLOCKS), np.split(right, BLOCKS), strict=True):
            metric.update(_double(real[ours]), real=True)
            metric.update(_double(drawn[theirs]), real=False)
            values.append(float(metric.compute()[0]))
            metric.reset()
    return of_mean(values)


def _double(features: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(features).double()


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
