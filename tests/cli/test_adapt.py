import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import sparring
from sparring import cli, defaults, runtime
from sparring.methods import METHODS
from sparring.model import Classifier
from sparring.runs import twins
from sparring.runs.folder import Run
from sparring.runs.scores import ClassifierScores
from tests.cli.folders import CLASSES, Tiny, class_folders, mixed, truth

STEPS = ("--steps", "4", "--batch-size", "4", "--device", "cpu")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "tiny", Tiny)
    monkeypatch.setattr(defaults, "ADAPT", "tiny")
    monkeypatch.setattr(runtime.Machine, "set_up", lambda machine: None)  # of this process
    monkeypatch.setattr(runtime, "busy", lambda threads: None)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("folders")
    return class_folders(root / "drawn"), mixed(root / "photos")


def adapt(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["sparring", "adapt", *map(str, arguments)])
    cli.main()


@pytest.fixture
def adapted(
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> tuple[Path, list[str], list[str]]:
    """The output folder, and the lines of stdout and stderr."""
    out = tmp_path / "out"
    adapt(monkeypatch, *folders, *STEPS, "--out", out, "--proba")
    shown = capsys.readouterr()
    return out, shown.out.splitlines(), shown.err.splitlines()


def table(out: Path) -> list[dict[str, str]]:
    with (out / "predictions.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scores(out: Path, scenario: str) -> ClassifierScores:
    found = Run(out / "runs" / f"tiny-drawn-photos-{scenario}-0").scores
    assert isinstance(found, ClassifierScores)
    return found


def test_two_folders_in_an_answer_out(
    adapted: tuple[Path, list[str], list[str]], folders: tuple[Path, Path]
) -> None:
    out, lines, told = adapted
    answer = json.loads((out / "answer.json").read_text())
    # One row a file in the order of names; the broken one has its error; the model says the same.
    rows = table(out)
    names = [p.relative_to(folders[1]).as_posix() for p in sorted(folders[1].rglob("*.png"))]
    assert [row["file_name"] for row in rows] == names
    (broken,) = [row for row in rows if row["error"]]
    assert broken["file_name"] == "camera 0/1-x.png"
    assert broken["label"] == ""
    model = sparring.load(out)
    assert isinstance(model, Classifier)
    readable = [row for row in rows if not row["error"]]
    paths = [folders[1] / row["file_name"] for row in readable]
    assert [row["label"] for row in readable] == model.predict(paths)
    chances = [[float(row[f"probability_{name}"]) for name in CLASSES] for row in readable]
    assert np.allclose(chances, model.predict_proba(paths), atol=1e-4)
    # The model is that of the run that is kept, and the expectation is that run's.
    weights = (out / "model" / "model.safetensors").read_bytes()
    assert weights == (out / "runs" / answer["kept"] / "model/model.safetensors").read_bytes()
    kept = "adapted" if answer["helped"] else "source-only"
    assert answer["kept"].endswith(f"{kept}-0")
    estimate = scores(out, kept).estimated.thresholded_entropy
    assert answer["expected"] == estimate
    assert (answer["low"], answer["high"]) == pytest.approx(
        (max(0, estimate - 0.145), min(1, estimate + 0.145))
    )
    assert (answer["files"], answer["unreadable"], answer["measured"]) == (19, 1, 0)
    # All of the target is judged; nobody opened a label.
    assert scores(out, "adapted").test_images == 18
    assert all(Run(path).openings.openings == () for path in (out / "runs").iterdir())
    # What is said.
    assert any("18 images in 2 folder(s), 1 that cannot be read" in line for line in told)
    assert any("are not taken as labels; all are taken at 32 x 32" in line for line in told)
    assert lines[0].startswith(f"expected accuracy on {folders[1]}: {estimate:.0%} (")
    helped = "helped: the adapted" if answer["helped"] else "did not help: the source-only"
    assert lines[1].startswith(f"adaptation {helped} model is kept. ")
    assert lines[2].startswith(f"{out / 'predictions.csv'}: 19 images, ")
    assert lines[2].endswith("1 that cannot be read")
    assert lines[3].startswith(f"{out / 'model'}: ")
    assert lines[4] == str(out / "report.html")
    assert "1 The answer" in (out / "report.html").read_text()


@pytest.mark.parametrize("helped", [True, False])
def test_labels_that_come_later_measure_and_no_more(
    helped: bool,
    adapted: tuple[Path, list[str], list[str]],
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = adapted[0]
    monkeypatch.setattr(twins, "verdict", lambda alarm: (helped, "So it is."))
    known = [row["file_name"] for row in table(out) if not row["error"]][::2]
    listed = tmp_path / "known.csv"
    rows = [f"{name},{truth(name)}" for name in known]
    listed.write_text("\n".join(["file_name,label", *rows, "camera 0/1-1.png,", "gone.png,ant"]))
    before = {path: path.read_bytes() for path in (out / "runs").rglob("*.safetensors")}
    adapt(monkeypatch, *folders, *STEPS, "--out", out, "--labelled-target", listed)
    shown = capsys.readouterr()
    assert shown.err.count("finished before") == 2
    assert before == {path: path.read_bytes() for path in (out / "runs").rglob("*.safetensors")}
    right = {}
    for scenario in ("source-only", "adapted"):
        model = sparring.load(out / "runs" / f"tiny-drawn-photos-{scenario}-0")
        assert isinstance(model, Classifier)
        said = model.predict([folders[1] / name for name in known])
        right[scenario] = np.mean([a == truth(name) for a, name in zip(said, known, strict=True)])
        found = scores(out, scenario)
        assert found.accuracy == pytest.approx(right[scenario])
        assert found.confusion is not None
        assert sum(map(sum, found.confusion)) == len(known) == 9
        (opening,) = Run(out / "runs" / f"tiny-drawn-photos-{scenario}-0").openings.openings
        assert (opening.reader, opening.split) == ("final evaluation", "test")
    kept, other = ("adapted", "source-only") if helped else ("source-only", "adapted")
    line = shown.out.splitlines()[1]
    assert line.startswith(f"measured on 9 labelled images: {right[kept]:.1%} (")
    assert line.endswith(f"; {other.replace('-', ' ')}: {right[other]:.1%}")
    assert f"the {kept} model is kept. So it is." in shown.out
    weights = (out / "model" / "model.safetensors").read_bytes()
    run = out / "runs" / f"tiny-drawn-photos-{kept}-0"
    assert weights == (run / "model/model.safetensors").read_bytes()


def test_the_page_is_built_again_with_its_answer(
    adapted: tuple[Path, list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = adapted[0]
    (out / "report.html").unlink()
    monkeypatch.setattr(sys, "argv", ["sparring", "report", str(out)])
    cli.main()
    assert "1 The answer" in (out / "report.html").read_text()
    (out / "answer.json").write_text("{}")
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> str:
    with pytest.raises(SystemExit) as stopped:
        adapt(monkeypatch, *arguments)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    return line


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("--method", "dcgan"), "unknown method 'dcgan'"),
        (("--size", "0"), "--size must be at least 1"),
        (("--steps", "0"), "--steps must be at least 1"),
        (("--batch-size", "1"), "--batch-size at least 2"),
        (("--seed", "-1"), "--seed must lie in 0.."),
        (("--labelled-target", "nowhere.csv"), "there is no such file"),
        (("--data", "nowhere"), "there is no such folder"),
    ],
)
def test_options_that_cannot_be_met(
    changed: tuple[str, ...],
    message: str,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert message in refused(monkeypatch, capsys, *folders, *STEPS, "--out", out, *changed)
    assert not out.exists()


def test_folders_that_cannot_be_used(
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, target = folders
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"junk")
    wrong = [
        ((source, tmp_path / "nowhere"), "does not exist"),
        ((source, tmp_path / "empty"), "holds no images"),
        ((source, tmp_path / "broken"), "none of 1 images can be read; a.png: "),
        ((source, source), "is both source and target"),
        ((target / "camera 1", source), "has no class labels"),
        ((source, target, "--out", target / "out"), "lies in"),
        ((tmp_path / "nowhere", target), "does not exist"),
    ]
    for arguments, message in wrong:
        assert message in refused(monkeypatch, capsys, *STEPS, "--out", out, *arguments)
        assert not out.exists()
    assert not (target / "out").exists()
