"""Parts that adaptation methods join: gradient reversal, heads on features, DSN's decoder."""

from typing import Any

import torch
from torch import Tensor, nn


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: float) -> Tensor:
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.weight * gradients[0], None


def reverse(x: Tensor, weight: float) -> Tensor:
    """`x`, whose gradient comes back times `-weight` (Ganin & Lempitsky 2015, section 3.1)."""
    return _Reverse.apply(x, weight)


class Head(nn.Sequential):
    """Features [N, inputs] to float32 logits [N, outputs] through one hidden layer."""

    def __init__(self, inputs: int, outputs: int, hidden: int = 100) -> None:
        first, last = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)
        super().__init__(first, nn.BatchNorm1d(hidden), nn.ReLU(), last)

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features).float()


class Standardised(nn.Module):
    """A network that sees each image [3, S, S] with mean 0 and deviation 1 (flat ones: near 0)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        centred = image - image.mean((1, 2, 3), keepdim=True)
        # torch.std takes seven times as long on images whose channels lie last.
        deviation = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
        return self.network(centred / (deviation + 0.05))


_GRID = 10  # the paper's fully connected layer has 300 units: three maps of 10x10


class Decoder(nn.Module):
    """Codes float [N, inputs] to images float32 [N, 3, size, size].

    The digits' decoder of DSN (Bousmalis et al. 2016, appendix). width: channels of the hidden
    convolutions (16 in the paper).
    """

    def __init__(self, inputs: int, size: int, width: int = 16) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.Linear(inputs, 3 * _GRID**2), nn.ReLU())
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, width, 5, padding=2),
            nn.ReLU(),
            nn.Upsample((size, size)),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 3, 3, padding=1),
        )

    def forward(self, code: Tensor) -> Tensor:
        return self.layers(self.expand(code).unflatten(1, (3, _GRID, _GRID))).float()
