"""Photo digits, the stand-in for MNIST-M: handwritten digits blended into photographs.

Knows the 1,797 handwritten digits and the two photographs that scikit-learn ships, and MNIST-M's
recipe |photograph - digit|. The last fifth of the handwriting (other writers) and two of the six
stripes of each photograph are seen in the test split alone.
"""

from functools import cache

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, zoom
from sklearn.datasets import load_digits, load_sample_images
from torch import Tensor

from sparring.data.mnist_m import random_crops
from sparring.data.standins.warp import Pose, grid, homographies, sample, wobble

SIZE = 32
POSE = Pose(height=(0.7, 0.95), stretch=(0.8, 1.15), rotation=10, shear=0.15, shift=0.08)
TEST_WRITING = 0.2
STRIPES = 6
SHARPEN = 1.0


def split(rng: np.random.Generator, n: int, *, testing: bool) -> tuple[Tensor, Tensor]:
    """Draw uint8 [n, 3, 32, 32] and labels of ten balanced classes, int64 [n]."""
    labels = rng.integers(0, 10, n)
    strokes = _strokes(rng, labels, testing)
    crops = _recolour(rng, random_crops(rng, n, _regions(testing)))
    # |crop - 255| inside the strokes, |crop - 0| outside: the published recipe.
    pixels = np.where(strokes[:, None], 255 - crops, crops)
    return torch.from_numpy(pixels), torch.from_numpy(labels)


def _strokes(rng: np.random.Generator, labels: np.ndarray, testing: bool) -> np.ndarray:
    """Handwritten digits of these classes, warped and inked crisply: bool [N, 32, 32]."""
    n = len(labels)
    written, classes = _handwriting(testing)
    pick = np.empty_like(labels)
    for digit in range(10):
        of_digit = labels == digit
        pick[of_digit] = rng.choice(np.flatnonzero(classes == digit), of_digit.sum())
    where = grid(homographies(rng, n, POSE), SIZE) + wobble(rng, n, SIZE, 0.03)
    ink = sample(torch.from_numpy(written[pick]), where)
    # The level at which grey turns to ink sets the width of the stroke.
    level = torch.from_numpy(rng.uniform(0.3, 0.55, n)).float()
    return (ink > level[:, None, None]).numpy()


@cache
def _handwriting(testing: bool) -> tuple[np.ndarray, np.ndarray]:
    """The split's 8x8 digits enlarged: float32 [K, 32, 32], ink near 1; classes int64 [K]."""
    images, classes = load_digits(return_X_y=True)
    cut = round(len(images) * (1 - TEST_WRITING))
    mine = slice(cut, None) if testing else slice(cut)
    written = images[mine].reshape(-1, 8, 8) / 16
    smooth = zoom(written, (1, 4, 4), order=3, mode="grid-constant", grid_mode=True)
    # Sharpening reopens the loops and gaps that 8x8 pixels all but close.
    sharp = smooth + SHARPEN * (smooth - gaussian_filter(smooth, (0, 4, 4)))
    return sharp.astype(np.float32), classes[mine]


def _recolour(rng: np.random.Generator, crops: np.ndarray) -> np.ndarray:
    """Swap, fade and light the colours, each crop in its own way: uint8 [N, 3, 32, 32]."""
    n = len(crops)
    order = rng.permuted(np.tile(np.arange(3), (n, 1)), axis=1)
    colours = crops[np.arange(n)[:, None], order].astype(np.float32)
    grey = colours.mean(1, keepdims=True)
    fade, gain, lift = (
        rng.uniform(low, high, (n, 1, 1, 1)).astype(np.float32)
        for low, high in ((0, 0.7), (0.6, 1.1), (-10, 50))
    )
    lit = (colours + fade * (grey - colours)) * gain + lift
    return np.clip(lit, 0, 255).astype(np.uint8)


@cache
def _regions(testing: bool) -> tuple[np.ndarray, ...]:
    """The split's stripes of both photographs at full and half size: uint8 [H, W, 3]."""
    return tuple(
        _shrink(stripe, factor)
        for photo in load_sample_images().images
        for index, stripe in enumerate(np.array_split(photo, STRIPES, axis=1))
        if (index % 3 == 1) == testing
        for factor in (1, 2)
    )


def _shrink(photo: np.ndarray, factor: int) -> np.ndarray:
    """Average blocks of `factor` x `factor` pixels."""
    height, width = (extent // factor for extent in photo.shape[:2])
    blocks = photo[: height * factor, : width * factor]
    means = blocks.reshape(height, factor, width, factor, 3).mean((1, 3))
    return means.round().astype(np.uint8)
