from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pytest
import torch
from scipy.special import softmax

from sparring.data.images import DataSet, Images
from sparring.errors import RequestError, TrainingFailed
from sparring.methods import DANN, DSN, METHODS
from sparring.metrics.calibration import fit_temperature
from sparring.metrics.outputs import predict, predict_labelled
from sparring.model import Classifier, load
from sparring.runs import ClassifierRun, Library
from sparring.runs.classifier_evaluation import augmented
from sparring.runs.folder import Run
from sparring.runs.progress import Screen
from sparring.runs.records import Scenario
from sparring.runs.scores import ClassifierScores
from sparring.trainer import Training
from tests.conftest import CPU, Onlooker


def run(
    library: Library,
    path: Path,
    scenario: Scenario = "adapted",
    *,
    steps: int = 2,
    seed: int = 0,
    screen: Screen | None = None,
) -> Run:
    method = DANN(encoder="small")
    job = ClassifierRun(method, scenario, "left", "right", seed, Training(steps, 10), per_class=2)
    folder = Run(path / job.name)
    job.run(library, folder, CPU, screen or Screen())
    return folder


def weights(folder: Run) -> bytes:
    return (folder.path / "model" / "model.safetensors").read_bytes()


def scores_of(folder: Run) -> ClassifierScores:
    assert isinstance(folder.scores, ClassifierScores)
    return folder.scores


def with_target(library: Library, target: DataSet) -> Library:
    other = Library(None)
    other.put("left", library.get("left", 32))
    other.put("right", target)
    return other


@pytest.mark.parametrize("scenario", ["adapted", "source-only"])
def test_target_training_labels_cannot_reach_the_weights(
    library: Library, scrambled: Library, tmp_path: Path, scenario: Scenario
) -> None:
    true = run(library, tmp_path / "true", scenario)
    wrong = run(scrambled, tmp_path / "wrong", scenario)
    assert weights(true) == weights(wrong)


def test_target_only_does_train_on_target_labels(
    library: Library, scrambled: Library, tmp_path: Path
) -> None:
    true = run(library, tmp_path / "true", "target-only")
    wrong = run(scrambled, tmp_path / "wrong", "target-only")
    assert weights(true) != weights(wrong)


def other_labels(images: Images) -> torch.Tensor:
    assert images.labels is not None
    return (images.labels + 3) % 10


def test_the_choice_knows_no_target_label(library: Library, tmp_path: Path) -> None:
    """Neither training nor test labels of the target move it; the truth is asked afterwards."""
    right = library.get("right", 32)
    train, test = (replace(p, labels=other_labels(p)) for p in (right.train, right.test))
    wrong = with_target(library, replace(right, train=train, test=test))
    first, second = (
        scores_of(run(shelf, tmp_path / name, steps=20)).selection
        for name, shelf in (("true", library), ("wrong", wrong))
    )
    assert first is not None
    assert second is not None
    assert first.chosen == second.chosen
    for one, other in zip(first.candidates, second.candidates, strict=True):
        assert (one.step, one.validators) == (other.step, other.validators)
    assert [c.accuracy for c in first.candidates] != [c.accuracy for c in second.candidates]


