"""Encoders by name: networks from images of any size to features.

A new encoder is one function and one line in ENCODERS.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from torch import nn

from sparring.errors import RequestError, unknown
from sparring.nets.resnet import FEATURES, ResNet18

Encoder = tuple[nn.Module, int]
"""A network from images float [N, 3, S, S] to features float [N, F], and F."""


def _small(size: int) -> Encoder:
    """Two convolutions, each with max pooling: 1,200 features of 32 pixels.

    The feature extractor for MNIST-M of Ganin & Lempitsky 2015 (arXiv 1409.7495, figure 4, top).
    """
    if size < 16:
        raise RequestError(
            f"the encoder small takes images of at least 16 pixels, not {size}: "
            "choose a larger size or another encoder"
        )
    convolutions = [nn.Conv2d(3, 32, 5), nn.ReLU(), nn.MaxPool2d(2)]
    convolutions += [nn.Conv2d(32, 48, 5), nn.ReLU(), nn.MaxPool2d(2)]
    side = ((size - 4) // 2 - 4) // 2
    return nn.Sequential(*convolutions, nn.Flatten()), 48 * side**2


def _fast(size: int) -> Encoder:
    """Six 3x3 convolutions with batch norm, every second of stride 2, and one linear layer.

    For small images on a CPU: 0.8 million parameters at 32 pixels.
    """
    layers: list[nn.Module] = []
    inputs = 3
    for outputs in (32, 64, 128):
        for before, stride in ((inputs, 1), (outputs, 2)):
            convolution = nn.Conv2d(before, outputs, 3, stride, 1, bias=False)
            layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    side = -(-size // 8)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs * side**2, 256), nn.ReLU()), 256


ENCODERS: dict[str, Callable[[int], Encoder]] = {
    "resnet18": lambda size: (ResNet18(), FEATURES),
    "resnet18-3x3": lambda size: (ResNet18(small_stem=True), FEATURES),
    "small": _small,
    "fast": _fast,
}
"""Every encoder by its name: from the images' size in pixels to the network."""

if TYPE_CHECKING:
    EncoderName = str
else:  # the command line offers these names
    EncoderName = Literal[tuple(ENCODERS)]


def build_encoder(name: EncoderName, size: int) -> Encoder:
    """The encoder for images of `size` pixels. Draws weights from torch's global RNG.

    Raises RequestError where there is none of this name or it cannot take images so small.
    """
    if name not in ENCODERS:
        raise unknown("encoder", name, ENCODERS)
    return ENCODERS[name](size)
