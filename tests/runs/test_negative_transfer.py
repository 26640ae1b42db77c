import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.errors import RequestError
from sparring.runs.folder import RunFolder
from sparring.runs.negative_transfer import compare_twins

CLASSES, COUNT = 5, 200
LABEL = np.arange(COUNT) % CLASSES


def outputs(accuracy: float, shift: int = 1) -> dict[str, np.ndarray]:
    """A classifier that is unsure where it is wrong; features lie in a cluster a true class."""
    wrong = np.arange(COUNT) >= accuracy * COUNT
    sureness = np.where(wrong, 0.7, 5.0) + 0.001 * np.arange(COUNT)
    logits = sureness[:, None] * np.eye(CLASSES)[(LABEL + shift * wrong) % CLASSES]
    features = np.eye(CLASSES)[LABEL] + 1e-3 * np.random.default_rng(0).normal(size=logits.shape)
    return {
        "source_features": features.astype(np.float16),
        "source_logits": logits,
        "source_label": LABEL.astype(np.int16),
        "target_features": features.astype(np.float16),
        "target_logits": logits,
    }


def finished(
    out: Path, scenario: str, arrays: dict[str, np.ndarray], seed: int = 0, **config: Any
) -> RunFolder:
    run = RunFolder(out / f"dann-{scenario}-{seed}")
    run.open({"method": "dann", "scenario": scenario, "seed": seed, "per_class": 3} | config)
    run.write("env", {"data": {"left": {"fingerprint": "sha256:1"}}})
    np.savez(run.path / "outputs.npz", **arrays)
    run.write("scores", {})
    return run


def test_it_rings_for_an_adapted_run_that_lost_what_its_twin_knew(tmp_path: Path) -> None:
    twin = finished(tmp_path, "source-only", outputs(0.8), per_class=9)
    adapted = finished(tmp_path, "adapted", outputs(0.4))
    ((run, verdict),) = compare_twins([adapted, twin])
    assert (run, verdict.worse) == (adapted, True)
    record = json.loads((adapted.path / "twin.json").read_text())
    assert (record["twin"], record["rings"]) == ("dann-source-only-0", True)
    assert record["words"] == verdict.words
    assert set(record["changes"]) == {"information_maximisation", "nuclear_norm", "class_ami"}
    # Wrong are images 80 to 199 beside 160 to 199, by one class in both: they differ on 80.
    assert record["disagreement"] == 0.4
    assert not (twin.path / "twin.json").exists()


def test_it_is_quiet_about_a_healthy_run_and_compares_once(tmp_path: Path) -> None:
    runs = [
        finished(tmp_path, "source-only", outputs(0.6)),
        finished(tmp_path, "adapted", outputs(0.9)),
    ]
    ((_, verdict),) = compare_twins(runs)
    assert not verdict.worse
    assert list(compare_twins(runs)) == []


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"training": {"steps": 9}}, {"settings": {"alpha": 1}}]
)
def test_a_run_with_another_request_is_no_twin(tmp_path: Path, change: dict[str, Any]) -> None:
    twin = finished(tmp_path, "source-only", outputs(0.8), **change)
    adapted = finished(tmp_path, "adapted", outputs(0.4))
    assert list(compare_twins([twin, adapted])) == []


def test_a_run_on_other_data_or_not_finished_is_no_twin(tmp_path: Path) -> None:
    twin = finished(tmp_path, "source-only", outputs(0.8))
    adapted = finished(tmp_path, "adapted", outputs(0.4))
    twin.write("env", {"data": {"left": {"fingerprint": "sha256:2"}}})
    assert list(compare_twins([twin, adapted])) == []
    twin.write("env", adapted.read("env"))
    (twin.path / "scores.json").unlink()
    assert list(compare_twins([twin, adapted])) == []


def test_damaged_outputs_are_told_in_one_line(tmp_path: Path) -> None:
    runs = [finished(tmp_path, name, outputs(0.8)) for name in ("source-only", "adapted")]
    path = runs[0].path / "outputs.npz"
    path.write_bytes(path.read_bytes()[:99])
    with pytest.raises(RequestError, match=r"outputs\.npz.*remove the run folder"):
        list(compare_twins(runs))
