import gc
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeGuard

import pytest
import torch

from sparring.data.images import DataSet, Images
from sparring.game import Batch
from sparring.methods import DANN
from sparring.metrics.predict import predict_labelled
from sparring.runs import AdaptationJob, Library, Scenario
from sparring.runs import classifier as adaptation
from sparring.runs.folder import RunFolder
from sparring.runs.progress import Screen
from sparring.runs.selection import Candidates, Choice, choose
from sparring.runs.target_labels import SealedTarget, openings
from sparring.trainer import Training
from tests.conftest import CPU, dataset


def run(library: Library, path: Path, scenario: Scenario = "adapted") -> RunFolder:
    job = AdaptationJob(DANN(), scenario, "left", "right", 0, Training(2, 10), per_class=2)
    folder = RunFolder(path / job.name)
    job.run(library, folder, CPU, Screen())
    return folder


def readers(folder: RunFolder) -> list[tuple[str, str]]:
    return [(opening["reader"], opening["split"]) for opening in openings(folder)]


def test_an_opening_is_recorded_with_the_hash_of_what_was_handed_out(tmp_path: Path) -> None:
    right = dataset("right", 2)
    target = SealedTarget(lambda: right, RunFolder(tmp_path))
    assert target.train.labels is target.test.labels is None
    assert openings(RunFolder(tmp_path)) == []
    target.stage = "final evaluation"
    assert target.open("test") is right.test
    # The test labels are 0 to 9, three times over, as little-endian int64.
    values = b"".join(int(k % 10).to_bytes(8, "little") for k in range(30))
    (opening,) = json.loads((tmp_path / "labels.json").read_text())
    assert opening.pop("time").endswith("+00:00")
    assert opening == {
        "set": "right",
        "split": "test",
        "reader": "final evaluation",
        "labels": f"sha256:{hashlib.sha256(values).hexdigest()}",
    }


def test_what_was_opened_before_a_run_was_stopped_stays_on_record(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    SealedTarget(lambda: dataset("right", 2), folder).open("train")
    resumed = SealedTarget(lambda: dataset("right", 2), folder)
    resumed.stage = "final evaluation"
    resumed.open("test")
    assert readers(folder) == [("training", "train"), ("final evaluation", "test")]


def test_a_run_that_was_killed_and_opens_again_has_the_record_of_one_that_was_not(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path)
    SealedTarget(lambda: dataset("right", 2), folder).open("train")
    once = (tmp_path / "labels.json").read_bytes()
    SealedTarget(lambda: dataset("right", 2), folder).open("train")
    assert (tmp_path / "labels.json").read_bytes() == once
    # Other labels are another opening, and so is another stage.
    SealedTarget(lambda: dataset("right", 2, count=50), folder).open("train")
    later = SealedTarget(lambda: dataset("right", 2), folder)
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


@pytest.mark.parametrize(
    ("scenario", "held"), [("source-only", False), ("adapted", False), ("target-only", True)]
)
def test_target_labels_are_not_in_memory_while_a_run_trains(
    scrambled: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scenario: Scenario,
    held: int,
) -> None:
    """In 'scrambled' the two domains' labels differ. It is searched for all training labels."""
    run(scrambled, tmp_path / "source before", scenario="source-only")
    honest, found = AdaptationJob._feed, []

    def watched(
        job: AdaptationJob, source: Images, target: SealedTarget, device: torch.device
    ) -> Callable[[int], Batch]:
        feed = honest(job, source, target, device)

        def feed_and_search(step: int) -> Batch:
            truth = scrambled.get("right", 32).train.labels
            assert truth is not None
            same = {thing.data_ptr() for thing in gc.get_objects() if _is(thing, truth)}
            found.append(bool(same - {truth.data_ptr()}))
            return feed(step)

        return feed_and_search

    monkeypatch.setattr(AdaptationJob, "_feed", watched)
    run(scrambled, tmp_path, scenario)
    assert len(found) >= 2
    assert set(found) == {held}


def _is(thing: object, labels: torch.Tensor) -> TypeGuard[torch.Tensor]:
    # Not isinstance: proxies among all objects of a process do things when they are asked.
    return type(thing) is torch.Tensor and thing.shape == labels.shape and thing.equal(labels)


def test_a_training_that_peeks_is_on_record(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = AdaptationJob._feed

    def leaky(
        job: AdaptationJob, source: Images, target: SealedTarget, device: torch.device
    ) -> Callable[[int], Batch]:
        target.open("train")
        return honest(job, source, target, device)

    monkeypatch.setattr(AdaptationJob, "_feed", leaky)
    found = readers(run(library, tmp_path))
    assert found == [("training", "train"), ("final evaluation", "test")]


def test_a_choice_by_an_oracle_is_on_record(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that chooses by target labels has one way to them, and that is written down."""
    sealed: list[SealedTarget] = []

    class Watched(SealedTarget):
        def __init__(self, read: Callable[[], DataSet], folder: RunFolder) -> None:
            super().__init__(read, folder)
            sealed.append(self)

    def oracle(
        candidates: Candidates, held_out: Images, unlabelled: Images, device: torch.device
    ) -> Choice:
        honest = choose(candidates, held_out, unlabelled, device)
        labelled, truth = sealed[0].open("train"), []
        for step in candidates.steps:
            candidates.load(step)
            truth.append(predict_labelled(candidates.method, labelled, device).accuracy)
        best = candidates.steps[truth.index(max(truth))]
        candidates.load(best)
        return Choice(best, honest.steps, honest.scores)

    monkeypatch.setattr(adaptation, "SealedTarget", Watched)
    monkeypatch.setattr(adaptation, "choose", oracle)
    found = readers(run(library, tmp_path))
    assert found == [("choice", "train"), ("final evaluation", "test")]
