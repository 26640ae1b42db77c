import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from msgspec import structs

from sparring.data.images import Images
from sparring.game import AdaptationMethod, Batch
from sparring.methods import DANN
from sparring.metrics.outputs import predict_labelled
from sparring.runs import ClassifierRun, Library, classifier
from sparring.runs.folder import Run
from sparring.runs.progress import Screen
from sparring.runs.records import Opening, Scenario
from sparring.runs.scores import Selection
from sparring.runs.selection import Candidates, choose
from sparring.runs.target_labels import SealedTarget
from sparring.trainer import Training
from tests.conftest import CPU, dataset


def run(library: Library, path: Path, scenario: Scenario = "adapted") -> Run:
    job = ClassifierRun(
        DANN(encoder="small"), scenario, "left", "right", 0, Training(2, 10), per_class=2
    )
    folder = Run(path / job.name)
    job.run(library, folder, CPU, Screen())
    return folder


def readers(folder: Run) -> list[tuple[str, str]]:
    return [(opening.reader, opening.split) for opening in Run(folder.path).openings.openings]


def test_an_opening_is_recorded_with_the_hash_of_what_was_handed_out(tmp_path: Path) -> None:
    right = dataset("right", 2)
    target = SealedTarget(right, Run(tmp_path))
    assert target.train.labels is target.test.labels is None
    assert list(tmp_path.iterdir()) == []
    target.stage = "final evaluation"
    assert target.open("test") is right.test
    # The test labels are 0 to 9, three times over, as little-endian int64.
    values = b"".join(int(k % 10).to_bytes(8, "little") for k in range(30))
    (opening,) = Run(tmp_path).openings.openings
    assert opening.time.endswith("+00:00")
    assert opening == Opening(
        set="right",
        split="test",
        reader="final evaluation",
        labels=f"sha256:{hashlib.sha256(values).hexdigest()}",
        time=opening.time,
    )


def test_where_there_are_no_labels_nothing_is_opened(tmp_path: Path) -> None:
    target = SealedTarget(dataset("right", 2).unlabelled(), Run(tmp_path))
    assert target.open("test").labels is None
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_killed_and_opens_again_has_the_record_of_one_that_was_not(
    tmp_path: Path,
) -> None:
    folder = Run(tmp_path)
    SealedTarget(dataset("right", 2), folder).open("train")
    once = (tmp_path / "labels.json").read_bytes()
    SealedTarget(dataset("right", 2), folder).open("train")
    assert (tmp_path / "labels.json").read_bytes() == once
    # Other labels are another opening, and so is another stage.
    SealedTarget(dataset("right", 2, count=50), folder).open("train")
    later = SealedTarget(dataset("right", 2), folder)
    later.stage = "choice"
    later.open("train")
    assert [reader for reader, _ in readers(folder)] == ["training", "training", "choice"]


@pytest.mark.parametrize("scenario", ["source-only", "adapted"])
def test_labels_are_opened_once_when_all_is_decided(
    library: Library, tmp_path: Path, scenario: Scenario
) -> None:
    assert readers(run(library, tmp_path, scenario)) == [("final evaluation", "test")]


def test_target_only_says_that_it_trains_on_labels(library: Library, tmp_path: Path) -> None:
    found = readers(run(library, tmp_path, "target-only"))
    assert found == [("training", "train"), ("final evaluation", "test")]


def test_a_training_that_peeks_is_on_record(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = ClassifierRun._feed

    def leaky(
        job: ClassifierRun, source: Images, target: SealedTarget, device: torch.device
    ) -> Callable[[int], Batch]:
        target.open("train")
        return honest(job, source, target, device)

    monkeypatch.setattr(ClassifierRun, "_feed", leaky)
    found = readers(run(library, tmp_path))
    assert found == [("training", "train"), ("final evaluation", "test")]


def test_a_choice_by_an_oracle_is_on_record(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that chooses by target labels has one way to them, and that is written down."""
    sealed: list[SealedTarget] = []

    class Watched(SealedTarget):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            sealed.append(self)

    def oracle(
        candidates: Candidates, copy: AdaptationMethod, held_out: Images, *rest: object
    ) -> Selection:
        honest = choose(candidates, copy, held_out, *rest)  # type: ignore[arg-type]
        truth = predict_labelled(copy, sealed[0].open("train"), CPU).accuracy
        return structs.replace(honest, chosen=int(truth > 0.5))

    monkeypatch.setattr(classifier, "SealedTarget", Watched)
    monkeypatch.setattr(classifier, "choose", oracle)
    found = readers(run(library, tmp_path))
    assert found == [("choice", "train"), ("final evaluation", "test")]
