from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring import load
from sparring.cli.common import DeviceOptions
from sparring.cli.sample import FRAME, sample
from sparring.errors import RequestError
from sparring.game import LabelKind, Shape
from sparring.methods import ACGAN
from sparring.model import Generator
from sparring.model_folder import save

CPU = DeviceOptions(device="cpu", threads=1)


LABELS = ("Male", "Smiling", "Young")


def generator(folder: Path, kind: LabelKind, labels: tuple[str, ...] = LABELS) -> Generator:
    torch.manual_seed(0)
    method, shape = ACGAN(width=4), Shape(64, labels, kind)
    method.build(shape)
    save(folder, method, shape, preset="report2019", data={}, card="")
    found = load(folder)
    assert isinstance(found, Generator)
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    generator(folder, "attributes")
    return folder


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_a_grid_of_what_was_asked_for(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "five.png"
    sample(model, CPU, out=out, count=5, seed=2, labels="Smiling=1,Male=0")
    images = load(model).sample(5, 2, Smiling=1, Male=0)  # type: ignore[union-attr]
    grid = picture(out)
    assert grid.shape == (2 * 64, 3 * 64, 3)
    assert np.array_equal(grid[64:, 64:128], images[4])
    assert (grid[64:, 128:] == 255).all()


def test_pairs_stand_in_two_columns(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "pairs.png"
    sample(model, CPU, out=out, count=3, pairs="Smiling")
    pairs = load(model).pairs(3, "Smiling")  # type: ignore[union-attr]
    grid = picture(out)
    assert grid.shape == (3 * 64, 2 * 64, 3)
    assert np.array_equal(grid[128:, :64], pairs[2, 0])
    assert np.array_equal(grid[128:, 64:], pairs[2, 1])


def test_an_attribute_grows_along_a_row(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "grows.png"
    sample(model, CPU, out=out, count=2, pairs="Smiling", steps=3)
    rows = load(model).pairs(2, "Smiling", steps=3)  # type: ignore[union-attr]
    grid = picture(out)
    assert grid.shape == (2 * 64, 3 * 64, 3)
    assert np.array_equal(grid[64:, 64:128], rows[1, 1])


def test_a_walk_is_a_row_for_each_stretch(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "walk.png"
    sample(model, CPU, out=out, count=3, walk=True, steps=4, labels="Young=0.5,Male=1,Smiling=0")
    rows = load(model).walk(3, 4, Young=0.5, Male=1, Smiling=0)  # type: ignore[union-attr]
    grid = picture(out)
    assert grid.shape == (2 * 64, 4 * 64, 3)
    assert np.array_equal(grid[64:, 192:], rows[1, 3])
    assert capsys.readouterr().out == f"{out}: 2 rows of 4 images, seed 0\n"


def test_an_attribute_may_be_called_as_an_option_is(tmp_path: Path) -> None:
    found, out = generator(tmp_path, "attributes", ("n", "seed", "steps")), tmp_path / "out.png"
    on = {"n": 1.0, "seed": 0.0, "steps": 1.0}
    sample(tmp_path, CPU, out=out, count=1, labels="n=1,seed=0,steps=1")
    assert np.array_equal(picture(out), found.sample_with(on, 1)[0])
    sample(tmp_path, CPU, out=out, count=2, walk=True, steps=2, labels="n=1,seed=0,steps=1")
    assert np.array_equal(picture(out)[:, :64], found.walk_with(on, 2, 2)[0, 0])
    with pytest.raises(RequestError, match="unknown label 'self'"):
        sample(tmp_path, CPU, out=out, labels="self=1")


@pytest.mark.parametrize(
    ("asked", "size", "frames"),
    [({"walk": True, "count": 2}, (64, 64), 8), ({"pairs": "Young", "count": 3}, (128, 128), 2)],
)
def test_a_gif_moves(
    asked: dict, size: tuple[int, int], frames: int, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "moves.gif"
    sample(model, CPU, out=out, **asked)
    with Image.open(out) as image:
        assert (image.format, image.size, image.n_frames) == ("GIF", size, frames)  # type: ignore[attr-defined]
        assert image.info["loop"] == 0
        assert image.info["duration"] == FRAME


@pytest.mark.parametrize(
    ("each", "first"), [("drawn", "00000.png"), ("drawn/a{:03d}.png", "a000.png")]
)
def test_each_image_gets_a_file(
    each: str, first: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample(model, CPU, each=tmp_path / each, count=12, seed=3, labels="Smiling=1")
    files = sorted((tmp_path / "drawn").iterdir())
    assert len(files) == 12
    assert files[0].name == first
    images = load(model).sample(12, 3, Smiling=1)  # type: ignore[union-attr]
    assert all(np.array_equal(picture(f), i) for f, i in zip(files, images, strict=True))
    assert list(tmp_path.iterdir()) == [tmp_path / "drawn"]
    assert capsys.readouterr().out == f"{tmp_path / each}: 12 images, seed 3\n"


def test_a_class_is_named(tmp_path: Path) -> None:
    found = generator(tmp_path, "classes")
    sample(tmp_path, CPU, out=tmp_path / "one.png", count=1, class_="Smiling")
    assert np.array_equal(picture(tmp_path / "one.png"), found.sample(1, label="Smiling")[0])
