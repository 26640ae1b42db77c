"""`sparring adapt --backbone` and what comes of it, with the backbone's own folder gone."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sparring import Adapter, export, load
from sparring.errors import RequestError
from sparring.frozen import Frozen
from sparring.model import Classifier
from sparring.runs.folder import Run
from sparring.runs.scores import ClassifierScores
from tests.backbones import folder
from tests.cli.folders import CLASSES, sparring, table


def rows(path: Path) -> list[dict[str, str]]:
    return [row for row in table(path) if not row["error"]]


@pytest.mark.parametrize("kind", ["dinov2", "resnet", "siglip", "convnext"])
def test_two_folders_and_a_backbone(
    kind: str,
    folders: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    place, out = folder(tmp_path / kind, kind), tmp_path / "out"
    small = ("--size", 40) if kind == "convnext" else ()  # it asks for 384
    asked = ("adapt", *folders, "--backbone", place, "--out", out, "--device", "cpu", *small)
    ended = sparring(*asked)
    size = {"dinov2": 36, "resnet": 36, "siglip": 32, "convnext": 40}[kind]
    assert any(f"all are taken at {size} x {size} pixels" in line for line in ended.err)
    assert ended.out[0].startswith(f"expected accuracy on {folders[1]}: ")
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
    model = load(out)
    assert isinstance(model, Classifier)
    files = [folders[1] / row["file_name"] for row in rows(out / "predictions.csv")]
    chances = model.predict_proba(files)
    assert [row["label"] for row in rows(out / "predictions.csv")] == model.predict(files)
    model.save(tmp_path / "copy")
    copy = load(tmp_path / "copy")
    assert isinstance(copy, Classifier)
    assert np.array_equal(copy.predict_proba(files), chances)
    assert np.array_equal(copy.features(files), model.features(files))
    assert (tmp_path / "copy/README.md").read_bytes() == (out / "model/README.md").read_bytes()
    assert (
        f"the features of {place}, which was not trained" in (out / "model/README.md").read_text()
    )
    sparring("predict", out, folders[1], "--out", tmp_path / "p.csv", "--device", "cpu")
    assert rows(tmp_path / "p.csv") == rows(out / "predictions.csv")
    if kind == "convnext":
        with pytest.raises(RequestError, match=r"adapt without --size, or with --size 384"):
            export.export(model, "pt2")
    if kind == "dinov2":
        assert export.export(model, "pt2")[1] < 1e-6
    # What both runs say of the target is what their models say.
    logits = Run(out / "runs" / answer["kept"]).arrays("outputs")["target_logits"]
    logits = logits / model.config.temperature
    assert np.allclose(chances, np.exp(logits) / np.exp(logits).sum(1, keepdims=True), atol=1e-4)


def test_finished_runs_are_not_made_again(
    folders: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    place, out = folder(tmp_path / "net", "resnet"), tmp_path / "out"
    asked = ("adapt", *folders, "--backbone", place, "--out", out, "--device", "cpu")
    sparring(*asked)
    assert sum("finished before" in line for line in sparring(*asked).err) == 2
    ended = sparring(*asked[:3], "--backbone", folders[0], "--out", tmp_path / "other")
    assert ended.code == 2
    assert "no .safetensors there, which alone is read, but ant, bee, cow" in ended.err[-1]
    folder(place, "dinov2")  # other weights under the same name
    ended = sparring(*asked, "--size", 36)
    assert ended.code == 2
    assert "holds another run: its settings" in ended.err[-1]


def test_features_of_the_same_weights_in_another_network_are_other_ones(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    place, logits = folder(tmp_path / "net", "dinov2"), []
    for act in ("gelu", "relu"):
        config = json.loads((place / "config.json").read_text()) | {"hidden_act": act}
        (place / "config.json").write_text(json.dumps(config))
        out = tmp_path / act
        sparring("adapt", *folders, "--backbone", place, "--out", out, "--device", "cpu")
        run = Run(out / "runs/frozen-features-drawn-photos-source-only-0")
        logits.append(run.arrays("outputs")["target_logits"])
    assert not np.allclose(*logits)


def test_in_python(folders: tuple[Path, Path], tmp_path: Path) -> None:
    place = folder(tmp_path / "net", "dinov2")
    adapter = Adapter(backbone=str(place), device="cpu").fit(*map(str, folders))
    assert adapter.classes_.tolist() == list(CLASSES)
    assert adapter.model_.size == 36
    assert isinstance(adapter.model_.method, Frozen)
    files = sorted(str(path) for path in (folders[1] / "camera 1").glob("*.png"))
    assert adapter.transform(files).shape == (len(files), 32)
    adapter.save(tmp_path / "model")
    shutil.rmtree(place)
    loaded = load(tmp_path / "model")
    assert isinstance(loaded, Classifier)
    assert np.array_equal(loaded.predict_proba(files), adapter.predict_proba(files))
    with pytest.raises(RequestError, match="dann trains a network"):
        Adapter("dann", backbone="x").fit(*map(str, folders))
