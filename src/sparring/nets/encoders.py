"""Encoders by name. A new one is one function and one line in ENCODERS."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from torch import nn

from sparring.errors import RequestError, unknown
from sparring.nets.resnet import FEATURES, ResNet18

Encoder = tuple[nn.Module, int]
"""A network from images float [N, 3, S, S] to features float [N, F], and F."""


def _small(size: int) -> Encoder:
    """The extractor for MNIST-M of Ganin & Lempitsky 2015 (arXiv 1409.7495, figure 4, top)."""
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
    """Six 3x3 convolutions, every second of stride 2; 0.8 million parameters at 32 pixels."""
    layers: list[nn.Module] = []
    for number, (inputs, outputs) in enumerate(pairwise([3, 32, 32, 64, 64, 128, 128])):
        convolution = nn.Conv2d(inputs, outputs, 3, 1 + number % 2, 1, bias=False)
        layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
    side = -(-size // 8)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * side**2, 256), nn.ReLU()), 256


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
    """Raises RequestError where there is none of this name, or it takes no images so small."""
    if name not in ENCODERS:
        raise unknown("encoder", name, ENCODERS)
    return ENCODERS[name](size)
