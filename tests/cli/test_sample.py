from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring import load
from sparring.cli.common import DeviceOptions
from sparring.cli.sample import sample
from sparring.errors import RequestError
from sparring.game import LabelKind, Shape
from sparring.methods import ACGAN, DANN
from sparring.model import Generator, save

CPU = DeviceOptions(device="cpu", threads=1)


def generator(folder: Path, kind: LabelKind) -> Generator:
    torch.manual_seed(0)
    method, shape = ACGAN(width=4), Shape(64, ("Male", "Smiling", "Young"), kind)
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


def test_a_class_is_named(tmp_path: Path) -> None:
    found = generator(tmp_path, "classes")
    sample(tmp_path, CPU, out=tmp_path / "one.png", count=1, class_="Smiling")
    assert np.array_equal(picture(tmp_path / "one.png"), found.sample(1, label="Smiling")[0])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"count": 0}, "--count must be at least 1"),
        ({"out": Path("no/such/x.png")}, "in a folder that exists"),
        ({"out": Path("x.jpg")}, r"name a \.png"),
        ({"labels": "Smiling"}, "NAME=0 or NAME=1"),
        ({"labels": "Smilling=1"}, "did you mean 'Smiling'"),
        ({"pairs": "Yung"}, "did you mean 'Young'"),
        ({"pairs": "Young", "labels": "Male=1"}, "leave out --labels"),
        ({"class_": "Male"}, "unknown label 'label'"),
    ],
)
def test_requests_that_cannot_be_met(
    model: Path, asked: dict, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=told):
        sample(model, CPU, **{"count": 2} | asked)
    assert not list(tmp_path.iterdir())


def test_a_classifier_cannot_draw(tmp_path: Path) -> None:
    method, shape = DANN(encoder="small"), Shape(32, ("a", "b"), "classes")
    method.build(shape)
    save(tmp_path, method, shape, preset="report2019", data={}, card="")
    with pytest.raises(RequestError, match="use `sparring predict`"):
        sample(tmp_path, CPU, out=tmp_path / "x.png")
