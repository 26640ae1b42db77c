from pathlib import Path

import pytest
import torch

from sparring import cache
from sparring.data import mapped as memory
from sparring.data.mapped import empty_pixels
from sparring.data.pixels import resize


def mapped_files() -> list[str]:
    """The files that this process has mapped and that have no name any more."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line for line in lines if "/pixels-" in line and line.endswith("(deleted)")]


def test_small_sets_lie_in_memory_and_large_ones_in_a_file_without_a_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(memory, "MAPPED_FROM", 2 * 3 * 8 * 8)
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
    monkeypatch.setattr(memory, "MAPPED_FROM", 1)
    found = resize(pixels, 8)
    assert len(mapped_files()) == 1
    assert torch.equal(found, expected)
    assert torch.equal(found[torch.tensor([4, 0])], expected[[4, 0]])
    assert found.numpy().tobytes() == expected.numpy().tobytes()


def test_a_full_disk_is_told_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(OSError, match=r"[Nn]o space|too large"):
        empty_pixels(10**12, 64)
    assert list(cache.folder().iterdir()) == []
