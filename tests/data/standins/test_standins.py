from pathlib import Path

import pytest
import torch

from sparring import cache
from sparring.data import standins
from sparring.data.standins import draw, load

every_stand_in = pytest.mark.parametrize(
    ("name", "size", "mirror"),
    [("photo-digits", 32, False), ("street-digits", 32, False), ("toy-faces", 64, True)],
)


@every_stand_in
def test_describes_itself(name: str, size: int, mirror: bool) -> None:
    drawn = draw(name, 30, 20)
    assert (drawn.name, drawn.kind, drawn.mirror) == (name, "stand-in", mirror)
    for images, n in ((drawn.train, 30), (drawn.test, 20)):
        assert images.pixels.shape == (n, 3, size, size)
        assert images.pixels.is_contiguous()
        assert len(images.label_names) == 10
        assert images.labels is not None
        assert images.labels.dtype == torch.int64


@every_stand_in
def test_seed_decides_every_pixel(name: str, size: int, mirror: bool) -> None:
    drawn = draw(name, 20, 20, seed=3)
    assert drawn.fingerprint == draw(name, 20, 20, seed=3).fingerprint
    assert drawn.train.fingerprint != draw(name, 20, 20, seed=4).train.fingerprint
    assert drawn.train.fingerprint != drawn.test.fingerprint


@every_stand_in
def test_size_of_one_split_leaves_the_other_alone(name: str, size: int, mirror: bool) -> None:
    small, large = draw(name, 10, 15), draw(name, 25, 15)
    assert small.test.fingerprint == large.test.fingerprint
    assert draw(name, 10, 5).train.fingerprint == small.train.fingerprint


@every_stand_in
def test_no_image_is_drawn_twice_or_left_blank(name: str, size: int, mirror: bool) -> None:
    drawn = draw(name, 60, 60)
    both = torch.cat([drawn.train.pixels, drawn.test.pixels])
    assert len(both.flatten(1).unique(dim=0)) == 120
    assert both.float().flatten(1).std(1).min() > 3


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """An empty cache, stand-ins of few images, and the names of those that are drawn."""
    names: list[str] = []
    draw_all = standins._draw

    def few(name: str, train: int, test: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        names.append(name)
        return draw_all(name, 9, 5)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(standins, "_draw", few)
    return names


@every_stand_in
def test_a_stand_in_is_drawn_once_for_each_size(
    name: str, size: int, mirror: bool, drawn: list[str]
) -> None:
    first, again = load(name, size), load(name, size)
    assert drawn == [name]
    assert (first.name, first.kind, first.mirror) == (name, "stand-in", mirror)
    assert first.fingerprint == again.fingerprint
    assert load(name, 16).test.pixels.shape == (5, 3, 16, 16)
    assert drawn == [name, name]


def test_a_damaged_file_is_drawn_anew(drawn: list[str]) -> None:
    whole = load("photo-digits", 32).fingerprint
    (path,) = (cache.folder() / "sets").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert load("photo-digits", 32).fingerprint == whole
    assert len(drawn) == 2
    assert load("photo-digits", 32).fingerprint == whole
    assert len(drawn) == 2
