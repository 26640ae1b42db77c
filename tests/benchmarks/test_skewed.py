import numpy as np
import torch
from benchmarks.skewed import SHARES, skewed

from tests.conftest import digits


def test_a_skewed_set_has_the_wanted_shares_and_nothing_else_is_changed() -> None:
    images = digits(1000, 0)
    part = skewed(images, SHARES["svhn"])
    assert part.labels is not None
    shares = np.bincount(part.labels.numpy(), minlength=10) / len(part)
    assert np.abs(shares - np.array(SHARES["svhn"])).max() < 0.01
    assert 500 < len(part) < 600  # 100 of the most frequent class are there, which has 18.9 %
    there = {pixels.numpy().tobytes() for pixels in images.pixels}
    assert all(pixels.numpy().tobytes() in there for pixels in part.pixels)
    assert torch.equal(part.pixels, skewed(images, SHARES["svhn"]).pixels)


def test_a_missing_class_is_gone() -> None:
    part = skewed(digits(1000, 0), SHARES["missing"])
    assert part.labels is not None
    assert np.bincount(part.labels.numpy(), minlength=10).tolist() == [100] * 3 + [0] + [100] * 6
