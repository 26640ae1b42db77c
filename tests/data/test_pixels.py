import re
from pathlib import Path

import numpy as np
import pytest
import torch

from sparring import cache
from sparring.data import pixels as module
from sparring.data.images import DIGITS
from sparring.data.pixels import class_numbers, digit_images, empty_pixels, resize
from sparring.errors import RequestError


def test_pixels_of_the_size_are_kept_and_grey_becomes_rgb() -> None:
    grey = torch.randint(256, (5000, 1, 4, 4), dtype=torch.uint8)  # more than one chunk
    same = resize(grey, 4)
    assert same.shape == (5000, 3, 4, 4)
    assert same.dtype == torch.uint8
    assert torch.equal(same, grey.expand(-1, 3, -1, -1))


def test_shrinking_averages_where_sampling_would_miss_stripes() -> None:
    stripes = torch.tensor([255, 0, 0] * 3, dtype=torch.uint8).expand(1, 3, 9, 9)
    assert (resize(stripes, 3)[..., 1].long() - 85).abs().max() <= 30


def test_bilinear_positions_rounded_to_the_nearest() -> None:
    ramp = torch.tensor([[[[0, 101]]]], dtype=torch.uint8).expand(1, 1, 2, 2)
    assert resize(ramp, 4)[0, 0, 0].tolist() == [0, 25, 76, 101]
    assert resize(torch.full((1, 1, 7, 7), 255, dtype=torch.uint8), 32).unique().tolist() == [255]


@pytest.mark.parametrize("shape", [(1,), (2, 1), ()])
def test_digits_need_a_label_each(shape: tuple[int, ...]) -> None:
    pixels = np.zeros((2, 1, 4, 4), np.uint8)
    assert digit_images(pixels, np.array([3, 4]), 4, "here").label_names == DIGITS
    with pytest.raises(RequestError, match=re.escape(f"here has 2 images and labels {shape}")):
        digit_images(pixels, np.zeros(shape, int), 4, "here")
    with pytest.raises(RequestError, match="here has 0 images"):
        digit_images(pixels[:0], np.zeros(0, int), 4, "here")


@pytest.mark.parametrize("wrong", [-1, 10, 1.5, np.nan, np.inf, 1e300])
def test_a_label_that_is_no_class_is_named_with_its_image(wrong: float) -> None:
    assert torch.equal(class_numbers(np.array([0.0, 9.0]), 10, "here"), torch.tensor([0, 9]))
    with pytest.raises(
        RequestError, match=re.escape(f"here: label {wrong} of image 2 is not in 0..9")
    ):
        class_numbers(np.array([0, 9, wrong, wrong]), 10, "here")


def mapped_files() -> list[str]:
    """The files that this process has mapped and that have no name any more."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line for line in lines if "/pixels-" in line and line.endswith("(deleted)")]


def test_small_sets_lie_in_memory_and_large_ones_in_a_file_without_a_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "MAPPED_FROM", 2 * 3 * 8 * 8)
    before = len(mapped_files())
    small = empty_pixels(1, 8)
    assert len(mapped_files()) == before
    large = empty_pixels(2, 8)
    assert len(mapped_files()) == before + 1
    assert list(cache.folder().iterdir()) == []
    for pixels, count in ((small, 1), (large, 2)):
        assert pixels.shape == (count, 3, 8, 8)
        assert pixels.dtype == torch.uint8
    del pixels, large
    assert len(mapped_files()) == before


def test_mapped_pixels_hold_what_they_are_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pixels = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8)
    expected = resize(pixels, 8)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "MAPPED_FROM", 1)
    found = resize(pixels, 8)
    assert len(mapped_files()) == 1
    assert torch.equal(found, expected)
    assert torch.equal(found[torch.tensor([4, 0])], expected[[4, 0]])
    assert found.numpy().tobytes() == expected.numpy().tobytes()


def test_a_full_disk_is_told_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(OSError, match=r"[Nn]o space"):
        empty_pixels(10**12, 64)
    assert list(cache.folder().iterdir()) == []


def test_where_files_cannot_be_reserved_as_on_macos_they_are_mapped_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "MAPPED_FROM", 1)
    monkeypatch.delattr("os.posix_fallocate")
    pixels = empty_pixels(3, 8)
    pixels.fill_(7)
    assert pixels.sum() == 7 * 3 * 3 * 64
    with pytest.raises(OSError, match=r"[Nn]o space"):
        empty_pixels(10**12, 64)
