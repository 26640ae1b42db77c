"""Augmentation of image batches on their device, as pure functions that gradients pass through.

All take images float32 [N, 3, S, S] in [-1, 1] and return new ones. Random numbers are drawn from
`generator` or from torch's global one. Nothing is mirrored: a mirrored letter is another one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import grid_sample, pad

from sparring.ranks import drawn


@dataclass(frozen=True)
class Strength:
    """How much `strong` changes. Lengths are shares of the image's side.

    rotation: standard deviation in degrees. shear: standard deviation.
    size, aspect: largest factor of the size, and of width against height; or its inverse.
    shift: largest shift in each direction.
    gain, offset: a channel is multiplied by e^U(-gain, gain), then U(-offset, offset) is added.
    invert, grey, blur, rectangle: shares of the images so changed.
    noise: largest standard deviation of normal noise.
    sides: shortest and longest side of the rectangle that hides a part.
    """

    rotation: float = 12.0
    shear: float = 0.15
    size: float = 1.35
    aspect: float = 1.4
    shift: float = 3 / 32
    invert: float = 0.5
    gain: float = 0.5
    offset: float = 0.5
    grey: float = 0.2
    blur: float = 0.3
    noise: float = 0.15
    rectangle: float = 0.5
    sides: tuple[float, float] = (4 / 32, 12 / 32)


DEFAULT = Strength()
CUTOUT = Strength(rectangle=1.0, sides=(1 / 4, 1 / 2))


def strong(image: Tensor, generator: Generator | None = None, by: Strength = DEFAULT) -> Tensor:
    """Another place, shape, colour, sharpness and a hidden part: what keeps the label, at once."""
    image = affine(image, generator, by)
    image = colour(image, generator, by)
    image = torch.where(_chosen(image, by.blur, generator), blurred(image), image)
    deviation = _uniform(image, 0, by.noise, generator)
    noise = _normal(image, generator, image.shape[1:])
    return rectangle((image + deviation * noise).clamp(-1, 1), generator, by)


def weak(image: Tensor, generator: Generator | None = None, pixels: int = 2) -> Tensor:
    """Shifted by up to `pixels` whole pixels in each direction; the edge pixels are repeated."""

    def shift(rows: int) -> Tensor:
        shape = (2, rows, 1, 1, 1)
        return torch.randint(-pixels, pixels + 1, shape, generator=generator, device=image.device)

    across, down = drawn(shift, len(image), dim=1) * (2 / image.shape[-1])
    return _looked_up(image, _axis(image, 3) - across, _axis(image, 2) - down, "nearest")


def differentiable(image: Tensor, generator: Generator | None = None) -> Tensor:
    """What a discriminator sees of real and generated images alike, so that it learns few by heart.

    Brightness, saturation and contrast, a shift by up to an eighth, a hidden rectangle: DiffAugment
    (Zhao et al. 2020, arXiv 2006.10738).
    """
    image = image + _uniform(image, -0.5, 0.5, generator)
    grey = image.mean(1, keepdim=True)
    image = grey + _uniform(image, 0, 2, generator) * (image - grey)
    mean = image.mean((1, 2, 3), keepdim=True)
    image = mean + _uniform(image, 0.5, 1.5, generator) * (image - mean)
    return rectangle(weak(image, generator, image.shape[-1] // 8), generator, CUTOUT)


def affine(image: Tensor, generator: Generator | None = None, by: Strength = DEFAULT) -> Tensor:
    """Turned, sheared, scaled and shifted about the centre; the edge pixels are repeated."""
    angle = math.radians(by.rotation) * _normal(image, generator)
    shear = by.shear * _normal(image, generator)
    size = _factor(image, by.size, generator)
    aspect = _factor(image, by.aspect, generator).sqrt()
    # [-1, 1] is the whole side, so a share of the side is twice that here.
    across, down = (_uniform(image, -2 * by.shift, 2 * by.shift, generator) for _ in range(2))
    sin, cos = angle.sin(), angle.cos()
    # Where each pixel of the result lies in the image. By elementwise products: a matrix product
    # would be rounded to bfloat16 under autocast.
    x = (_axis(image, 3) - across) / (size * aspect)
    y = (_axis(image, 2) - down) * (aspect / size)
    x = x - shear * y
    return _looked_up(image, cos * x + sin * y, cos * y - sin * x, "bilinear")


def colour(image: Tensor, generator: Generator | None = None, by: Strength = DEFAULT) -> Tensor:
    """Inverted or not, each channel with a gain and an offset of its own, grey or not."""
    image = torch.where(_chosen(image, by.invert, generator), -image, image)
    gain = _uniform(image, -by.gain, by.gain, generator, channels=3).exp()
    image = image * gain + _uniform(image, -by.offset, by.offset, generator, channels=3)
    return torch.where(_chosen(image, by.grey, generator), image.mean(1, keepdim=True), image)


def blurred(image: Tensor) -> Tensor:
    """Each pixel mixed with its neighbours, weights [1 2 1] / 4 both ways; not random."""
    image = pad(image, (1, 1, 1, 1), "replicate")
    image = (image[..., :-2] + 2 * image[..., 1:-1] + image[..., 2:]) / 4
    return (image[..., :-2, :] + 2 * image[..., 1:-1, :] + image[..., 2:, :]) / 4


def rectangle(image: Tensor, generator: Generator | None = None, by: Strength = DEFAULT) -> Tensor:
    """A rectangle of one random colour over a part of some images (Zhong et al. 2020)."""
    hidden = _chosen(image, by.rectangle, generator)
    for dimension in (2, 3):
        # On the axis from -1 to 1, half a side is as long as the share of the whole.
        half = _uniform(image, *by.sides, generator)
        centre = _uniform(image, -1, 1, generator) * (1 - half)
        hidden = hidden & ((_axis(image, dimension) - centre).abs() < half)
    return torch.where(hidden, _uniform(image, -1, 1, generator, channels=3), image)


def _looked_up(image: Tensor, x: Tensor, y: Tensor, mode: str) -> Tensor:
    """What lies at x and y, each [N or 1, 1, S or 1, S or 1] on the axis from -1 to 1."""
    grid = torch.cat(torch.broadcast_tensors(x, y), 1).permute(0, 2, 3, 1)
    return grid_sample(image, grid, mode, padding_mode="border", align_corners=False)


def _axis(image: Tensor, dimension: int) -> Tensor:
    """Where the centres of the pixels lie along a dimension, on the axis from -1 to 1."""
    shape = [1, 1, 1, 1]
    shape[dimension] = count = image.shape[dimension]
    edge = 1 - 1 / count
    return torch.linspace(-edge, edge, count, device=image.device).view(shape)


def _uniform(
    image: Tensor, low: float, high: float, generator: Generator | None, channels: int = 1
) -> Tensor:
    def draw(rows: int) -> Tensor:
        return torch.rand((rows, channels, 1, 1), generator=generator, device=image.device)

    return low + (high - low) * drawn(draw, len(image))


def _normal(image: Tensor, generator: Generator | None, shape: Sequence[int] = (1, 1, 1)) -> Tensor:
    def draw(rows: int) -> Tensor:
        return torch.randn((rows, *shape), generator=generator, device=image.device)

    return drawn(draw, len(image))


def _factor(image: Tensor, largest: float, generator: Generator | None) -> Tensor:
    """From 1 / largest to largest, uniform in the logarithm."""
    return _uniform(image, -math.log(largest), math.log(largest), generator).exp()


def _chosen(image: Tensor, share: float, generator: Generator | None) -> Tensor:
    """Bool [N, 1, 1, 1]: true for about `share` of the images."""
    return _uniform(image, 0, 1, generator) < share
