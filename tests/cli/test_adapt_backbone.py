"""`sparring adapt --backbone` and what comes of it, with the backbone's own folder gone."""

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import sparring
from sparring import cli, export, runtime
from sparring.errors import RequestError
from sparring.frozen import Frozen
from sparring.model import Classifier
from sparring.runs.folder import Run
from sparring.runs.scores import ClassifierScores
from tests.backbones import folder
from tests.cli.folders import CLASSES, class_folders, mixed


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.Machine, "set_up", lambda machine: None)  # of this process
    monkeypatch.setattr(runtime, "busy", lambda threads: None)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("folders")
    return class_folders(root / "drawn"), mixed(root / "photos")


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["sparring", *map(str, arguments)])
    cli.main()


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if not row["error"]]


@pytest.mark.parametrize("kind", ["dinov2", "resnet", "siglip", "convnext"])
def test_two_folders_and_a_backbone(
    kind: str,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place, out = folder(tmp_path / kind, kind), tmp_path / "out"
    small = ("--size", 40) if kind == "convnext" else ()  # it asks for 384
    asked = ("adapt", *folders, "--backbone", place, "--out", out, "--device", "cpu", *small)
    command(monkeypatch, *asked)
    shown = capsys.readouterr()
    size = {"dinov2": 36, "resnet": 36, "siglip": 32, "convnext": 40}[kind]
    assert f"all are taken at {size} x {size} pixels" in shown.err
    assert shown.out.startswith(f"expected accuracy on {folders[1]}: ")
    answer = json.loads((out / "answer.json").read_text())
    names = [f"frozen-features-drawn-photos-{s}-0" for s in ("source-only", "adapted")]
    assert sorted((answer["kept"], answer["other"])) == sorted(names)
    for name in names:
        run = Run(out / "runs" / name)
        assert isinstance(run.scores, ClassifierScores)
        assert run.scores.accuracy is None
        assert run.scores.test_images == 18
        assert run.openings.openings == ()
        assert run.config.settings["backbone"] == str(place)
        assert run.architecture is not None
        assert run.architecture.networks[0].layers
    alarm = Run(out / "runs" / names[1]).alarm
    assert alarm is not None
    assert alarm.twin == names[0]
    page = (out / "report.html").read_text()
    assert "Frozen features" in page
    assert "not on frozen features" in page
    # The model needs nothing of the backbone's folder, and a saved copy says the very same.
    shutil.rmtree(place)
    model = sparring.load(out)
    assert isinstance(model, Classifier)
    files = [folders[1] / row["file_name"] for row in rows(out / "predictions.csv")]
    chances = model.predict_proba(files)
    assert [row["label"] for row in rows(out / "predictions.csv")] == model.predict(files)
    model.save(tmp_path / "copy")
    copy = sparring.load(tmp_path / "copy")
    assert isinstance(copy, Classifier)
    assert np.array_equal(copy.predict_proba(files), chances)
    assert np.array_equal(copy.features(files), model.features(files))
    assert (tmp_path / "copy/README.md").read_bytes() == (out / "model/README.md").read_bytes()
    assert (
        f"the features of {place}, which was not trained" in (out / "model/README.md").read_text()
    )
    command(monkeypatch, "predict", out, folders[1], "--out", tmp_path / "p.csv", "--device", "cpu")
    assert rows(tmp_path / "p.csv") == rows(out / "predictions.csv")
    if kind == "convnext":
        with pytest.raises(RequestError, match=r"adapt without --size, or with --size 384"):
            export.export(model, "pt2")
    if kind == "dinov2":
        assert export.export(model, "pt2")[1] < 1e-6
    # What both runs say of the target is what their models say.
    logits = Run(out / "runs" / answer["kept"]).arrays("outputs")["target_logits"]
    assert np.allclose(chances, np.exp(logits) / np.exp(logits).sum(1, keepdims=True), atol=1e-4)


def test_finished_runs_are_not_made_again(
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place, out = folder(tmp_path / "net", "resnet"), tmp_path / "out"
    asked = ("adapt", *folders, "--backbone", place, "--out", out, "--device", "cpu")
    command(monkeypatch, *asked)
    capsys.readouterr()
    command(monkeypatch, *asked)
    assert capsys.readouterr().err.count("finished before") == 2
    folder(place, "dinov2")  # other weights under the same name
    with pytest.raises(SystemExit) as stopped:
        command(monkeypatch, *asked, "--size", 36)
    assert stopped.value.code == 2
    assert "holds another run: its settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("--method", "dann"), "dann trains a network, and a backbone is left as it is"),
        (("--size", "0"), "--size must be at least 1"),
        (("--backbone", "nowhere/at-all"), "--backbone nowhere/at-all: cannot be used"),
    ],
)
def test_requests_that_are_refused(
    changed: tuple[str, str],
    message: str,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    place = ("--backbone", "facebook/dinov2-small")
    with pytest.raises(SystemExit) as stopped:
        command(monkeypatch, "adapt", *folders, *place, "--out", out, *changed)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not out.exists()


def test_in_python(folders: tuple[Path, Path], tmp_path: Path) -> None:
    place = folder(tmp_path / "net", "dinov2")
    adapter = sparring.Adapter(backbone=str(place), device="cpu").fit(*map(str, folders))
    assert adapter.classes_.tolist() == list(CLASSES)
    assert adapter.model_.size == 36
    assert isinstance(adapter.model_.method, Frozen)
    files = sorted(str(path) for path in (folders[1] / "camera 1").glob("*.png"))
    assert adapter.transform(files).shape == (len(files), 32)
    adapter.save(tmp_path / "model")
    shutil.rmtree(place)
    loaded = sparring.load(tmp_path / "model")
    assert isinstance(loaded, Classifier)
    assert np.array_equal(loaded.predict_proba(files), adapter.predict_proba(files))
    with pytest.raises(RequestError, match="dann trains a network"):
        sparring.Adapter("dann", backbone="x").fit(*map(str, folders))
