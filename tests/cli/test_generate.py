from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring import Generator as Learner
from sparring import defaults, load
from sparring.methods import ACGAN, DCGAN, METHODS, ProjectionGAN
from sparring.model import Generator
from sparring.runs.folder import Run
from tests.cli.folders import class_folders, picture, sparring

STEPS = ("--steps", "2", "--batch-size", "4", "--size", "16", "--device", "cpu")


@dataclass(eq=False, kw_only=True)
class Painter(ProjectionGAN):
    """Narrow."""

    width: int = 4
    discriminator_width: int = 4


@dataclass(eq=False, kw_only=True)
class Plain(DCGAN):
    """Narrow."""

    width: int = 4


@dataclass(eq=False, kw_only=True)
class Asked(ACGAN):
    """Narrow."""

    width: int = 4


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in (("painter", Painter), ("plain", Plain), ("asked", Asked)):
        monkeypatch.setitem(METHODS, name, kind)
    monkeypatch.setattr(defaults, "GENERATE", "painter")
    monkeypatch.setattr(defaults, "JUDGE_STEPS", 1)
    monkeypatch.setattr(defaults, "JUDGED", 30)
    monkeypatch.setattr(defaults, "FEWEST", 20)


@pytest.fixture(scope="module")
def shoes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return class_folders(tmp_path_factory.mktemp("shoes") / "shoes")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("faces") / "faces"
    for k in range(30):
        picture(root / f"{k:02}.png", k % 2, k)
    rows = [f"{k:02}.png,{k % 2},{k % 3 % 2}" for k in range(30)]
    (root / "list.csv").write_text("\n".join(["image_name,Smiling,Young", *rows]))
    return root


def samples(out: Path) -> Image.Image:
    with Image.open(out / "samples.png") as image:
        return image.copy()


def model(out: Path) -> Generator:
    found = load(out)
    assert isinstance(found, Generator)
    return found


def test_class_folders_become_a_generator_of_classes(
    shoes: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    ended = sparring("generate", shoes, *STEPS, "--out", out)
    found = model(out)
    assert found.labels == ("ant", "bee", "cow")
    assert Run(out / "runs" / "painter-shoes-all-0").finished
    picture = np.asarray(samples(out)).reshape(8, 16, 8, 16, 3).swapaxes(1, 2)
    assert np.array_equal(picture.reshape(64, 16, 16, 3), found.sample(64, seed=0))
    told = "at 16 x 16 pixels (--size); to be asked for: ant, bee, cow (--labels)"
    assert any(told in line for line in ended.err)
    assert ended.out == [
        f"{out / 'samples.png'}: 64 images, seed 0",
        f"{out / 'model'}: draw others with `sparring sample {out}`",
        str(out / "report.html"),
    ]
    assert "PAINTER on ant+bee+cow" in (out / "report.html").read_text()


def test_no_labels_and_some_of_them(
    shoes: Path,
    faces: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "none"
    ended = sparring("generate", shoes, *STEPS, "--out", out, "--labels", "none", "--seed", "3")
    assert model(out).labels == ()
    assert Run(out / "runs" / "painter-shoes-3").finished
    assert samples(out).size == (8 * 16, 8 * 16)
    assert any("to be asked for: nothing (--labels)" in line for line in ended.err)
    assert any(line.startswith("shoes: 28 train, 8 test, labels set aside") for line in ended.err)
    out = tmp_path / "some"
    sparring("generate", faces, *STEPS, "--out", out, "--labels", "Young")
    assert model(out).labels == ("Young",)
    assert samples(out).size == (2 * 16, 10 * 16)
    pairs = np.asarray(samples(out)).reshape(10, 16, 2, 16, 3).swapaxes(1, 2)
    assert np.array_equal(pairs, model(out).pairs(10, "Young"))
    out = tmp_path / "plain"
    sparring("generate", faces, *STEPS, "--out", out, "--method", "plain")
    assert model(out).labels == ()


def test_a_list_that_lies_elsewhere_says_what_can_be_asked_for(shoes: Path, tmp_path: Path) -> None:
    """Of the shoes, but for one; the folders that they lie in do not count then."""
    names = [path.relative_to(shoes).as_posix() for path in sorted(shoes.rglob("*.png"))][1:]
    table, out = tmp_path / "table.csv", tmp_path / "out"
    rows = [f"{name},{k % 2},{k % 3 % 2}" for k, name in enumerate(names)]
    table.write_text("\n".join(["file_name,Worn,Left", *rows]))
    ended = sparring("generate", shoes, *STEPS, "--out", out, "--labels", table)
    assert ended.code == 0, ended.err
    assert model(out).labels == ("Worn", "Left")
    assert samples(out).size == (2 * 16, 10 * 16)  # pairs
    assert any("2 attributes: Worn, Left; left out: 1 images without a row" in e for e in ended.err)
    table.write_text("\n".join(["name;kind", *(f"{n};{'ab'[k % 2]}" for k, n in enumerate(names))]))
    learner = Learner(size=16, steps=1, batch_size=4, judge_steps=1, device="cpu")
    assert learner.fit(shoes, str(table)).labels_ == ("a", "b")
