"""DCGAN's generator and discriminator (Radford et al. 2016) under spectral normalisation.

As the source report describes them: spectral normalisation (Miyato et al. 2018) in both nets;
the discriminator has no batch norm, and its convolutions have a bias.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


def _spectral(layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    """Draw DCGAN's initial weights, N(0, 0.02), and normalise the layer spectrally."""
    nn.init.normal_(layer.weight, 0.0, 0.02)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return spectral_norm(layer)


def _widths(size: int, width: int) -> list[int]:
    """Channels at `size`/2, `size`/4, ... down to 4 pixels."""
    doublings = size.bit_length() - 3
    if size != 4 << doublings or doublings < 1:
        raise ValueError(f"DCGAN makes images of 8, 16, 32, 64, ... pixels, not {size}")
    return [width << level for level in range(doublings)]


class Generator(nn.Module):
    """Code float [N, inputs] to images float32 [N, 3, size, size] in [-1, 1]."""

    def __init__(self, inputs: int, size: int = 64, width: int = 64) -> None:
        super().__init__()
        widths = _widths(size, width)[::-1]
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(zip([inputs, *widths], widths, strict=False)):
            stride, padding = (1, 0) if index == 0 else (2, 1)
            upsample = nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False)
            normalise = nn.BatchNorm2d(after)
            nn.init.normal_(normalise.weight, 1.0, 0.02)
            layers += [_spectral(upsample), normalise, nn.ReLU()]
        layers += [_spectral(nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1)), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, code: Tensor) -> Tensor:
        image: Tensor = self.layers(code[:, :, None, None])
        return image.float()


class Discriminator(nn.Module):
    """Images float [N, 3, size, size] to float32 logits: real or fake [N], attributes [N, A]."""

    def __init__(self, size: int = 64, width: int = 64, attributes: int = 0) -> None:
        super().__init__()
        widths = _widths(size, width)
        layers: list[nn.Module] = []
        for before, after in zip([3, *widths], widths, strict=False):
            layers += [_spectral(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.validity = _spectral(nn.Conv2d(widths[-1], 1, 4))
        self.attribute = _spectral(nn.Conv2d(widths[-1], attributes, 4)) if attributes else None

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.layers(image)
        validity = self.validity(hidden).flatten().float()
        if self.attribute is None:
            return validity, torch.empty(len(image), 0, device=image.device)
        return validity, self.attribute(hidden).flatten(1).float()
