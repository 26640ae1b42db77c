"""What the fidelity scores say of images whose fidelity is known: the rows to read a table by.

Knows images and extractors; knows no generator and no file.
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from sparring.measure.extractor import FeatureNet, features_of
from sparring.measure.fidelity import Fidelity, fidelity

LIMIT = 5000
"""Most images of each kind that are compared."""
BLUR, NOISE = 1.5, 25.0
"""Standard deviations: of the blur in pixels, of the noise in grey levels of 255."""


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
    test = test[:LIMIT]
    return {
        "real test images": test,
        "blurred": blurred(test),
        "noised": noised(test),
        "shuffled pixels": shuffled(test),
    }


def fidelity_table(
    network: FeatureNet, train: Tensor, test: Tensor, drawn: dict[str, Tensor]
) -> dict[str, Fidelity]:
    """Scores of each set in `drawn`, then of the calibration sets, against real training images.

    All images uint8 [N, 3, S, S]. Every row compares equally many: as many as the smallest set
    has, at most LIMIT; so the rows may be compared with each other. The training images are drawn
    at random, the same for every row.
    """
    sets = drawn | calibration_sets(test)
    count = min(LIMIT, len(train), *map(len, sets.values()))
    chosen = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:count]
    real = features_of(network, train[chosen])
    return {
        name: fidelity(network.name, real, features_of(network, pixels[:count]))
        for name, pixels in sets.items()
    }
