import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from sparring import Adapter, defaults, load
from sparring.game import Move, Pair
from sparring.methods import METHODS
from sparring.model import Classifier
from sparring.runs import twins
from sparring.runs.folder import Run
from sparring.runs.scores import ClassifierScores
from tests.cli.folders import CLASSES, Ended, Tiny, sparring, table, truth

STEPS = ("--steps", "4", "--batch-size", "4", "--device", "cpu")


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, "tiny", Tiny)
        patch.setattr(defaults, "ADAPT", "tiny")
        yield


@pytest.fixture(scope="module")
def first(
    folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Ended]:
    """An output folder that is not to be changed, and how the command ended."""
    out = tmp_path_factory.mktemp("first") / "out"
    return out, sparring("adapt", *folders, *STEPS, "--out", out, "--proba")


@pytest.fixture
def adapted(first: tuple[Path, Ended], tmp_path: Path) -> Path:
    """A copy of that folder."""
    return shutil.copytree(first[0], tmp_path / "out")


def kept_of(answer: dict) -> str:
    return "adapted" if answer["helped"] else "source-only"


def scores(out: Path, scenario: str) -> ClassifierScores:
    found = Run(out / "runs" / f"tiny-drawn-photos-{scenario}-0").scores
    assert isinstance(found, ClassifierScores)
    return found


def test_two_folders_in_an_answer_out(
    first: tuple[Path, Ended], folders: tuple[Path, Path]
) -> None:
    out, ended = first
    answer = json.loads((out / "answer.json").read_text())
    # One row a file in the order of names; the broken one has its error; the model says the same.
    rows = table(out / "predictions.csv")
    names = [p.relative_to(folders[1]).as_posix() for p in sorted(folders[1].rglob("*.png"))]
    assert [row["file_name"] for row in rows] == names
    (broken,) = [row for row in rows if row["error"]]
    assert broken["file_name"] == "camera 0/1-x.png"
    assert broken["label"] == ""
    model = load(out)
    assert isinstance(model, Classifier)
    readable = [row for row in rows if not row["error"]]
    paths = [folders[1] / row["file_name"] for row in readable]
    assert [row["label"] for row in readable] == model.predict(paths)
    chances = [[float(row[f"probability_{name}"]) for name in CLASSES] for row in readable]
    assert np.allclose(chances, model.predict_proba(paths), atol=1e-4)
    # They are those of the logits at a temperature: as sure as is expected to be right.
    warmth = model.config.temperature
    assert warmth == scores(out, kept_of(answer)).target_temperature
    assert warmth == 1 or model.predict_proba(paths).max(1).mean() == pytest.approx(
        answer["expected"], abs=1e-3
    )
    logits = Run(out / "runs" / answer["kept"]).arrays("outputs")["target_logits"]
    assert np.allclose(softmax(logits / warmth, 1), model.predict_proba(paths), atol=1e-4)
    # The model is that of the run that is kept, and the expectation is that run's.
    weights = (out / "model" / "model.safetensors").read_bytes()
    assert weights == (out / "runs" / answer["kept"] / "model/model.safetensors").read_bytes()
    kept = kept_of(answer)
    assert answer["kept"].endswith(f"{kept}-0")
    estimate = scores(out, kept).expected
    assert answer["expected"] == estimate
    assert (answer["low"], answer["high"]) == pytest.approx(
        (max(0, estimate - 0.115), min(1, estimate + 0.115))
    )
    assert (answer["files"], answer["unreadable"], answer["measured"]) == (19, 1, 0)
    # All of the target is judged; nobody opened a label.
    assert scores(out, "adapted").test_images == 18
    assert all(Run(path).openings.openings == () for path in (out / "runs").iterdir())
    # What is said.
    assert any("18 images in 2 folder(s), 1 that cannot be read" in line for line in ended.err)
    assert any("are not taken as labels; all are taken at 32 x 32" in line for line in ended.err)
    lines = ended.out
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
    adapted: Path,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = adapted
    monkeypatch.setattr(twins, "verdict", lambda alarm: (helped, "So it is."))
    known = [row["file_name"] for row in table(out / "predictions.csv") if not row["error"]][::2]
    listed = tmp_path / "known.csv"
    rows = [f"{name},{truth(name)}" for name in known]
    listed.write_text("\n".join(["file_name,label", *rows, "camera 0/1-1.png,", "gone.png,ant"]))
    before = {path: path.read_bytes() for path in (out / "runs").rglob("*.safetensors")}
    ended = sparring("adapt", *folders, *STEPS, "--out", out, "--labelled-target", listed)
    assert sum("finished before" in line for line in ended.err) == 2
    assert before == {path: path.read_bytes() for path in (out / "runs").rglob("*.safetensors")}
    right = {}
    for scenario in ("source-only", "adapted"):
        model = load(out / "runs" / f"tiny-drawn-photos-{scenario}-0")
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
    words = "helped" if helped else "did not help"
    line = ended.out[1]
    assert line.startswith(f"measured on 9 labelled images: {right[kept]:.1%} (")
    assert line.endswith(f"; {other.replace('-', ' ')}: {right[other]:.1%}")
    assert ended.out[2] == f"adaptation {words}: the {kept} model is kept. So it is."
    weights = (out / "model" / "model.safetensors").read_bytes()
    run = out / "runs" / f"tiny-drawn-photos-{kept}-0"
    assert weights == (run / "model/model.safetensors").read_bytes()


