import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sparring
from sparring import cli, defaults, runtime
from sparring.methods import ACGAN, DCGAN, METHODS, ProjectionGAN
from sparring.model import Generator
from sparring.runs.folder import Run
from tests.cli.folders import class_folders, picture

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
    monkeypatch.setattr(runtime.Machine, "set_up", lambda machine: None)  # of this process
    monkeypatch.setattr(runtime, "busy", lambda threads: None)


def generate(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["sparring", "generate", *map(str, arguments)])
    cli.main()


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
    found = sparring.load(out)
    assert isinstance(found, Generator)
    return found


def test_class_folders_become_a_generator_of_classes(
    shoes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    generate(monkeypatch, shoes, *STEPS, "--out", out)
    shown = capsys.readouterr()
    found = model(out)
    assert found.labels == ("ant", "bee", "cow")
    assert Run(out / "runs" / "painter-shoes-all-0").finished
    picture = np.asarray(samples(out)).reshape(8, 16, 8, 16, 3).swapaxes(1, 2)
    assert np.array_equal(picture.reshape(64, 16, 16, 3), found.sample(64, seed=0))
    assert "at 16 x 16 pixels (--size); to be asked for: ant, bee, cow (--labels)" in shown.err
    assert shown.out.splitlines() == [
        f"{out / 'samples.png'}: 64 images, seed 0",
        f"{out / 'model'}: draw others with `sparring sample {out}`",
        str(out / "report.html"),
    ]
    assert "PAINTER on ant+bee+cow" in (out / "report.html").read_text()


def test_no_labels_and_some_of_them(
    shoes: Path,
    faces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "none"
    generate(monkeypatch, shoes, *STEPS, "--out", out, "--labels", "none", "--seed", "3")
    assert model(out).labels == ()
    assert Run(out / "runs" / "painter-shoes-3").finished
    assert samples(out).size == (8 * 16, 8 * 16)
    assert "to be asked for: nothing (--labels)" in capsys.readouterr().err
    out = tmp_path / "some"
    generate(monkeypatch, faces, *STEPS, "--out", out, "--labels", "Young")
    assert model(out).labels == ("Young",)
    assert samples(out).size == (2 * 16, 10 * 16)
    pairs = np.asarray(samples(out)).reshape(10, 16, 2, 16, 3).swapaxes(1, 2)
    assert np.array_equal(pairs, model(out).pairs(10, "Young"))
    out = tmp_path / "plain"
    generate(monkeypatch, faces, *STEPS, "--out", out, "--method", "plain")
    assert model(out).labels == ()


def test_requests_that_cannot_be_met(
    shoes: Path,
    faces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    for k in range(21):
        picture(tmp_path / "flat" / f"{k}.png", 0, k)
    wrong = [
        ((shoes, "--method", "dann"), "unknown method 'dann'"),
        ((shoes, "--labels", "Smiling"), "unknown attribute or class 'Smiling'"),
        ((tmp_path / "flat", "--labels", "Smiling"), "has no labels"),
        ((tmp_path / "flat", "--method", "asked"), "asked learns from labels"),
        ((shoes, "--size", "0"), "--size must be at least 1"),
        ((shoes, "--size", "17"), "17"),
        ((shoes, "--steps", "0"), "--steps must be at least 1"),
        ((shoes, "--out", shoes / "x"), "lies in"),
    ]
    for arguments, message in wrong:
        with pytest.raises(SystemExit) as stopped:
            generate(monkeypatch, *STEPS, "--out", out, *arguments)
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err.splitlines()[-1]
        assert not out.exists()
    monkeypatch.setattr(defaults, "FEWEST", 200)
    with pytest.raises(SystemExit):
        generate(monkeypatch, shoes, *STEPS, "--out", out)
    assert "has 36 images, and a generator needs 200" in capsys.readouterr().err
