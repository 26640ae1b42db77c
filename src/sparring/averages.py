"""Running means of a module's parts: exponential moving averages (EMA) of their weights.

A mean follows parameters and floating-point buffers (batch norm's statistics) alike; whole numbers
(counts of batches) are copied. Knows torch alone; knows no method and no training.

Polyak & Juditsky 1992; of a GAN's generator: Yazici et al. 2019 (arXiv 1806.04498).
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Averaged(nn.Module):
    """A module of whose parts running means are kept, by whoever trains it.

    average: the means by attribute, in evaluation mode and without gradients; a teacher, and what
        is evaluated, saved and used afterwards. No part of `state_dict`.
    """

    averaged: ClassVar[Mapping[str, float]] = {}
    """The parts (by attribute) that have a running mean, and its memory m in [0, 1]: after each
    batch the mean is m times itself plus 1 - m times the part."""

    def __init__(self) -> None:
        super().__init__()
        self.average: dict[str, nn.Module] = {}

    @contextmanager
    def evaluated(self) -> Iterator[None]:
        """Inside, the means stand in place of the parts, and all is in evaluation mode."""
        training, parts = self.training, {name: getattr(self, name) for name in self.average}
        try:
            for name, mean in self.average.items():
                setattr(self, name, mean)
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
        for name in module.averaged
    }


def update(module: Averaged) -> None:
    """Let each mean follow its part by one batch."""
    for name, memory in module.averaged.items():
        means, parts = _tensors(module.average[name]), _tensors(getattr(module, name))
        floating = [mean.is_floating_point() for mean in means]
        get_ema_multi_avg_fn(memory)(
            [mean for mean, is_floating in zip(means, floating, strict=True) if is_floating],
            [part for part, is_floating in zip(parts, floating, strict=True) if is_floating],
            0,
        )
        for mean, part in zip(means, parts, strict=True):
            if not mean.is_floating_point():
                mean.copy_(part)


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
