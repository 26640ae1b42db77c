import math

import pytest
import torch
from torch import Tensor

from sparring.augment import Strength, affine, blurred, colour, rectangle, strong, weak

OFF = Strength(0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)
"""Changes nothing."""


def images(count: int = 6, size: int = 32) -> Tensor:
    return torch.rand(count, 3, size, size, generator=seeded(1)) * 2 - 1


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blob(row: float, column: float, size: int = 64) -> Tensor:
    """A bright spot at a place on the axes from -1 to 1, on black."""
    axis = torch.linspace(-1 + 1 / size, 1 - 1 / size, size)
    distance = (axis[:, None] - row) ** 2 + (axis - column) ** 2
    return (2 * torch.exp(-distance / 0.02) - 1).expand(400, 3, size, size)


def places(image: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column [N] of the centre of brightness."""
    light = image[:, 0] + 1
    axis = torch.linspace(-1, 1, image.shape[-1])
    total = light.sum((1, 2))
    return (light.sum(2) * axis).sum(1) / total, (light.sum(1) * axis).sum(1) / total


@pytest.mark.parametrize("size", [16, 32, 65])
@pytest.mark.parametrize("view", [strong, weak])
def test_shape_range_kind_and_seed(view, size: int) -> None:  # type: ignore[no-untyped-def]
    image = images(5, size)
    before = image.clone()
    first, again, other = (view(image, seeded(seed)) for seed in (3, 3, 4))
    assert first.shape == image.shape
    assert first.dtype == torch.float32
    assert first.abs().max() <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(image, before)


@pytest.mark.parametrize("view", [strong, weak])
def test_without_a_generator_torchs_own_decides(view) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(7)
    first = view(images())
    torch.manual_seed(7)
    assert torch.equal(first, view(images()))


def test_nothing_asked_is_nothing_done() -> None:
    assert torch.allclose(strong(images(), by=OFF), images(), atol=1e-5)
    assert torch.equal(weak(images(), pixels=0), images())


def test_weak_views_are_shifts_by_whole_pixels_that_all_occur() -> None:
    spot = torch.zeros(1, 1, 9, 9)
    spot[0, 0, 4, 4] = 1
    seen = weak(spot.expand(500, 3, 9, 9), seeded(0))[:, 0].nonzero()[:, 1:]
    assert len(seen) == 500
    assert {tuple(place) for place in seen.tolist()} == {
        (row, column) for row in range(2, 7) for column in range(2, 7)
    }
    ramp = torch.arange(5.0).expand(200, 3, 5, 5)
    shifted = weak(ramp, seeded(0), pixels=1)[:, 0, 0].unique(dim=0).tolist()
    assert shifted == [[0, 0, 1, 2, 3], [0, 1, 2, 3, 4], [1, 2, 3, 4, 4]]  # edges are repeated


def test_rotation_has_its_standard_deviation_and_keeps_the_distance() -> None:
    turned = affine(blob(0.0, 0.5), seeded(0), Strength(12, 0, 1, 1, 0))
    row, column = places(turned)
    angle = torch.atan2(row, column)
    assert torch.allclose((row**2 + column**2).sqrt(), torch.tensor(0.5), atol=0.03)
    assert angle.std().item() == pytest.approx(math.radians(12), rel=0.1)
    assert angle.mean().item() == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(("share", "largest"), [(3 / 32, 6 / 32), (0.2, 0.4)])
def test_shifts_fill_their_range_in_both_directions(share: float, largest: float) -> None:
    for place in places(affine(blob(0, 0), seeded(0), Strength(0, 0, 1, 1, share))):
        assert place.max().item() == pytest.approx(largest, rel=0.1)
        assert place.min().item() == pytest.approx(-largest, rel=0.1)


def test_size_scales_both_ways_alike_and_aspect_against_each_other() -> None:
    centred = blob(0.4, 0.4)
    row, column = places(affine(centred, seeded(0), Strength(0, 0, 1.35, 1, 0)))
    assert torch.allclose(row, column, atol=1e-3)
    assert row.max().item() / 0.4 == pytest.approx(1.35, rel=0.05)
    assert row.min().item() / 0.4 == pytest.approx(1 / 1.35, rel=0.05)
    row, column = places(affine(centred, seeded(0), Strength(0, 0, 1, 1.4, 0)))
    ratio = column / row
    assert ratio.max().item() == pytest.approx(1.4, rel=0.05)
    assert ratio.min().item() == pytest.approx(1 / 1.4, rel=0.05)
    assert torch.allclose(row * column, torch.tensor(0.16), atol=0.01)


def test_shear_moves_columns_in_proportion_to_the_row() -> None:
    row, column = places(affine(blob(0.5, 0.0), seeded(0), Strength(0, 0.15, 1, 1, 0)))
    assert torch.allclose(row, torch.tensor(0.5), atol=0.02)
    assert column.std().item() == pytest.approx(0.5 * 0.15, rel=0.1)


def test_inversion_meets_its_share_of_the_images() -> None:
    image = images(1000, 2)
    seen = colour(image, seeded(0), Strength(invert=0.5, gain=0, offset=0, grey=0))
    inverted = (seen == -image).flatten(1).all(1)
    kept = (seen == image).flatten(1).all(1)
    assert (inverted ^ kept).all()
    assert inverted.float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_each_channel_has_a_gain_and_an_offset_of_its_own() -> None:
    values = torch.tensor([0.0, 0.5]).expand(1000, 3, 2, 2)
    seen = colour(values, seeded(0), Strength(invert=0, gain=0.5, offset=0.4, grey=0))
    offset, gain = seen[:, :, 0, 0], (seen[:, :, 0, 1] - seen[:, :, 0, 0]) / 0.5
    assert offset.min().item() == pytest.approx(-0.4, abs=0.01)
    assert offset.max().item() == pytest.approx(0.4, abs=0.01)
    assert gain.min().item() == pytest.approx(math.exp(-0.5), rel=0.02)
    assert gain.max().item() == pytest.approx(math.exp(0.5), rel=0.02)
    assert abs(torch.corrcoef(gain.T)[0, 1]) < 0.1


def test_grey_images_have_three_equal_channels() -> None:
    seen = colour(images(1000, 2), seeded(0), Strength(invert=0, gain=0, offset=0, grey=0.2))
    grey = (seen == seen[:, :1]).flatten(1).all(1)
    assert grey.float().mean().item() == pytest.approx(0.2, abs=0.04)
    assert torch.allclose(seen[grey][:, 0], images(1000, 2)[grey].mean(1))


def test_blur_by_hand() -> None:
    spot = torch.zeros(1, 1, 5, 5)
    spot[0, 0, 2, 2] = 16
    assert blurred(spot)[0, 0, 1:4, 1:4].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert blurred(torch.ones(1, 3, 4, 4)).unique().tolist() == [1]


def test_blur_and_noise_meet_what_was_asked() -> None:
    image = images(400, 4)
    only_blur = Strength(0, 0, 1, 1, 0, 0, 0, 0, 0, 0.3, 0, 0)
    changed = (strong(image, seeded(0), only_blur) - image).flatten(1).abs().amax(1) > 1e-3
    assert changed.float().mean().item() == pytest.approx(0.3, abs=0.07)
    only_noise = Strength(0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0.15, 0)
    spread = strong(torch.zeros(400, 3, 32, 32), seeded(0), only_noise).flatten(1).std(1)
    assert spread.max().item() == pytest.approx(0.15, rel=0.05)
    assert spread.mean().item() == pytest.approx(0.075, rel=0.1)


def test_rectangles_have_one_colour_their_size_and_lie_inside() -> None:
    image = torch.full((500, 3, 32, 32), 2.0)  # a value that no rectangle has
    seen = rectangle(image, seeded(0), Strength())
    hidden = (seen != 2)[:, 0]
    assert hidden.any(2).any(1).float().mean().item() == pytest.approx(0.5, abs=0.06)
    for mask, picture in zip(hidden, seen, strict=True):
        if mask.any():
            height, width = mask.any(1).sum().item(), mask.any(0).sum().item()
            assert 3 <= min(height, width) <= max(height, width) <= 13
            assert mask.sum() == height * width
            assert all(len(channel[mask].unique()) == 1 for channel in picture)


@pytest.mark.parametrize("view", [strong, weak])
def test_gradients_pass(view) -> None:  # type: ignore[no-untyped-def]
    image = images(8).mul(0.5).requires_grad_()
    (gradient,) = torch.autograd.grad(view(image, seeded(0)).sum(), image)
    assert (gradient != 0).float().mean() > 0.5


def test_places_are_computed_in_float32_under_autocast() -> None:
    plain = strong(images(), seeded(0))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(strong(images(), seeded(0)), plain)
