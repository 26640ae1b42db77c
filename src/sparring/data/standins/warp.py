"""Random plane geometry for whole batches: homographies, elastic wobble, resampling.

Knows tensors; knows nothing of digits or faces. Coordinates are normalised: an image spans
[-1, 1] in x and y, whatever its size.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

Range = tuple[float, float]


@dataclass(frozen=True)
class Pose:
    """How far a drawing may be moved; every number is the bound of a uniform draw.

    height: share of the output's height that the drawing's height takes, (low, high).
    stretch: (low, high) of width over height, relative to the drawing's own.
    rotation: degrees either way. shear: x per y, either way.
    shift: either way, in normalised units. perspective: change of scale across half the image.
    """

    height: Range
    stretch: Range
    rotation: float
    shear: float
    shift: float
    perspective: float = 0.0


def homographies(rng: np.random.Generator, n: int, pose: Pose) -> Tensor:
    """Draw `n` random maps from output to input coordinates: float32 [n, 3, 3]."""
    angle = np.deg2rad(rng.uniform(-pose.rotation, pose.rotation, n))
    shear = rng.uniform(-pose.shear, pose.shear, n)
    height = rng.uniform(*pose.height, n)
    width = height * rng.uniform(*pose.stretch, n)
    rows = np.zeros((n, 3, 3))
    rows[:, 0, 0] = (np.cos(angle) - shear * np.sin(angle)) / width
    rows[:, 0, 1] = (np.sin(angle) + shear * np.cos(angle)) / width
    rows[:, 1, 0] = -np.sin(angle) / height
    rows[:, 1, 1] = np.cos(angle) / height
    rows[:, :2, 2] = rng.uniform(-pose.shift, pose.shift, (n, 2))
    rows[:, 2, :2] = rng.uniform(-pose.perspective, pose.perspective, (n, 2))
    rows[:, 2, 2] = 1
    return torch.from_numpy(rows).float()


def grid(maps: Tensor, size: int) -> Tensor:
    """Where each output pixel's centre falls in the input: [n, 3, 3] -> float32 [n, S, S, 2]."""
    axis = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], -1).view(-1, 3)
    mapped = points @ maps.transpose(1, 2)
    return (mapped[..., :2] / mapped[..., 2:]).view(-1, size, size, 2)


def wobble(rng: np.random.Generator, n: int, size: int, amount: float) -> Tensor:
    """Smooth random displacements, sd about `amount` normalised units: float32 [n, S, S, 2]."""
    coarse = torch.from_numpy(rng.normal(0, amount, (n, 2, 4, 4))).float()
    fine = F.interpolate(coarse, size, mode="bicubic", align_corners=True)
    return fine.permute(0, 2, 3, 1)


def sample(images: Tensor, where: Tensor) -> Tensor:
    """Read `images` (float32 [n, H, W]) at `where` ([n, S, S, 2]); zero outside: [n, S, S]."""
    return F.grid_sample(images[:, None], where, align_corners=False)[:, 0]
