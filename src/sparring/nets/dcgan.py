"""DCGAN's generator and discriminator (Radford et al. 2016) as the source report changed them.

Spectral normalisation (Miyato et al. 2018) in both; the discriminator has biases and no batch norm.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring.errors import RequestError
from sparring.nets.cpu_convolution import Conv2d, ConvTranspose2d


def _drawn(layer: nn.Conv2d | nn.ConvTranspose2d, spectral: bool) -> nn.Module:
    """Draw DCGAN's initial weights, N(0, 0.02), and normalise the layer spectrally if wanted."""
    nn.init.normal_(layer.weight, 0.0, 0.02)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return spectral_norm(layer) if spectral else layer


def _batch_norm(width: int) -> nn.BatchNorm2d:
    """Batch norm with DCGAN's initial weights, N(1, 0.02)."""
    layer = nn.BatchNorm2d(width)
    nn.init.normal_(layer.weight, 1.0, 0.02)
    return layer


def doublings(size: int) -> int:
    """How often 4 pixels double up to `size`, at least once. Raises RequestError."""
    count = size.bit_length() - 3
    if count < 1 or size != 4 << count:
        raise RequestError(
            f"generated images have a side of 8, 16, 32, 64, ... pixels, not {size}: "
            "choose a power of two"
        )
    return count


def _widths(size: int, width: int) -> list[int]:
    """Channels at `size`/2, `size`/4, ... down to 4 pixels."""
    return [width << level for level in range(doublings(size))]


class Generator(nn.Module):
    """Code float [N, inputs] to images float32 [N, 3, size, size] in [-1, 1]."""

    def __init__(self, inputs: int, size: int = 64, width: int = 64, spectral: bool = True) -> None:
        super().__init__()
        widths = _widths(size, width)[::-1]
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(zip([inputs, *widths], widths, strict=False)):
            stride, padding = (1, 0) if index == 0 else (2, 1)
            upsample = ConvTranspose2d(before, after, 4, stride, padding, bias=False)
            layers += [_drawn(upsample, spectral), _batch_norm(after), nn.ReLU()]
        layers += [_drawn(ConvTranspose2d(widths[-1], 3, 4, 2, 1), spectral), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, code: Tensor) -> Tensor:
        return self.layers(code[:, :, None, None]).float()


Judgement = tuple[Tensor, Tensor]
"""Float32 logits of N images: real or fake [N], labels [N, L] (L may be 0)."""


class Discriminator(nn.Module):
    """Images float [N, 3, size, size] to a Judgement.

    labels: L, the number of classes or of attributes; without any there is no head for them.
    batch_norm: after every hidden convolution but the first, as in DCGAN. bias: of convolutions.
    """

    def __init__(
        self,
        size: int = 64,
        width: int = 64,
        labels: int = 0,
        *,
        spectral: bool = True,
        batch_norm: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        widths = _widths(size, width)
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(zip([3, *widths], widths, strict=False)):
            layers.append(_drawn(Conv2d(before, after, 4, 2, 1, bias=bias), spectral))
            if batch_norm and index > 0:
                layers.append(_batch_norm(after))
            layers.append(nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(*layers)
        self.batch_norm = batch_norm

        def head(outputs: int) -> nn.Module:
            return _drawn(Conv2d(widths[-1], outputs, 4, bias=bias), spectral)

        self.validity = head(1)
        self.attribute = head(labels) if labels else None

    def both(self, real: Tensor, fake: Tensor) -> tuple[Judgement, Judgement]:
        """Judge as many real images as generated ones, in one pass where that mixes nothing."""
        if self.batch_norm:  # its statistics would be of both kinds
            return self(real), self(fake)
        validity, label = (part.chunk(2) for part in self(torch.cat([real, fake])))
        return (validity[0], label[0]), (validity[1], label[1])

    def forward(self, image: Tensor) -> Judgement:
        hidden = self.layers(image)
        validity = self.validity(hidden).flatten().float()
        if self.attribute is None:
            return validity, torch.empty(len(image), 0, device=image.device)
        return validity, self.attribute(hidden).flatten(1).float()
