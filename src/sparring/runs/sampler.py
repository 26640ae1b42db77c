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
from sparring.noise import between

POOL = 5000
"""Most images that can be drawn."""


@dataclass
class Sampler:
    """Images of fixed noise; image k is the same for every count.

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
        self._labels = torch.zeros(POOL, 0, dtype=torch.long) if labels is None else labels[rows]

    @torch.inference_mode()
    def _draw(self, label: Tensor, noise: Tensor | None = None) -> Tensor:
        """Images of `noise` (default: of the first), as `label` ([N] or [N, A]) asks for."""
        self.method.eval()
        if label.ndim == 2:  # attributes; classes stay numbers
            label = label.float()
        if noise is None:
            noise = self._noise[: len(label)]
        parts = zip(noise.split(100), label.split(100), strict=True)
        return torch.cat([self._pixels(*part) for part in parts])

    def _pixels(self, noise: Tensor, label: Tensor) -> Tensor:
        images = self.method.sample(noise.to(self.device), label.to(self.device))
        if not images.isfinite().all():
            raise TrainingFailed("the images are no longer finite; try a lower --learning-rate")
        return to_pixels(images).cpu()

    def draw(self, count: int) -> Tensor:
        """`count` images (at most POOL): uint8 [count, 3, S, S]."""
        return self._draw(self._labels[:count])

    def asked(self, count: int) -> Tensor:
        """The labels that `draw` asks for: int64 [count] classes or [count, A] attributes."""
        return self._labels[:count]

    def of_class(self, number: int, count: int) -> Tensor:
        """`count` images, all of class `number`: uint8 [count, 3, S, S]."""
        return self._draw(torch.full((count,), number))

    def pairs(self, label: int, count: int) -> Tensor:
        """Pairs from the same noise, without a label and with it: uint8 [count, 2, 3, S, S].

        label: column of the attribute, which is off, then on, while the others stay; or number of
        the class, before which comes the class that `draw` asks for, or else the next one.
        """
        without, with_it = self._labels[:count].clone(), self._labels[:count].clone()
        if without.ndim == 2:
            without[:, label], with_it[:, label] = 0, 1
        else:
            with_it[:] = label
            without[without == label] = (label + 1) % len(self.train.label_names)
        return torch.stack([self._draw(without), self._draw(with_it)], 1)

    def growing(self, label: int, count: int, steps: int) -> Tensor:
        """The same noise with more and more of an attribute: uint8 [steps, count, 3, S, S].

        label: its column, from 0 to 1 in even steps, while the others stay.
        """
        labels = self._labels[:count].float()
        shares = torch.linspace(0, 1, steps).tolist()
        column = torch.arange(labels.shape[1]) == label
        return torch.stack([self._draw(torch.where(column, share, labels)) for share in shares])

    def walking(self, count: int, steps: int) -> Tensor:
        """From the first noises to the next ones, the labels stay: uint8 [steps, count, 3, S, S].

        Image k begins as `draw` has it.
        """
        pairs = zip(self._noise[:count], self._noise[count : 2 * count], strict=True)
        ways = torch.stack([between(first, last, steps) for first, last in pairs], 1)
        return torch.stack([self._draw(self._labels[:count], noise) for noise in ways])
