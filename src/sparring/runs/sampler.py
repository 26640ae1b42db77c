"""Draws with a generator from fixed noise, so that what is drawn can be compared.

Knows a generator and the labels of its training images; knows no score and no file.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from sparring.data.feed import to_pixels
from sparring.data.images import Images
from sparring.errors import TrainingFailed
from sparring.game import GenerativeMethod

POOL = 5000
"""Most images that can be drawn."""


@dataclass
class Brush:
    """Draws with a generator from fixed noise; image k is the same for every count.

    Labels are those of real training images, so attributes come together as they do there. The
    global random state is left alone.
    """

    method: GenerativeMethod
    train: Images
    seed: int
    device: torch.device
    _noise: Tensor = field(init=False)
    _labels: Tensor = field(init=False)

    def __post_init__(self) -> None:
        own = torch.Generator().manual_seed(self.seed)
        self._noise = torch.randn(POOL, self.method.noise_size, generator=own)
        own = torch.Generator().manual_seed(self.seed)
        rows = torch.randint(len(self.train), (POOL,), generator=own)
        labels = self.train.labels
        self._labels = torch.zeros(POOL, 0) if labels is None else labels[rows].float()

    @torch.inference_mode()
    def _paint(self, noise: Tensor, label: Tensor) -> Tensor:
        self.method.eval()
        parts = [
            to_pixels(self._checked(self.method.sample(z.to(self.device), y.to(self.device)))).cpu()
            for z, y in zip(noise.split(100), label.split(100), strict=True)
        ]
        return torch.cat(parts)

    @staticmethod
    def _checked(images: Tensor) -> Tensor:
        if not images.isfinite().all():
            raise TrainingFailed("the images are no longer finite; try a lower --learning-rate")
        return images

    def draw(self, count: int) -> Tensor:
        """`count` images (at most POOL): uint8 [count, 3, S, S]."""
        return self._paint(self._noise[:count], self._labels[:count])

    def asked(self, count: int) -> Tensor:
        """The labels that `draw` asks for: int64 [count, A]; A is 0 for images without labels."""
        return self._labels[:count].long()

    def pairs(self, attribute: int, count: int) -> Tensor:
        """Pairs from the same noise with one attribute off, then on; the others stay.

        attribute: its column. uint8 [count, 2, 3, S, S].
        """
        sides = []
        for value in (0.0, 1.0):
            label = self._labels[:count].clone()
            label[:, attribute] = value
            sides.append(self._paint(self._noise[:count], label))
        return torch.stack(sides, 1)
