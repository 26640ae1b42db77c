import numpy as np
import pytest
import torch

from sparring.data.mnist_m import random_crops
from sparring.data.standins import draw, photo


def test_handwriting_is_split_and_none_is_lost() -> None:
    (train, _), (test, _) = (photo._handwriting(testing) for testing in (False, True))
    assert (len(train), len(test)) == (1438, 359)
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}


def test_photographs_are_split_into_stripes() -> None:
    train, test = (photo._regions(testing) for testing in (False, True))
    # Two photographs 640 wide, each stripe at full and at half size.
    assert sum(region.shape[1] for region in train[::2]) == 2 * 427
    assert sum(region.shape[1] for region in test[::2]) == 2 * 213
    windows = {np.ascontiguousarray(region[:32]).tobytes() for region in train}
    assert not windows & {np.ascontiguousarray(region[:32]).tobytes() for region in test}


def test_strokes_are_where_the_crop_shows_inverted(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = np.full((50, 3, 32, 32), 40, np.uint8)
    monkeypatch.setattr(photo, "_recolour", lambda rng, crops: grey[: len(crops)])
    pixels = draw("photo-digits", 50, 1).train.pixels
    assert set(pixels.unique().tolist()) == {40, 215}
    ink = (pixels == 215).float().mean((1, 2, 3))
    assert 0.03 < ink.min() < ink.max() < 0.5


def test_label_is_the_digit_that_is_written() -> None:
    rng = np.random.default_rng(0)
    labels = [np.repeat(np.arange(10), n) for n in (60, 20)]
    drawn = [
        torch.from_numpy(photo._strokes(rng, digits, testing)).float()
        for digits, testing in zip(labels, (False, True), strict=True)
    ]
    means = drawn[0].view(10, 60, -1).mean(1)
    nearest = torch.cdist(drawn[1].flatten(1), means).argmin(1).numpy()
    assert (nearest == labels[1]).mean() > 0.7


def test_crops_vary_in_colour_and_light() -> None:
    rng = np.random.default_rng(0)
    crops = photo._recolour(rng, random_crops(rng, 400, photo._regions(False))).astype(float)
    assert crops.mean((1, 2, 3)).std() > 30
    reddest = crops.mean((2, 3)).argmax(1)
    assert np.bincount(reddest, minlength=3).min() > 60


def test_shrink_averages_blocks() -> None:
    image = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    small = photo._shrink(image, 2)
    assert small.shape == (2, 2, 3)
    assert small[0, 0, 0] == round((0 + 3 + 12 + 15) / 4)
