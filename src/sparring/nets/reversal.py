"""Gradient reversal (Ganin & Lempitsky 2015, section 3.1)."""

from typing import Any

import torch
from torch import Tensor


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: float) -> Tensor:
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.weight * gradients[0], None


def reverse(x: Tensor, weight: float) -> Tensor:
    """Return `x` unchanged; its gradient comes back multiplied by `-weight`."""
    return _Reverse.apply(x, weight)
