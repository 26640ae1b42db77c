import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sparring.data.images import Images
from sparring.errors import TrainingFailed
from sparring.methods import DANN, DSN
from sparring.runs import AdaptationJob, Library, Scenario
from sparring.runs.folder import RunFolder
from sparring.runs.progress import Screen
from sparring.runtime import resolve_precision
from sparring.trainer import Training
from tests.conftest import CPU


def run(
    library: Library, path: Path, scenario: Scenario = "adapted", *, steps: int = 2, seed: int = 0
) -> dict[str, Any]:
    job = AdaptationJob(DANN(), scenario, "left", "right", seed, Training(steps, 10), per_class=2)
    folder = RunFolder(path / job.name)
    job.run(library, folder, CPU, Screen())
    scores: dict[str, Any] = folder.read("scores")
    return scores | {"weights": (folder.path / "weights.safetensors").read_bytes()}


@pytest.mark.parametrize("scenario", ["adapted", "source-only"])
def test_target_training_labels_cannot_reach_the_weights(
    library: Library, scrambled: Library, tmp_path: Path, scenario: Scenario
) -> None:
    true = run(library, tmp_path / "true", scenario)
    wrong = run(scrambled, tmp_path / "wrong", scenario)
    assert true["weights"] == wrong["weights"]


def test_target_only_does_train_on_target_labels(
    library: Library, scrambled: Library, tmp_path: Path
) -> None:
    true = run(library, tmp_path / "true", "target-only")
    wrong = run(scrambled, tmp_path / "wrong", "target-only")
    assert true["weights"] != wrong["weights"]


def other_labels(images: Images) -> torch.Tensor:
    assert images.labels is not None
    return (images.labels + 3) % 10


def test_the_choice_knows_no_target_label(library: Library, tmp_path: Path) -> None:
    """Neither training nor test labels of the target move it; the truth is asked afterwards."""
    right = library.get("right", 32)
    parts = [replace(p, labels=other_labels(p)) for p in (right.train, right.test)]
    wrong = Library(None)
    wrong.put("left", library.get("left", 32))
    wrong.put("right", replace(right, train=parts[0], test=parts[1]))
    first, second = (
        run(shelf, tmp_path / name, steps=20)
        for name, shelf in (("true", library), ("wrong", wrong))
    )
    assert first["weights"] == second["weights"]
    choices = [scores["selection"] for scores in (first, second)]
    assert choices[0]["accuracies"] != choices[1]["accuracies"]
    for part in ("steps", "rule"):
        assert choices[0][part] == choices[1][part]
    assert choices[0]["chosen"]["step"] == choices[1]["chosen"]["step"]


def test_the_selection_is_told_with_what_it_was_worth(library: Library, tmp_path: Path) -> None:
    scores = run(library, tmp_path, steps=20)
    selection = scores["selection"]
    assert selection["steps"] == [4, 8, 12, 16, 20]
    truth = dict(zip(selection["steps"], selection["accuracies"], strict=True))
    assert selection["chosen"]["accuracy"] == truth[selection["chosen"]["step"]]
    assert selection["chosen"]["accuracy"] == scores["accuracy"]
    assert selection["last"] == {"step": 20, "accuracy": truth[20]}
    assert selection["oracle"]["accuracy"] == max(truth.values())
    validators = selection["validators"]
    assert {"source_accuracy", "averaged_agreement", "nuclear_norm"} < validators.keys()
    assert all(len(one["scores"]) == 5 for one in validators.values())
    assert "selection" not in run(library, tmp_path, "source-only", steps=2)


def test_trust_and_outputs_are_kept(library: Library, tmp_path: Path) -> None:
    scores = run(library, tmp_path, steps=4)
    trust = scores["trust"]
    assert sum(one["count"] for one in trust["reliability"]) == 30
    assert 0 <= trust["calibration_error"] <= 1
    assert trust["risk_coverage"]["coverage"][-1] == 1
    assert trust["risk_coverage"]["risk"][-1] == pytest.approx(1 - scores["accuracy"])
    with np.load(tmp_path / "dann-left-right-adapted-0/outputs.npz") as arrays:
        assert arrays["source_logits"].shape == (30, 10)
        assert arrays["target_features"].shape == (40, 512)
        assert arrays["example_pixels"].shape == (30, 3, 32, 32)
        right = (arrays["example_label"] == arrays["example_predicted"]).mean()
        assert right == pytest.approx(scores["accuracy"])


def test_the_same_seed_gives_the_same_weights_bit_for_bit(library: Library, tmp_path: Path) -> None:
    first, second, other = (
        run(library, tmp_path / name, seed=seed)["weights"]
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == second
    assert first != other


def test_an_easy_task_is_learned_and_scored(library: Library, tmp_path: Path) -> None:
    scores = run(library, tmp_path, "source-only", steps=60)
    assert scores["source_accuracy"] == pytest.approx(1.0, abs=0.1)
    confusion = np.array(scores["confusion"])
    assert confusion.shape == (10, 10)
    assert confusion.sum() == scores["test_images"] == 30
    assert scores["accuracy"] == pytest.approx(np.trace(confusion) / 30)


def test_a_dsn_run_leaves_a_complete_folder(library: Library, tmp_path: Path) -> None:
    job = AdaptationJob(DSN(), "adapted", "left", "right", 3, Training(1, 6), per_class=2)
    assert job.name == "dsn-left-right-adapted-3"
    folder = RunFolder(tmp_path / job.name)
    job.run(library, folder, CPU, Screen())
    names = {path.name for path in folder.path.iterdir()}
    assert names == {
        "config.json",
        "env.json",
        "log.jsonl",
        "weights.safetensors",
        "architecture.json",
        "features.npz",
        "outputs.npz",
        "labels.json",
        "scores.json",
    }
    config = folder.read("config")
    assert (config["method"], config["source"], config["target"]) == ("dsn", "left", "right")
    assert config["settings"]["alpha"] == 0.15
    assert config["training"] == {
        "steps": 1,
        "batch_size": 6,
        "precision": resolve_precision("auto", CPU),
    }
    titles = [network["title"] for network in folder.read("architecture")]
    assert titles == [
        "Shared encoder",
        "Private source encoder",
        "Private target encoder",
        "Decoder",
        "Label classifier",
        "Domain classifier",
    ]
    weights = load_file(folder.path / "weights.safetensors")
    assert weights["shared_encoder.0.conv1.weight"].shape == (64, 3, 7, 7)
    with np.load(folder.path / "features.npz") as arrays:
        assert arrays["embedding"].shape == (40, 2)
        assert np.bincount(arrays["domain"]).tolist() == [20, 20]
        assert np.bincount(arrays["label"]).tolist() == [4] * 10
    env = json.loads((folder.path / "env.json").read_text())
    assert env["data"]["left"]["kind"] == "stand-in"
    assert env["data"]["left"]["train"] == 40


def test_features_that_are_no_longer_finite_fail_in_one_line(
    library: Library, tmp_path: Path
) -> None:
    job = AdaptationJob(DANN(learning_rate=1e30), "adapted", "left", "right", 0, Training(1, 4))
    with pytest.raises(TrainingFailed, match="no longer finite; try a lower --learning-rate"):
        job.run(library, RunFolder(tmp_path / job.name), CPU, Screen())
