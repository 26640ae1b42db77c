"""The answer at the head of the page: what a person is told of a model that is kept."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sparring.errors import RequestError
from sparring.report.answer import Answered
from sparring.report.page import build
from sparring.runs.records import Answer, Called, Thumbnail
from sparring.storage import write_json
from tests.report.conftest import text
from tests.report.maker import DIGITS, Maker, compare


def answered(maker: Maker, *, helped: bool, measured: int = 0, **changed: Any) -> Path:
    labelled = bool(measured)
    twin = maker.classifier("dann", "source-only", labelled=labelled)
    adapted = maker.classifier("dann", labelled=labelled)
    compare(adapted, twin, rings=not helped)
    kept, other = (adapted, twin) if helped else (twin, adapted)
    called = dict.fromkeys(DIGITS, Called(images=40, confidence=0.8, unsure=3))
    called["nine"] = Called(images=0, confidence=None, unsure=0)
    one = {"second": "six", "second_confidence": 0.01, "webp": b"picture"}
    answer = Answer(
        kept=kept.name,
        other=other.name,
        helped=helped,
        why="So say the validators.",
        expected=0.7,
        low=0.555,
        high=0.845,
        measured=measured,
        files=362,
        unreadable=2,
        called=called,
        shown=(
            Thumbnail(file="a/<b>.png", label="zero", confidence=0.97, sure=True, **one),
            Thumbnail(file="c.png", label="zero", confidence=0.31, sure=False, **one),
            Thumbnail(file="d.png", label="one", confidence=0.9, sure=True, **one),
        ),
    )
    out = maker.plan()
    write_json(out / "answer.json", msgspec.structs.replace(answer, **changed))
    build(out)
    return out


def test_what_is_kept_and_what_may_be_expected_stands_first(maker: Maker) -> None:
    page = (answered(maker, helped=True) / "report.html").read_text()
    words = text(page)
    assert words.index("1 The answer") < words.index("2 Data")
    assert "Expected accuracy, without labels 70 % (56 to 84 %)" in words
    assert (
        "Did adaptation help? yes Model kept adapted, DANN Images 362, 2 unreadable, 27 unsure"
        in words
    )
    assert "learned from here, carried to there, where nobody told it a label." in words
    assert "source-only model is kept" not in words
    assert "Measured" not in words
    assert "No image was called nine." in words
    assert "zero 40 11.1 80.0 3" in words
    assert "nine 0 0.0 — 0" in words
    assert "Shown: the 2 most frequent of 10 classes." in words
    assert "zero surest 97 % least sure 31 % six?" in words
    assert "one surest 90 % least sure no more images" in words
    assert page.count("data:image/webp;base64,cGljdHVyZQ==") == 3
    assert 'title="a/&lt;b&gt;.png: zero 97.0 %, six 1.0 %"' in page


def test_a_model_without_adaptation_is_said_to_be_that(maker: Maker) -> None:
    out = answered(maker, helped=False, measured=100)
    words = text((out / "report.html").read_text())
    assert "Did adaptation help? no sign of it Model kept source only, DANN" in words
    assert "The source-only model is kept. So say the validators." in words
    # Accuracies of 0.4 and 0.5 of the made runs; Wilson's interval by hand.
    assert "Measured on 100 labelled images, % 40.0 [30.9, 49.8]" in words
    assert "of the model that was not kept 50.0 [40.4, 59.6]" in words
    found = json.loads((out / "results.json").read_text())["answer"]
    assert (found["helped"], found["expected"], found["measured"]) == (False, 0.7, 100)
    assert "shown" not in found


def test_a_measure_of_a_model_that_is_trained_on_is_told_no_more(maker: Maker) -> None:
    out = answered(maker, helped=True, measured=40)
    found = Answered.of(out)
    assert found is not None
    kept = found.kept
    assert found.measured is not None
    assert found.measured[0].value == pytest.approx(kept.scores.accuracy, abs=1 / 80)
    kept.write(msgspec.structs.replace(kept.scores, accuracy=None))  # after further steps
    assert found.measured is None
    (kept.path / "scores.json").unlink()  # in the middle of them
    assert found.measured is None
    assert "Measured on" not in text(build(out).read_text())


def test_a_folder_without_an_answer_and_one_with_a_damaged_one(maker: Maker) -> None:
    maker.classifier("dann")
    out = maker.plan()
    build(out)
    assert "The answer" not in text((out / "report.html").read_text())
    assert Answered.of(out) is None
    (out / "answer.json").write_text("{}")
    with pytest.raises(RequestError, match=r"cannot read .*answer\.json"):
        build(out)


def test_a_model_that_is_trained_on_has_no_answer_yet(maker: Maker) -> None:
    """The page could not be built, and the words were to remove the run that was training."""
    out = answered(maker, helped=True, measured=100)
    (out / "runs" / maker.planned[1] / "scores.json").unlink()
    words = text(build(out).read_text())
    assert "The answer" not in words
    assert "1 of 2 finished" in words
    assert "answer" not in json.loads((out / "results.json").read_text())