def test_the_page_is_built_again_with_its_answer(adapted: Path) -> None:
    out = adapted
    (out / "report.html").unlink()
    assert sparring("report", out).code == 0
    assert "1 The answer" in (out / "report.html").read_text()
    (out / "answer.json").write_text("{}")
    assert sparring("report", out).code == 2


class Exploding(Tiny):
    """Diverges as soon as it adapts, however often it is started anew."""

    def adapt(self, batch: Pair, progress: float) -> Move:
        move = super().adapt(batch, progress)
        return move._replace(loss=move.loss * math.inf)


def test_where_the_adapted_training_diverges_for_good_the_source_only_model_is_the_answer(
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, known = tmp_path / "out", tmp_path / "known.csv"
    known.write_text("file_name,label\ncamera 0/0-0.png,ant\ncamera 1/1-1.png,bee\n")
    monkeypatch.setitem(METHODS, "tiny", Exploding)
    ended = sparring("adapt", *folders, *STEPS, "--out", out, "--labelled-target", known)
    assert ended.code == 0
    assert any("tiny-drawn-photos-adapted-0: " in line and "failed" in line for line in ended.err)
    expected, measured, kept, *_ = ended.out
    assert expected.startswith(f"expected accuracy on {folders[1]}: ")
    assert measured.startswith("measured on 2 labelled images: ")
    assert "adapted" not in measured
    assert kept == (
        "adaptation did not help: the source-only model is kept. The adapted training failed: "
        "the network's loss is inf; back at step 0."
    )
    model = load(out)
    assert isinstance(model, Classifier)
    rows = [row for row in table(out / "predictions.csv") if not row["error"]]
    assert len(rows) == 18
    assert [row["label"] for row in rows] == model.predict(
        [folders[1] / row["file_name"] for row in rows]
    )
    page = (out / "report.html").read_text()
    assert "The adapted training failed" in page
    # In Python likewise.
    adapter = Adapter(steps=4, batch_size=4, device="cpu").fit(*map(str, folders))
    assert not adapter.helped_
    assert adapter.why_.startswith("The adapted training failed: ")
    assert adapter.model_.predict(folders[1] / rows[0]["file_name"]) == [rows[0]["label"]]


def test_a_target_folder_may_have_the_name_of_a_known_set(
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folders[1], "mnist")
    ended = sparring("adapt", folders[0], "mnist", *STEPS, "--out", "out")
    assert ended.code == 0
    assert ended.out[0].startswith("expected accuracy on ./mnist: ")
    assert len(list(Path("out/runs").glob("tiny-drawn-*_mnist-adapted-0-*/scores.json"))) == 1