def test_the_headline_is_of_the_last_state_and_the_choice_stands_beside_it(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparring.runs.selection.consensus", lambda columns: 0)
    screen = Onlooker()
    adapted = scores_of(run(library, tmp_path, steps=20, screen=screen))
    assert [(status.step, status.health) for status in screen.seen] == [
        (step, "well") for step in range(1, 21)
    ]
    selection = adapted.selection
    assert selection is not None
    assert [c.step for c in selection.candidates] == [4, 8, 12, 16, 20]
    assert selection.chosen == 0
    assert selection.candidates[-1].accuracy == adapted.accuracy
    assert all(c.accuracy is not None for c in selection.candidates)
    names = {"source_accuracy", "nuclear_norm", "class_ami"}
    assert names < selection.candidates[0].validators.keys() == selection.rank_correlation.keys()
    assert scores_of(run(library, tmp_path, "source-only")).selection is None


def test_an_unlabelled_target_is_trained_on_estimated_and_predicted(
    library: Library, tmp_path: Path
) -> None:
    right = library.get("right", 32)
    bare = with_target(library, right.unlabelled())
    folder = run(bare, tmp_path, steps=20)
    scores = scores_of(folder)
    assert scores.accuracy is scores.confusion is scores.trust is None
    assert sum(scores.predicted_shares) == pytest.approx(1)
    # As sure of these images as it is right of augmented ones of the source.
    method = cast(Classifier, load(folder.path / "model")).method
    left = predict_labelled(method, augmented(library.get("left", 32).test), CPU)
    temperature = fit_temperature(left.outputs.logits, left.label)
    sure = softmax(predict(method, right.test, CPU).logits / temperature, axis=1).max(1)
    assert scores.estimated.augmented_confidence == pytest.approx(sure.mean(), abs=1e-5)
    assert scores.selection is not None
    assert {c.accuracy for c in scores.selection.candidates} == {None}
    assert set(scores.selection.rank_correlation.values()) == {None}
    features, outputs = folder.arrays("features"), folder.arrays("outputs")
    assert set(features["label"][features["domain"] == 1]) == {-1}
    assert set(features["label"][features["domain"] == 0]) == set(range(10))
    assert set(outputs["example_label"]) == {-1}
    assert folder.openings.openings == ()
    assert not folder.config.data["target"].labelled
    assert "not known" in (folder.path / "model/README.md").read_text()
    # What is learned is what a labelled target of the same pixels gives.
    assert weights(folder) == weights(run(library, tmp_path / "labelled", steps=20))
    assert scores_of(run(bare, tmp_path, "source-only")).accuracy is None
    with pytest.raises(RequestError, match="the target right has no class labels on its train"):
        run(bare, tmp_path, "target-only")


def test_a_source_of_one_class_is_refused(library: Library) -> None:
    left = library.get("left", 32)
    sides = (
        replace(side, labels=torch.zeros(len(side), dtype=torch.long), label_names=("ant",))
        for side in (left.train, left.test)
    )
    library.put("left", DataSet("left", "real", *sides))
    job = ClassifierRun(DANN(), "adapted", "left", "right", 0, Training(2, 10))
    with pytest.raises(RequestError, match="the source left has one class alone, ant: add one"):
        job.config(library, CPU)


def test_few_test_images_cost_a_figure_and_no_training(library: Library, tmp_path: Path) -> None:
    few = library.get("left", 32).test.take(torch.arange(1))
    left, right = (library.get(name, 32) for name in ("left", "right"))
    small = Library(None)
    small.put("left", replace(left, test=few))
    small.put("right", replace(right, test=right.test.take(torch.arange(1))))
    folder = run(small, tmp_path)
    scores = scores_of(folder)
    assert scores.mixing is scores.a_distance is scores.tsne is None
    assert len(scores.notes) == 2
    assert all("1 source and 1 target test images are too few" in note for note in scores.notes)
    assert folder.arrays("features") == {}


def test_trust_and_outputs_are_kept(library: Library, tmp_path: Path) -> None:
    folder = run(library, tmp_path, steps=4)
    scores = scores_of(folder)
    trust = scores.trust
    assert trust is not None
    assert scores.accuracy is not None
    assert sum(one.count for one in trust.reliability) == 30
    assert trust.risk_coverage.coverage[-1] == 1
    assert trust.risk_coverage.risk[-1] == pytest.approx(1 - scores.accuracy)
    arrays = folder.arrays("outputs")
    assert arrays["source_logits"].shape == (30, 10)
    assert arrays["target_features"].shape == (40, 1200)
    assert arrays["example_pixels"].shape == (30, 3, 32, 32)
    right = (arrays["example_label"] == arrays["example_predicted"]).mean()
    assert right == pytest.approx(scores.accuracy)


def test_the_same_seed_gives_the_same_weights_bit_for_bit(library: Library, tmp_path: Path) -> None:
    first, second, other = (
        weights(run(library, tmp_path / name, seed=seed))
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == second
    assert first != other


def test_an_easy_task_is_learned_and_scored(library: Library, tmp_path: Path) -> None:
    scores = scores_of(run(library, tmp_path, "source-only", steps=60))
    assert scores.source_accuracy == pytest.approx(1.0, abs=0.1)
    confusion = np.array(scores.confusion)
    assert confusion.shape == (10, 10)
    assert confusion.sum() == scores.test_images == 30
    assert scores.accuracy == pytest.approx(np.trace(confusion) / 30)


def test_a_dsn_run_leaves_a_complete_folder(library: Library, tmp_path: Path) -> None:
    job = ClassifierRun(DSN(), "adapted", "left", "right", 3, Training(1, 6), per_class=2)
    assert job.name == "dsn-left-right-adapted-3"
    folder = Run(tmp_path / job.name)
    job.run(library, folder, CPU, Screen())
    assert {path.name for path in folder.path.iterdir()} == {
        "config.json",
        "env.json",
        "log.jsonl",
        "model",
        "architecture.json",
        "features.safetensors",
        "outputs.safetensors",
        "pictures.safetensors",
        "labels.json",
        "scores.json",
    }
    config = folder.config
    assert (config.method, config.preset, config.sets) == ("dsn", "report2019", ("left", "right"))
    assert config.data["source"].fingerprint == library.get("left", 32).fingerprint
    assert config.settings["alpha"] == 0.15
    assert folder.architecture is not None
    assert folder.architecture.about.startswith("DSN")
    assert [network.title for network in folder.architecture.networks] == [
        "Shared encoder",
        "Private source encoder",
        "Private target encoder",
        "Decoder",
        "Label classifier",
        "Domain classifier",
    ]
    arrays = folder.arrays("features")
    assert arrays["points"].shape == (40, 2)
    assert np.bincount(arrays["domain"]).tolist() == [20, 20]
    assert np.bincount(arrays["label"]).tolist() == [4] * 10
    assert arrays["predicted"].shape == (40,)
    assert scores_of(folder).drawn[:2] == ("image", "shared + private")
    drawn = folder.arrays("pictures")["drawn"]
    assert drawn.shape == (5, 8, 3, 32, 32)
    for half, name in ((drawn[0, :4], "left"), (drawn[0, 4:], "right")):
        known = {image.numpy().tobytes() for image in library.get(name, 32).test.pixels}
        assert all(image.tobytes() in known for image in half)


def test_features_that_are_no_longer_finite_fail_in_one_line(
    library: Library, tmp_path: Path
) -> None:
    job = ClassifierRun(
        DANN(encoder="small", learning_rate=1e30), "adapted", "left", "right", 0, Training(1, 4)
    )
    with pytest.raises(TrainingFailed):
        job.run(library, Run(tmp_path / job.name), CPU, Screen())


@dataclass(eq=False, kw_only=True)
class Averaging(DANN):
    """DANN that is judged by running means."""

    averaged: ClassVar[dict[str, float]] = {"feature_extractor": 0.9, "label_predictor": 0.9}


def test_what_is_judged_and_saved_are_the_running_means(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "averaging", Averaging)
    monkeypatch.setattr("sparring.trainer.averages.update", lambda *_: None)
    found = []
    for steps in (1, 20):
        job = ClassifierRun(
            Averaging(), "adapted", "left", "right", 0, Training(steps, 10), per_class=2
        )
        folder = Run(tmp_path / str(steps))
        job.run(library, folder, CPU, Screen())
        found.append(folder)
    one, twenty = (scores_of(folder) for folder in found)
    assert one.confusion == twenty.confusion  # a mean that does not follow stays where it began
    assert twenty.selection is not None
    assert {c.accuracy for c in twenty.selection.candidates} == {twenty.accuracy}
