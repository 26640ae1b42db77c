import pytest
import torch

from sparring.noise import between, fixed_noise


def test_fixed_noise_is_normal_and_its_rows_do_not_depend_on_the_count() -> None:
    noise = fixed_noise(5003, 7, seed=0)
    assert torch.equal(fixed_noise(11, 7, seed=0), noise[:11])
    assert torch.equal(fixed_noise(5001, 7, seed=0), noise[:5001])
    assert noise.mean().abs() < 0.02
    assert noise.std() == pytest.approx(1, abs=0.02)
    assert not torch.equal(noise[:3], noise[5000:])


def test_between_two_noises_angles_are_equal_and_lengths_are_theirs() -> None:
    path = between(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0]), 4)
    degrees = torch.rad2deg(torch.atan2(path[:, 1], path[:, 0]))
    assert degrees.tolist() == pytest.approx([0, 30, 60, 90], abs=1e-4)
    assert path.norm(dim=1).tolist() == pytest.approx([2] * 4)


def test_halfway_noise_is_as_long_as_noise_is() -> None:
    first, last = fixed_noise(2, 128, seed=1)
    path = between(first, last, 9)
    assert torch.allclose(path[[0, -1]], torch.stack([first, last]), atol=1e-6)
    lengths = path.norm(dim=1)
    assert lengths.min() > 0.95 * min(first.norm(), last.norm())
    assert lengths.max() < 1.05 * max(first.norm(), last.norm())
