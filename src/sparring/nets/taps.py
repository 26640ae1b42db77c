"""A padded 3x3 convolution that multiplies only with the taps that can meet the image.

On the 1x1 and 2x2 maps that ResNet18 makes of 32-pixel images, most of a padded 3x3 kernel lies
over the padding: eight taps of nine on a 1x1 map. There the convolution is one matrix product with
the others. The result, and every gradient, is that of the full convolution; the work is not.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from sparring.nets.products import Conv2d


class Conv3x3(Conv2d):
    """A 3x3 convolution with padding 1 and no bias; float [N, C, H, W] to [N, D, H', W']."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        count, _, height, width = x.shape
        if (height, width) not in ((1, 1), (2, 2)):
            return super().forward(x)
        matrix: Tensor = _LiveTaps.apply(self.weight, height, self.stride[0], _dtype(x))
        product = linear(x.permute(0, 2, 3, 1).flatten(1), matrix)
        side = -(-height // self.stride[0])
        return product.view(count, side, side, -1).permute(0, 3, 1, 2)


def _dtype(x: Tensor) -> torch.dtype:
    """What a convolution of x would compute in."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


class _LiveTaps(torch.autograd.Function):
    """The taps [O, I, 3, 3] that meet a map of `size` x `size`, as a matrix [P O, size² I].

    Row block p belongs to output pixel p = (i, j), the columns to the input pixels (k, l) and their
    channels: the tap between them is weight[:, :, 1 + k - i, 1 + l - j]. A function of its own
    because the slices' own backward would fill the large gradient with zeros once for each pixel.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, size: int, stride: int, dtype: torch.dtype) -> Tensor:
        ctx.weight, ctx.windows = weight, _windows(size, stride)
        taps = weight.detach().permute(0, 2, 3, 1)
        shape = (len(ctx.windows), len(weight), size, size, weight.shape[1])
        blocks = torch.empty(shape, dtype=dtype, device=weight.device)
        for block, (rows, columns) in zip(blocks, ctx.windows, strict=True):
            block.copy_(taps[:, rows, columns])
        return blocks.flatten(2).flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient = torch.zeros_like(ctx.weight)
        taps = gradient.permute(0, 2, 3, 1)
        windows = [taps[:, rows, columns] for rows, columns in ctx.windows]
        blocks = gradients[0].view(len(windows), *windows[0].shape)
        for window, block in zip(windows, blocks, strict=True):
            window += block
        return gradient, None, None, None


def _windows(size: int, stride: int) -> list[tuple[slice, slice]]:
    """Rows and columns of the kernel that lie over the map, for each output pixel."""
    starts = [1 - i for i in range(0, size, stride)]
    return [(slice(i, i + size), slice(j, j + size)) for i in starts for j in starts]
