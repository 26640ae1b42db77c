import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.data.standins.warp import Pose, grid, homographies, sample, wobble

STILL = Pose(height=(1, 1), stretch=(1, 1), rotation=0, shear=0, shift=0)


@settings(deadline=None)
@given(st.integers(2, 40))
def test_still_pose_keeps_every_pixel(size: int) -> None:
    image = torch.rand(2, size, size, generator=torch.Generator().manual_seed(size))
    where = grid(homographies(np.random.default_rng(0), 2, STILL), size)
    torch.testing.assert_close(sample(image, where), image, atol=1e-4, rtol=0)


def test_height_and_stretch_are_shares_of_the_output() -> None:
    pose = Pose(height=(0.5, 0.5), stretch=(0.5, 0.5), rotation=0, shear=0, shift=0)
    full = torch.ones(1, 32, 32)
    drawn = sample(full, grid(homographies(np.random.default_rng(0), 1, pose), 32))[0]
    assert (drawn[:, 16] > 0.5).sum() == 16
    assert (drawn[16] > 0.5).sum() == 8


def test_each_bound_moves_what_it_names() -> None:
    rng = np.random.default_rng(0)
    bounds = Pose((0.5, 0.8), (0.9, 1.1), rotation=20, shear=0.3, shift=0.2, perspective=0.1)
    maps = homographies(rng, 500, bounds)
    assert maps[:, :2, 2].abs().max().item() == pytest.approx(0.2, abs=0.01)
    assert maps[:, 2, :2].abs().max().item() == pytest.approx(0.1, abs=0.01)
    # The second row is free of shear: its length is 1 / height, its direction the rotation.
    row = maps[:, 1, :2]
    assert (1 / row.norm(dim=1)).aminmax() == (
        pytest.approx(0.5, abs=0.01),
        pytest.approx(0.8, abs=0.01),
    )
    angle = torch.rad2deg(torch.atan2(-row[:, 0], row[:, 1]))
    assert angle.abs().max().item() == pytest.approx(20, abs=0.5)


def test_wobble_is_smooth_and_as_large_as_asked() -> None:
    moved = wobble(np.random.default_rng(0), 400, 32, 0.1)
    assert moved.shape == (400, 32, 32, 2)
    assert 0.05 < moved.std().item() < 0.12
    assert moved.diff(dim=1).abs().max().item() < 0.08


def test_rotation_alone_keeps_angles_and_shear_tilts_uprights() -> None:
    still = {"height": (0.5, 0.5), "stretch": (1.0, 1.0), "shift": 0.0}
    turned = homographies(np.random.default_rng(0), 50, Pose(**still, rotation=30, shear=0.0))
    linear = turned[:, :2, :2] / 2
    torch.testing.assert_close(linear @ linear.mT, torch.eye(2).expand(50, 2, 2))
    tilted = homographies(np.random.default_rng(0), 500, Pose(**still, rotation=0, shear=0.4))
    assert tilted[:, 1, 0].abs().max() == 0
    assert (tilted[:, 0, 1] / 2).abs().max().item() == pytest.approx(0.4, abs=0.01)
