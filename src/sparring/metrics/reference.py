"""What the fidelity scores say of images whose fidelity is known: the rows to read a table by.

Knows images and extractors; knows no generator and no file.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from sparring.metrics.extractor import FeatureNet, features_of
from sparring.metrics.fidelity import Fidelity, fidelity

LIMIT = 5000
"""Most images of each kind that are compared."""
BLUR, NOISE = 1.5, 25.0
"""Standard deviations: of the blur in pixels, of the noise in grey levels of 255."""
FLOOR = "real test images"


def blurred(pixels: Tensor, sigma: float = BLUR) -> Tensor:
    """uint8 [N, 3, S, S] under a Gaussian of `sigma` pixels, cut off at three sigma."""
    reach = round(3 * sigma)
    place = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (place / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    image = pad(pixels.float(), (reach,) * 4, mode="replicate")
    image = conv2d(conv2d(image, kernel, groups=3), kernel.transpose(2, 3), groups=3)
    return image.round().to(torch.uint8)


def noised(pixels: Tensor, seed: int = 0, sigma: float = NOISE) -> Tensor:
    """uint8 [N, 3, S, S] plus Gaussian noise of `sigma` grey levels."""
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(seed))
    return (pixels + sigma * noise).round().clamp(0, 255).to(torch.uint8)


def shuffled(pixels: Tensor, seed: int = 0) -> Tensor:
    """uint8 [N, 3, S, S], the pixels of each image in a random order of its own.

    Every image keeps its colours and loses everything else.
    """
    places = pixels.shape[-2] * pixels.shape[-1]
    chance = torch.rand(len(pixels), places, generator=torch.Generator().manual_seed(seed))
    order = chance.argsort(1)[:, None].expand(-1, 3, -1)
    return pixels.flatten(2).gather(2, order).reshape(pixels.shape)


def calibration_sets(test: Tensor) -> dict[str, Tensor]:
    """Real test images (the floor: nothing generated should score better) and three ways down."""
    return {
        FLOOR: test,
        "blurred": blurred(test),
        "noised": noised(test),
        "shuffled pixels": shuffled(test),
    }


@dataclass(frozen=True)
class ReferenceFeatures:
    """Real images as an extractor sees them, and the calibration rows against them.

    Every score compares equally many images, so that scores may be compared with each other.

    chosen: int64 [N], the training images that are compared with, drawn at random.
    real, unseen: features float32 [N, F] of those, and of the first N test images.
    calibration: scores of the calibration sets by name, the floor first.
    """

    network: FeatureNet
    chosen: Tensor
    real: np.ndarray
    unseen: np.ndarray
    calibration: dict[str, Fidelity]

    @classmethod
    def of(cls, network: FeatureNet, train: Tensor, test: Tensor, count: int) -> Self:
        """Compare `count` images (at most LIMIT, and no more than either set has).

        train, test: uint8 [M, 3, S, S]. `count` must be at least FEWEST.
        """
        count = min(LIMIT, count, len(train), len(test))
        chosen = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:count]
        real = features_of(network, train[chosen])
        sets = calibration_sets(test[:count])
        features = {name: features_of(network, pixels) for name, pixels in sets.items()}
        rows = {name: fidelity(network.name, real, found) for name, found in features.items()}
        return cls(network, chosen, real, features[FLOOR], rows)

    def features(self, pixels: Tensor) -> np.ndarray:
        """Features float32 [N, F] of the first N of uint8 images [M, 3, S, S]."""
        return features_of(self.network, pixels[: len(self.chosen)])

    def score(self, drawn: np.ndarray) -> Fidelity:
        """The scores of images with the features `drawn` (float [N, F])."""
        return fidelity(self.network.name, self.real, drawn)
