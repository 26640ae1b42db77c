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
from torch.nn.functional import conv2d, conv_transpose2d, linear, pad

SMALL, WIDE = 4, 256
"""A convolution is done as a product where its smaller map is at most SMALL high and wide, and the
wider one has at least WIDE channels; narrower ones gain nothing."""


class Conv2d(nn.Conv2d):
    """`nn.Conv2d` with a square kernel, stride and padding, and neither dilation nor groups."""

    def forward(self, x: Tensor) -> Tensor:
        weight = _weight(self, x.device.type)
        kernel, stride, padding = self.kernel_size[0], _side(self.stride), _side(self.padding)
        if not _pays(self, (x.shape[-1] + 2 * padding - kernel) // stride + 1, x):
            return conv2d(x, weight, self.bias, stride, padding)
        patches: Tensor = _Patches.apply(_cast(x).permute(0, 2, 3, 1), kernel, stride, padding)
        return linear(patches.flatten(3), _matrix(weight), self.bias).permute(0, 3, 1, 2)


class ConvTranspose2d(nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` with a square kernel, stride and padding, and nothing else."""

    def forward(self, x: Tensor, output_size: None = None) -> Tensor:  # type: ignore[override]
        weight = _weight(self, x.device.type)
        kernel, stride, padding = self.kernel_size[0], _side(self.stride), _side(self.padding)
        if not _pays(self, x.shape[-1], x):
            return conv_transpose2d(x, weight, self.bias, stride, padding)
        patches = linear(x.permute(0, 2, 3, 1), _matrix(weight).T)
        patches = patches.unflatten(3, (kernel, kernel, self.out_channels))
        side = (x.shape[-1] - 1) * stride - 2 * padding + kernel
        y: Tensor = _Overlaid.apply(patches, side, stride, padding)
        y = y.permute(0, 3, 1, 2)
        return y if self.bias is None else y + self.bias.to(y.dtype)[:, None, None]


def _weight(layer: nn.Conv2d | nn.ConvTranspose2d, device: str) -> Tensor:
    """The layer's weight. Where it is computed, as under spectral norm, that is in float32."""
    with torch.autocast(device, enabled=False):
        return layer.weight


def _matrix(weight: Tensor) -> Tensor:
    """[O, I, k, k] as [O, k k I]."""
    return weight.permute(0, 2, 3, 1).flatten(1)


def _pays(layer: nn.Conv2d | nn.ConvTranspose2d, side: int, x: Tensor) -> bool:
    wide = max(layer.in_channels, layer.out_channels) >= WIDE
    return wide and side <= SMALL and x.shape[-2] == x.shape[-1] and x.device.type == "cpu"


def _side(size: Any) -> int:
    side: int = size[0]
    return side


def _cast(x: Tensor) -> Tensor:
    """In the precision that a convolution would compute in: narrow numbers are copied faster."""
    return x.to(torch.get_autocast_dtype("cpu")) if torch.is_autocast_enabled("cpu") else x


class _Patches(torch.autograd.Function):
    """What lies under the kernel at each of its places: [N, H, W, C] to [N, h, w, k, k, C].

    A function of its own, as is its transpose, because the backward of torch's unfold is slow.
    """

    @staticmethod
    def forward(ctx: Any, image: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
        ctx.side, ctx.stride, ctx.padding = image.shape[1], stride, padding
        return _cut(image, kernel, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _overlay(gradients[0], ctx.side, ctx.stride, ctx.padding), None, None, None


class _Overlaid(torch.autograd.Function):
    """The transpose of `_Patches`: patches [N, h, w, k, k, C] added up to [N, side, side, C]."""

    @staticmethod
    def forward(ctx: Any, patches: Tensor, side: int, stride: int, padding: int) -> Tensor:
        ctx.kernel, ctx.stride, ctx.padding = patches.shape[3], stride, padding
        return _overlay(patches, side, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _cut(gradients[0], ctx.kernel, ctx.stride, ctx.padding), None, None, None


def _cut(image: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    image = pad(image, (0, 0, padding, padding, padding, padding))
    windows = image.unfold(1, kernel, stride).unfold(2, kernel, stride)
    return windows.permute(0, 1, 2, 4, 5, 3).contiguous()


def _overlay(patches: Tensor, side: int, stride: int, padding: int) -> Tensor:
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
