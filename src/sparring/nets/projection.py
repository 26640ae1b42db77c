"""A generator that enlarges by resampling, a discriminator that judges image and label together,
and a reader of labels.

Resampling and a convolution leave no checkerboard, which transposed convolutions do (Odena et al.
2016); on small maps, where nobody sees it, those are kept: there they are fast. The discriminator
adds to its verdict the inner product of its features and a vector of the label (Miyato & Koyama
2018, arXiv 1802.05637). Spectral normalisation in the discriminator alone.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring.nets.cpu_convolution import Conv2d, ConvTranspose2d
from sparring.nets.dcgan import doublings

WIDEST = 512
"""Channels at most."""
SMALL = 16
"""Pixels up to which maps grow by transposed convolutions."""


class UpsamplingGenerator(nn.Module):
    """Code float [N, inputs] to images float32 [N, 3, size, size] in [-1, 1].

    width: channels at full size; twice as many at half of it, and so on down to 4 pixels.
    """

    def __init__(self, inputs: int, size: int = 64, width: int = 24) -> None:
        super().__init__()
        widths = [min(WIDEST, width << level) for level in range(doublings(size) + 1)][::-1]
        layers: list[nn.Module] = [nn.Linear(inputs, widths[0] * 16), nn.Unflatten(1, (-1, 4, 4))]
        layers += [nn.BatchNorm2d(widths[0]), nn.LeakyReLU(0.2)]
        side = 4
        for before, after in pairwise(widths):
            side *= 2
            if side <= SMALL:
                layers.append(ConvTranspose2d(before, after, 4, 2, 1, bias=False))
            else:
                layers.append(nn.Upsample(scale_factor=2, mode="bilinear"))
                layers.append(Conv2d(before, after, 3, 1, 1, bias=False))
            layers += [nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, Conv2d(widths[-1], 3, 3, 1, 1), nn.Tanh())

    def forward(self, code: Tensor) -> Tensor:
        return self.layers(code).float()


class ProjectionDiscriminator(nn.Module):
    """Images float [N, 3, size, size] and label codes float [N, L] (L may be 0) to logits [N].

    width: channels after the first convolution; twice as many after each further one.
    """

    def __init__(self, size: int = 64, width: int = 48, labels: int = 0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise(widths := _halving(size, width)):
            layers += [spectral_norm(Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        features = 16 * widths[-1]
        self.validity = spectral_norm(nn.Linear(features, 1))
        self.projection = spectral_norm(nn.Linear(labels, features)) if labels else None

    def forward(self, image: Tensor, code: Tensor) -> Tensor:
        hidden = self.layers(image).float()
        # On a card, autocast would round the power iteration of linear layers, too.
        with torch.autocast(image.device.type, enabled=False):
            validity = self.validity(hidden).flatten()
            if self.projection is None:
                return validity
            return validity + (hidden * self.projection(code)).sum(1)


class LabelReader(nn.Sequential):
    """Images float [N, 3, size, size] to logits [N, labels] of their classes or attributes."""

    def __init__(self, size: int, width: int, labels: int) -> None:
        layers: list[nn.Module] = []
        for before, after in pairwise(widths := _halving(size, width)):
            layers += [Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*layers, nn.Flatten(), nn.Linear(16 * widths[-1], labels))

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).float()


def _halving(size: int, width: int) -> list[int]:
    """Channels of the image, and of the maps of half its size, a quarter, and so on to 4 pixels."""
    return [3, *(min(WIDEST, width << level) for level in range(doublings(size)))]
