"""Batch norm over the rows of all ranks. Knows `ranks`; what is normalised is torch's own layers.

torch's SyncBatchNorm works on cards alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

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
    dimensions = [dimension for dimension in range(x.ndim) if dimension != 1]
    shape = [-1 if dimension == 1 else 1 for dimension in range(x.ndim)]
    with torch.autocast(x.device.type, enabled=False):
        # Means and variances of parts add up without the loss of digits that sums of squares have.
        variance, mean = torch.var_mean(x.float(), dimensions, correction=0)
        number = mean.new_full((1,), x.numel() / x.shape[1])
        parts = ranks.of_each(torch.cat([mean, variance, number]))
        means, variances, numbers = parts.split([len(mean), len(mean), 1], 1)
        share = numbers / numbers.sum()
        mean = (share * means).sum(0)
        variance = (share * (variances + (means - mean).square())).sum(0)
        _follow(layer, mean.detach(), variance.detach(), numbers.detach().sum())
        scale = (variance + layer.eps).rsqrt()
        if layer.affine:
            scale = scale * layer.weight
        y = (x - mean.view(shape)) * scale.view(shape)
        if layer.affine:
            y = y + layer.bias.view(shape)
        return y.to(x.dtype)


def _follow(layer: _BatchNorm, mean: Tensor, variance: Tensor, number: Tensor) -> None:
    """Let the running statistics follow, as in the layer's own forward."""
    if layer.running_mean is None or layer.running_var is None:
        return
    assert layer.num_batches_tracked is not None
    layer.num_batches_tracked.add_(1)
    rate = 1 / layer.num_batches_tracked if layer.momentum is None else layer.momentum
    layer.running_mean.lerp_(mean, rate)
    layer.running_var.lerp_(variance * (number / (number - 1)), rate)
