"""Convolutions that a CPU does as one matrix product where the map is small.

There oneDNN takes two to four times as long as a matrix product of the same size
(docs/performance.md). So the patches under the kernel become the rows of one matrix (im2col). On
1x1 and 2x2 maps most of a padded 3x3 kernel lies over the padding: only the rest is multiplied.
The function and its gradients are those of the plain layers, which serve larger maps and other
devices.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, linear, pad

SMALL_MAP, MANY_CHANNELS = 4, 256
"""Done as a product is what has a map this small, or smaller, and a map with so many channels."""


class Conv2d(nn.Conv2d):
    """`nn.Conv2d` with a square kernel, stride and padding, and neither dilation nor groups."""

    def forward(self, x: Tensor) -> Tensor:
        weight = _weight(self, x.device.type)
        kernel, stride, padding = self.kernel_size[0], self.stride[0], int(self.padding[0])
        if kernel == 3 and padding == 1 and self.bias is None and _on_cpu(x, 2):
            return _without_padding(x, weight, stride)
        side = (x.shape[-1] + 2 * padding - kernel) // stride + 1
        if not (side <= SMALL_MAP and _many_channels(self) and _on_cpu(x)):
            return conv2d(x, weight, self.bias, stride, padding)
        image = x.to(_dtype(x)).permute(0, 2, 3, 1)  # narrow numbers are copied faster
        patches: Tensor = _ImageToPatches.apply(image, kernel, stride, padding)
        return linear(patches.flatten(3), _matrix(weight), self.bias).permute(0, 3, 1, 2)


class ConvTranspose2d(nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` with a square kernel, stride and padding, and nothing else."""

    def forward(self, x: Tensor, output_size: None = None) -> Tensor:  # type: ignore[override]
        weight = _weight(self, x.device.type)
        kernel, stride, padding = self.kernel_size[0], self.stride[0], int(self.padding[0])
        if not (_many_channels(self) and _on_cpu(x, SMALL_MAP)):
            return conv_transpose2d(x, weight, self.bias, stride, padding)
        patches = linear(x.permute(0, 2, 3, 1), _matrix(weight).T)
        patches = patches.unflatten(3, (kernel, kernel, self.out_channels))
        side = (x.shape[-1] - 1) * stride - 2 * padding + kernel
        y: Tensor = _PatchesToImage.apply(patches, side, stride, padding)
        y = y.permute(0, 3, 1, 2)
        return y if self.bias is None else y + self.bias.to(y.dtype)[:, None, None]


def _on_cpu(x: Tensor, largest: int | None = None) -> bool:
    """Whether x is on the CPU and a square map, at most `largest` high and wide."""
    height, width = x.shape[-2:]
    return x.device.type == "cpu" and height == width and (largest is None or width <= largest)


def _many_channels(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    return max(layer.in_channels, layer.out_channels) >= MANY_CHANNELS


def _weight(layer: nn.Conv2d | nn.ConvTranspose2d, device: str) -> Tensor:
    """The layer's weight. Where it is computed, as under spectral norm, that is in float32."""
    with torch.autocast(device, enabled=False):
        return layer.weight


def _matrix(weight: Tensor) -> Tensor:
    """[O, I, k, k] as [O, k k I]."""
    return weight.permute(0, 2, 3, 1).flatten(1)


def _dtype(x: Tensor) -> torch.dtype:
    """What a convolution of x would compute in, on a CPU."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype


class _ImageToPatches(torch.autograd.Function):
    """What lies under the kernel at each of its places: [N, H, W, C] to [N, h, w, k, k, C]."""

    # A function of its own, as is its transpose: the backward of torch's unfold is slow.

    @staticmethod
    def forward(ctx: Any, image: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
        ctx.side, ctx.stride, ctx.padding = image.shape[1], stride, padding
        return _cut(image, kernel, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _add_up(gradients[0], ctx.side, ctx.stride, ctx.padding), None, None, None


class _PatchesToImage(torch.autograd.Function):
    """The transpose: patches [N, h, w, k, k, C] added up to [N, side, side, C]."""

    @staticmethod
    def forward(ctx: Any, patches: Tensor, side: int, stride: int, padding: int) -> Tensor:
        ctx.kernel, ctx.stride, ctx.padding = patches.shape[3], stride, padding
        return _add_up(patches, side, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _cut(gradients[0], ctx.kernel, ctx.stride, ctx.padding), None, None, None


def _cut(image: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    image = pad(image, (0, 0, padding, padding, padding, padding))
    windows = image.unfold(1, kernel, stride).unfold(2, kernel, stride)
    return windows.permute(0, 1, 2, 4, 5, 3).contiguous()


def _add_up(patches: Tensor, side: int, stride: int, padding: int) -> Tensor:
    count, rows, columns, kernel, _, channels = patches.shape
    # Patches overlap: they are added up in float32 at the least, as in a convolution.
    edge, dtype = side + 2 * padding, torch.promote_types(patches.dtype, torch.float32)
    image = torch.zeros(count, edge, edge, channels, dtype=dtype)
    for i in range(kernel):
        for j in range(kernel):
            window = image[:, i : i + stride * rows : stride, j : j + stride * columns : stride]
            window += patches[:, :, :, i, j]
    inner = image[:, padding : padding + side, padding : padding + side]
    return inner.to(patches.dtype).contiguous()


def _without_padding(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """The 3x3 convolution with padding 1 of a 1x1 or 2x2 map [N, C, S, S], as one product."""
    size = x.shape[-1]
    side = -(-size // stride)
    matrix: Tensor = _WeightsOverMap.apply(weight, size, stride, _dtype(x))
    product = linear(x.permute(0, 2, 3, 1).flatten(1), matrix)
    return product.view(len(x), side, side, -1).permute(0, 3, 1, 2)


class _WeightsOverMap(torch.autograd.Function):
    """The weights [O, I, 3, 3] that meet a map of `size` x `size`, as a matrix [P O, size² I].

    Row block p belongs to output pixel p = (i, j), the columns to the input pixels (k, l) and their
    channels: between them lies weight[:, :, 1 + k - i, 1 + l - j].
    """

    # The backward of plain slices would fill the large gradient with zeros once for each pixel.

    @staticmethod
    def forward(ctx: Any, weight: Tensor, size: int, stride: int, dtype: torch.dtype) -> Tensor:
        ctx.weight, ctx.windows = weight, _windows(size, stride)
        last = weight.detach().permute(0, 2, 3, 1)
        shape = (len(ctx.windows), len(weight), size, size, weight.shape[1])
        blocks = torch.empty(shape, dtype=dtype)
        for block, (rows, columns) in zip(blocks, ctx.windows, strict=True):
            block.copy_(last[:, rows, columns])
        return blocks.flatten(2).flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient = torch.zeros_like(ctx.weight)
        last = gradient.permute(0, 2, 3, 1)
        windows = [last[:, rows, columns] for rows, columns in ctx.windows]
        blocks = gradients[0].view(len(windows), *windows[0].shape)
        for window, block in zip(windows, blocks, strict=True):
            window += block
        return gradient, None, None, None


def _windows(size: int, stride: int) -> list[tuple[slice, slice]]:
    """Rows and columns of the kernel that lie over the map, for each output pixel."""
    starts = [1 - i for i in range(0, size, stride)]
    return [(slice(i, i + size), slice(j, j + size)) for i in starts for j in starts]
