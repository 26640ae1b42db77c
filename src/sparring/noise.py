"""What generators start from: noise that a seed fixes, and ways between two noises.

Knows torch alone.
"""

import operator

import torch
from torch import Tensor

NOISES = 5000
"""Noises that are drawn at once. Results depend on it."""


def random(seed: int) -> torch.Generator:
    """A random generator on the CPU, of this seed."""
    return torch.Generator().manual_seed(operator.index(seed))  # else it takes none of numpy


def fixed_noise(count: int, size: int, seed: int) -> Tensor:
    """Normal noise float32 [count, size]; row k of a seed is the same for every count >= 1."""
    source = random(seed)
    parts = [torch.randn(NOISES, size, generator=source) for _ in range(0, count, NOISES)]
    return torch.cat(parts)[:count]


def between(first: Tensor, last: Tensor, steps: int) -> Tensor:
    """From one noise [Z] to another along the sphere: [steps, Z], with both ends.

    On a straight line, halfway noises would be shorter than any that a generator was trained on
    (spherical interpolation: White 2016, arXiv 1609.04468).
    """
    angle = torch.acos(torch.cosine_similarity(first, last, dim=0).clamp(-1, 1))
    share = torch.linspace(0, 1, steps)[:, None]
    return (torch.sin((1 - share) * angle) * first + torch.sin(share * angle) * last) / angle.sin()
