"""Convolutions over small maps as one matrix product, where a library's own kernels are slow.

On a CPU, oneDNN computes the 512-channel convolutions over 4x4 maps, and above all the gradients
of their weights, at a fraction of the speed of a matrix product of the same size (two to four
times slower in bfloat16; docs/performance.md). Here the patches under the kernel become the rows of
one matrix. The function and its gradients are those of the plain layers. Elsewhere, on larger maps
and on other devices, the layers are the plain ones.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

SMALL = 4
"""Height and width, at most, of the smaller map of a convolution that is done as a product."""


class Conv2d(nn.Conv2d):
    """`nn.Conv2d` with a square kernel, stride and padding, and neither dilation nor groups."""

    def forward(self, x: Tensor) -> Tensor:
        stride, padding = _whole(self.stride), _whole(self.padding)
        if not _is_small(_shrunk(x.shape[-1], self.kernel_size[0], stride, padding), x):
            return super().forward(x)
        y: Tensor = _Convolution.apply(*_cast(x, self.weight), stride, padding)
        return y if self.bias is None else y + self.bias.to(y.dtype)[:, None, None]


class ConvTranspose2d(nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` with a square kernel, stride and padding, and nothing else."""

    def forward(self, x: Tensor, output_size: Any = None) -> Tensor:
        if output_size is not None or not _is_small(x.shape[-1], x):
            return super().forward(x, output_size)
        stride, padding = _whole(self.stride), _whole(self.padding)
        y: Tensor = _Transposed.apply(*_cast(x, self.weight), stride, padding)
        return y if self.bias is None else y + self.bias.to(y.dtype)[:, None, None]


def _is_small(side: int, x: Tensor) -> bool:
    return side <= SMALL and x.shape[-2] == x.shape[-1] and x.device.type == "cpu"


def _whole(size: Any) -> int:
    side: int = size[0]
    return side


def _shrunk(side: int, kernel: int, stride: int, padding: int) -> int:
    return (side + 2 * padding - kernel) // stride + 1


def _cast(*tensors: Tensor) -> list[Tensor]:
    """In the precision that a convolution would compute in."""
    if not torch.is_autocast_enabled("cpu"):
        return list(tensors)
    return [tensor.to(torch.get_autocast_dtype("cpu")) for tensor in tensors]


class _Convolution(torch.autograd.Function):
    """x [N, I, H, W] and weight [O, I, k, k] to [N, O, H', W']."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return _gather(x, weight, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), (y,), (stride, padding) = (
            ctx.saved_tensors,
            gradients,
            (ctx.stride, ctx.padding),
        )
        to_x, to_weight = ctx.needs_input_grad[:2]
        return (
            _spread(y, weight, stride, padding, x.shape[-1]) if to_x else None,
            _correlate(x, y, weight.shape[-1], stride, padding) if to_weight else None,
            None,
            None,
        )


class _Transposed(torch.autograd.Function):
    """The transpose: x [N, I, H, W] and weight [I, O, k, k] to [N, O, H', W']."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        side = (x.shape[-1] - 1) * stride - 2 * padding + weight.shape[-1]
        return _spread(x, weight, stride, padding, side)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), (y,), (stride, padding) = (
            ctx.saved_tensors,
            gradients,
            (ctx.stride, ctx.padding),
        )
        to_x, to_weight = ctx.needs_input_grad[:2]
        return (
            _gather(y, weight, stride, padding) if to_x else None,
            _correlate(y, x, weight.shape[-1], stride, padding) if to_weight else None,
            None,
            None,
        )


def _gather(large: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """The convolution: large [N, I, H, W], weight [O, I, k, k] to [N, O, h, w]."""
    patches = _patches(large, weight.shape[-1], stride, padding)
    product = patches.flatten(0, 2) @ _matrix(weight).T
    return product.view(*patches.shape[:3], -1).permute(0, 3, 1, 2)


def _spread(small: Tensor, weight: Tensor, stride: int, padding: int, side: int) -> Tensor:
    """Its transpose: small [N, O, h, w], weight [O, I, k, k] to [N, I, side, side]."""
    count, _, rows, columns = small.shape
    inputs, kernel = weight.shape[1:3]
    patches = (_rows(small) @ _matrix(weight)).view(count, rows, columns, kernel, kernel, inputs)
    # Patches overlap: they are added up in float32 at the least, as in a convolution.
    edge, dtype = side + 2 * padding, torch.promote_types(small.dtype, torch.float32)
    large = torch.zeros(count, edge, edge, inputs, dtype=dtype)
    for i in range(kernel):
        for j in range(kernel):
            window = large[:, i : i + stride * rows : stride, j : j + stride * columns : stride]
            window += patches[:, :, :, i, j]
    inner = large[:, padding : padding + side, padding : padding + side]
    return inner.to(small.dtype).contiguous().permute(0, 3, 1, 2)


def _correlate(large: Tensor, small: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """The gradient of the weight [O, I, k, k]: of large [N, I, H, W] and small [N, O, h, w]."""
    patches = _patches(large, kernel, stride, padding).flatten(0, 2)
    product = _rows(small).T @ patches
    return product.view(small.shape[1], kernel, kernel, -1).permute(0, 3, 1, 2)


def _patches(large: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """What lies under the kernel at each of its places: [N, h, w, k k I]."""
    image = pad(large.permute(0, 2, 3, 1), (0, 0, padding, padding, padding, padding))
    windows = image.unfold(1, kernel, stride).unfold(2, kernel, stride)
    return windows.permute(0, 1, 2, 4, 5, 3).flatten(3)


def _rows(small: Tensor) -> Tensor:
    return small.permute(0, 2, 3, 1).flatten(0, 2)


def _matrix(weight: Tensor) -> Tensor:
    """[O, I, k, k] as [O, k k I]."""
    return weight.permute(0, 2, 3, 1).flatten(1)
