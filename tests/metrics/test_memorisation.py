import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.metrics.memorisation import audit, beyond_chance, pixel_vectors


def noise(count: int, seed: int) -> Tensor:
    own = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, 16, 16), generator=own, dtype=torch.uint8)


TRAIN, UNSEEN, FRESH = noise(300, 0), noise(200, 1), noise(100, 2)


def line(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)


def test_distances_by_hand() -> None:
    found = audit(line(11, 50), line(10, 20, 40), line(14, 26), mirror=False)
    assert found.nearest.tolist() == [0, 2]
    # 768 equal values, each a grey level, or ten, apart.
    assert found.distance * 255 / 768**0.5 == pytest.approx([1, 10], abs=1e-3)
    assert found.ratio == pytest.approx(5.5 / 5)
    # 1 is less than half of 4, the least distance of an unseen image.
    assert found.copies == 1
    assert found.order.tolist() == [0, 1]


def test_fresh_images_raise_no_alarm() -> None:
    found = audit(FRESH, TRAIN, UNSEEN, mirror=True)
    assert not found.alarm
    assert found.ratio == pytest.approx(1, abs=0.05)
    assert found.expected == pytest.approx(1)
    assert found.verdict.startswith("no sign of copying")


@pytest.mark.parametrize("flipped", [False, True])
def test_one_planted_copy_rings(flipped: bool) -> None:
    planted = FRESH.clone()
    copy = TRAIN[123].flip(2) if flipped else TRAIN[123]
    planted[7] = copy.clamp(2, 253) + torch.tensor(2, dtype=torch.uint8)
    found = audit(planted, TRAIN, UNSEEN, mirror=True)
    assert found.alarm
    assert found.copies == 1
    assert found.order[0] == 7
    assert found.nearest[7] == 123
    assert found.mirrored[7] == flipped
    assert found.verdict == "1 of 100 images are copies of training images"


def test_many_near_copies_ring_though_none_is_exact() -> None:
    near = TRAIN[:100].float() * 0.25 + FRESH.float() * 0.75
    found = audit(near.byte(), TRAIN, UNSEEN, mirror=False)
    assert found.alarm
    assert found.copies == 0
    assert found.suspects > 50
    assert "suspiciously near" in found.verdict


def test_images_near_all_training_images_are_no_copies() -> None:
    middle = TRAIN.float().mean(0) * 0.8 + FRESH.float() * 0.2
    found = audit(middle.byte(), TRAIN, UNSEEN, mirror=False)
    assert found.ratio is not None
    assert found.ratio < 0.8
    assert not found.alarm


def test_chance_by_hand() -> None:
    # Of 100 at 1 % each, 5 or more happen in 0.34 % of audits, 6 or more in 0.05 %.
    assert not beyond_chance(5, 100)
    assert beyond_chance(6, 100)


def test_pixel_vectors_average() -> None:
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    image[0, 1, :2, :2] = torch.tensor([[255, 0], [0, 255]])
    vector = pixel_vectors(image)
    assert vector.shape == (1, 768)
    assert vector.dtype == np.float32
    assert vector[0, 256] == pytest.approx(0.5)
    assert vector.sum() == pytest.approx(0.5)


def test_copies_are_found_though_a_few_unseen_images_are_training_images() -> None:
    near = TRAIN[:100].float() * 0.9 + FRESH.float() * 0.1
    unseen = torch.cat([TRAIN[200:210], UNSEEN])
    found, expected = (audit(near.byte(), TRAIN, some, mirror=False) for some in (unseen, UNSEEN))
    assert found.copies == expected.copies == 100
    assert found.suspects == expected.suspects
    assert found.ratio == expected.ratio
    assert found.n_unseen == len(UNSEEN)


def test_unseen_images_that_are_training_images_give_no_ratio() -> None:
    found = audit(FRESH, TRAIN, TRAIN[:150], mirror=False)
    assert found.ratio is None
    assert found.copies == 0
