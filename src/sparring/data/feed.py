"""From images in memory to batches on the device, normalised alike for every domain.

Knows images and the three kinds of batch; knows no method. Which images make batch k depends on
the seed and k alone, so a resumed training needs no data state; ranks that train together get their
own rows of it. Nothing is copied to the device for a step: images, labels and each epoch's order
lie there, and coins are tossed there.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from sparring import ranks
from sparring.data.images import Images
from sparring.game import Labelled, Pair, Unlabelled


def normalise(pixels: Tensor) -> Tensor:
    """uint8 [N, 3, S, S] to float32 in [-1, 1], channels last in memory."""
    return pixels.to(memory_format=torch.channels_last).float().div_(127.5).sub_(1.0)


def to_pixels(image: Tensor) -> Tensor:
    """float [N, 3, S, S] in [-1, 1] to uint8: the inverse of `normalise`."""
    scaled = image.float().add(1.0).mul(127.5).round().clamp(0, 255)
    return scaled.to(torch.uint8).contiguous()


def _generator(device: torch.device, *key: int) -> torch.Generator:
    """A random generator that belongs to `key` alone."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> np.uint64(1)))


@dataclass
class Stream:
    """An endless stream of batches of one image set, in a new order each epoch.

    key: random key; streams with different keys are shuffled independently.
    mirror: mirror each image left-right with probability 1/2.
    """

    images: Images
    batch_size: int
    key: tuple[int, ...]
    device: torch.device
    mirror: bool = False
    _orders: dict[int, Tensor] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._pixels = self.images.pixels.to(self.device)
        labels = self.images.labels
        if self.images.kind == "attributes" and labels is not None:
            labels = labels.float()
        self._labels = None if labels is None else labels.to(self.device)

    def _order(self, epoch: int) -> Tensor:
        """This epoch's order, int64 [N]. Drawn on the CPU: it is the same on every device."""
        if epoch not in self._orders:
            self._orders = {e: order for e, order in self._orders.items() if e == epoch - 1}
            shuffle = _generator(torch.device("cpu"), *self.key, 0, epoch)
            order = torch.randperm(len(self.images), generator=shuffle)
            self._orders[epoch] = order.to(self.device)
        return self._orders[epoch]

    def indices(self, step: int) -> Tensor:
        """Which images make batch `step`: int64 [batch_size]. Every epoch shows each image once."""
        count = len(self.images)
        first, last = step * self.batch_size, (step + 1) * self.batch_size
        epochs = range(first // count, (last - 1) // count + 1)
        orders = torch.cat([self._order(epoch) for epoch in epochs])
        start = first - epochs[0] * count
        return orders[start : start + self.batch_size]

    def _image(self, step: int, index: Tensor) -> Tensor:
        image = normalise(self._pixels[index])
        if self.mirror:
            toss = _generator(self.device, *self.key, 1, step)
            heads = torch.rand(self.batch_size, device=self.device, generator=toss) < 0.5
            image = torch.where(ranks.mine(heads)[:, None, None, None], image.flip(3), image)
        return image

    def unlabelled(self, step: int) -> Unlabelled:
        """Batch `step` without labels."""
        return Unlabelled(self._image(step, ranks.mine(self.indices(step))))

    def labelled(self, step: int) -> Labelled:
        """Batch `step` with labels. Raises ValueError for an unlabelled set."""
        if self._labels is None:
            raise ValueError("an unlabelled set has no labelled batches")
        index = ranks.mine(self.indices(step))
        return Labelled(self._image(step, index), self._labels[index])


@dataclass
class PairStream:
    """Batches of two domains, zipped: the source with labels, the target without."""

    source: Stream
    target: Stream

    def pair(self, step: int) -> Pair:
        """Batch `step` of both domains."""
        return Pair(self.source.labelled(step), self.target.unlabelled(step))
