"""Running means of a module's parts: exponential moving averages (EMA) of their weights.

Knows torch alone; knows no method and no training. Polyak & Juditsky 1992; of a GAN's generator:
Yazici et al. 2019 (arXiv 1806.04498).
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList


class Averaged(nn.Module):
    """A module of whose parts running means are kept, by whoever trains it.

    average: the means by attribute, in evaluation mode and without gradients. No part of
        `state_dict`.
    """

    averaged: ClassVar[Mapping[str, float]] = {}
    """The parts (by attribute) whose running mean is the teacher, and what is evaluated, saved and
    used afterwards; and its memory m in [0, 1]: after each batch the mean is m times itself plus
    1 - m times the part. In batch k, from 0, m is at most (1 + k) / (10 + k): else a short
    training's mean would be of weights before any training."""
    beside: ClassVar[Mapping[str, float]] = {}
    """Other parts, whose mean is evaluated beside the part itself, and not used."""

    def __init__(self) -> None:
        super().__init__()
        self.average: dict[str, nn.Module] = {}

    @contextmanager
    def evaluated(self, beside: bool = False) -> Iterator[None]:
        """Inside, the means stand in place of the parts, and all is in evaluation mode.

        beside: those that are not used, too.
        """
        names = [name for name in self.average if beside or name in self.averaged]
        training, parts = self.training, {name: getattr(self, name) for name in names}
        try:
            for name in names:
                setattr(self, name, self.average[name])
            self.eval()
            yield
        finally:
            for name, part in parts.items():
                setattr(self, name, part)
            self.train(training)


def begin(module: Averaged) -> None:
    """Start each mean at its part as that is now, on its device and in its memory layout."""
    module.average = {
        name: copy.deepcopy(getattr(module, name)).eval().requires_grad_(False)
        for name in _memories(module)
    }


@torch.no_grad()
def update(module: Averaged, batch: int) -> None:
    """Let each mean follow its part by one batch: parameters and batch norm's statistics alike.

    What spectral norm divides by is the mean's own. batch: its number, from 0.
    """
    for name, most in _memories(module).items():
        memory = min(most, (1 + batch) / (10 + batch))
        parts = getattr(module, name).state_dict()
        for key, mean in module.average[name].state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(parts[key], 1 - memory)
            else:  # a count of batches
                mean.copy_(parts[key])
        # A mean of singular vectors is shorter than they are, and not the mean's own: one round of
        # power iteration makes it so. A forward pass in training mode plays it too, and divides all
        # weights by what it finds: four times the work.
        for layer in module.average[name].modules():
            if isinstance(layer, ParametrizationList):
                norm: Any = layer[0]
                norm._power_method(norm._reshape_weight_to_matrix(layer.original), 1)


def _memories(module: Averaged) -> dict[str, float]:
    """Of each part that has a mean; one that is used by its mean has no other beside it."""
    return {**module.beside, **module.averaged}
