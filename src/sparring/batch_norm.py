"""Batch norm over the rows of all ranks. Knows `ranks`; what is normalised is torch's own layers.

torch's SyncBatchNorm works on cards alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparring import ranks


@contextmanager
def joint(network: nn.Module) -> Iterator[None]:
    """Inside, batch norm in `network` takes its statistics of all ranks' rows while it trains."""
    there = network.modules() if ranks.sharing() else ()
    layers = [layer for layer in there if isinstance(layer, _BatchNorm)]
    for layer in layers:  # a forward of its own hides that of its class
        layer.forward = partial(_forward, layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _forward(layer: _BatchNorm, x: Tensor) -> Tensor:
    if not layer.training:
        return type(layer).forward(layer, x)
    one = torch.ones(x.shape[1], device=x.device)
    weight, bias = (layer.weight, layer.bias) if layer.affine else (one, 0 * one)
    y, mean, variance, rows = _Normalise.apply(x, weight, bias, layer.eps)
    _follow(layer, mean, variance, rows)
    return y


class _Normalise(torch.autograd.Function):
    """Batch norm of x [N, C, ...], and mean [C], variance [C] and number of all ranks' values.

    torch's own kernels do the work of one rank, which is most of it. They take float32 weights with
    x of any precision.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, ...]:
        _, mean, scale = torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, eps)
        number = mean.new_full((1,), x.numel() / x.shape[1])
        parts = ranks.of_each(torch.cat([mean, (scale.pow(-2) - eps).clamp_min(0), number]))
        # Means and variances of parts add up without the loss of digits that sums of squares have.
        means, variances, numbers = parts.split([len(mean), len(mean), 1], 1)
        share = numbers / numbers.sum()
        mean = (share * means).sum(0)
        variance = (share * (variances + (means - mean).square())).sum(0)
        ctx.eps = eps
        ctx.save_for_backward(x, weight, mean, variance, numbers.mean())
        y = torch.native_batch_norm(x, weight, bias, mean, variance, False, 0.0, eps)[0]
        found = mean, variance, numbers.sum()
        ctx.mark_non_differentiable(*found)
        return y, *found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, variance, number = ctx.saved_tensors
        # As if mean and variance were constants; the sums over this rank's values are by the way.
        of_x, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            *(gradients[0], x, weight, mean, variance, None, None, False, ctx.eps, [True] * 3)
        )
        # What goes through mean and variance: of all ranks' values, and linear in x.
        by_mean, by_scale = (ranks.average(torch.stack([of_bias, of_weight])) / number).unbind()
        scale = (variance + ctx.eps).rsqrt()
        slope = weight * scale.square() * by_scale
        offset = weight * scale * by_mean - slope * mean
        shape = [-1 if dimension == 1 else 1 for dimension in range(x.ndim)]
        of_x -= torch.addcmul(offset.view(shape), x, slope.view(shape)).to(of_x.dtype)
        return of_x, of_weight, of_bias, None


def _follow(layer: _BatchNorm, mean: Tensor, variance: Tensor, number: Tensor) -> None:
    """Let the running statistics follow, as in the layer's own forward."""
    if layer.running_mean is None or layer.running_var is None:
        return
    assert layer.num_batches_tracked is not None
    layer.num_batches_tracked.add_(1)
    rate = 1 / layer.num_batches_tracked if layer.momentum is None else layer.momentum
    layer.running_mean.lerp_(mean, rate)
    layer.running_var.lerp_(variance * (number / (number - 1)), rate)
