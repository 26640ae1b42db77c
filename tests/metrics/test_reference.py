import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.metrics.extractor import features_of
from sparring.metrics.reference import ReferenceFeatures, blurred, noised, shuffled

POINT = torch.zeros(1, 3, 21, 21, dtype=torch.uint8)
POINT[..., 10, 10] = 255


def noise(count: int, seed: int, size: int = 8) -> Tensor:
    own = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, size, size), generator=own, dtype=torch.uint8)


def test_blur_by_hand() -> None:
    # The sampled Gaussian of sigma 1.5, cut at 4 pixels, sums to 3.7546: the peak is 255 / 3.7546².
    image = blurred(POINT)
    assert image.dtype == torch.uint8
    assert image[0, 0, 10, 10] == round(255 / 3.7546**2)
    assert image[0, 0, 10, 8] == round(255 / 3.7546**2 * 2.718281828 ** (-0.5 * (2 / 1.5) ** 2))
    assert torch.equal(image, image.transpose(2, 3))
    assert (blurred(torch.full((1, 3, 9, 9), 77, dtype=torch.uint8)) == 77).all()


def test_noise_has_its_sd_and_repeats() -> None:
    grey = torch.full((4, 3, 64, 64), 128, dtype=torch.uint8)
    change = noised(grey).float() - 128
    assert change.std() == pytest.approx(25, rel=0.02)
    assert change.mean() == pytest.approx(0, abs=0.5)
    assert torch.equal(noised(grey), noised(grey))
    # No wrapping round at either end.
    assert noised(torch.full_like(grey, 255)).min() > 100


def test_shuffling_keeps_each_images_own_pixels() -> None:
    images = noise(3, 0)
    images[2] = images[1]
    mixed = shuffled(images)
    assert not torch.equal(mixed[2], mixed[1])  # every image has an order of its own

    def coded(image: Tensor) -> Tensor:
        weights = torch.tensor([1, 256, 65536])[None, :, None]
        return (image.flatten(2).long() * weights).sum(1)

    assert torch.equal(coded(mixed).sort().values, coded(images).sort().values)
    assert not torch.equal(coded(mixed), coded(images))


class Shade:
    """An 'extractor' of two features: mean brightness and contrast."""

    name = "shade"

    def features(self, pixels: Tensor) -> Tensor:
        flat = pixels.flatten(1).float() / 255
        return torch.stack([flat.mean(1), flat.std(1)], 1)


def test_every_row_compares_equally_many_and_stands_in_order() -> None:
    train, test = noise(300, 0), noise(100, 1)
    reference = ReferenceFeatures.of(Shade(), train, test, count=60)
    assert list(reference.calibration) == [
        "real test images",
        "blurred",
        "noised",
        "shuffled pixels",
    ]
    score = reference.score(reference.features(noise(90, 3) // 2))
    assert {
        (r.n_real, r.n_drawn, r.extractor) for r in (score, *reference.calibration.values())
    } == {(60, 60, "shade")}
    floor = reference.calibration["real test images"].frechet
    assert floor < reference.calibration["blurred"].frechet
    assert floor < score.frechet
    # This extractor is blind to the places of pixels, and the row says so.
    assert reference.calibration["shuffled pixels"].frechet == pytest.approx(floor, abs=1e-6)
    assert np.array_equal(reference.real, features_of(Shade(), train[reference.chosen]))
    assert np.array_equal(reference.unseen, features_of(Shade(), test[:60]))


def test_no_set_is_asked_for_more_than_it_has() -> None:
    assert len(ReferenceFeatures.of(Shade(), noise(300, 0), noise(30, 1), count=60).real) == 30
