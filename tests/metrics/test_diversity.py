import pytest
import torch

from sparring.metrics.diversity import diversity, last_tenth, mean_distance


def test_mean_distance_by_hand() -> None:
    black = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    images = torch.cat([black, black + 3, black + 6])
    assert mean_distance(images) == pytest.approx((3 + 3 + 6) / 3)


def test_a_collapsed_generator_has_no_diversity() -> None:
    real = torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8)
    assert diversity(real[:1].expand(20, -1, -1, -1), real) == 0
    assert diversity(real, real) == pytest.approx(1)


def test_last_tenth() -> None:
    assert last_tenth([float(value) for value in range(30)]) == 28
    assert last_tenth([4.0]) == 4
