from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from sparring.metrics.calibration import AccuracyEstimates
from sparring.runs.folder import Run
from sparring.runs.negative_transfer import compare_twins
from sparring.runs.records import Config, Length, Scenario
from sparring.runs.scores import ClassifierScores
from tests.runs.test_folder import CONFIG, data

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
        "source_label": LABEL,
        "target_features": features.astype(np.float16),
        "target_logits": logits,
    }


SCORES = ClassifierScores(
    accuracy=None,
    source_accuracy=0.5,
    test_images=9,
    predicted_shares=(0.5, 0.5),
    estimated=AccuracyEstimates(0.5, 0.5, 0.5, 0.5),
    temperature=1.0,
)


def finished(out: Path, scenario: Scenario, arrays: dict[str, np.ndarray], **changes: Any) -> Run:
    run = Run(out / f"dann-{scenario}-0")
    config: Config = structs.replace(CONFIG, scenario=scenario, **changes)
    run.open(config)
    run.write_arrays("outputs", arrays)
    run.write(SCORES)
    return run


def test_it_rings_for_an_adapted_run_that_lost_what_its_twin_knew(tmp_path: Path) -> None:
    twin = finished(tmp_path, "source-only", outputs(0.8), per_class=9)
    adapted = finished(tmp_path, "adapted", outputs(0.4))
    said: list[str] = []
    compare_twins([adapted, twin], said.append)
    record = Run(adapted.path).alarm
    assert record is not None
    assert (record.twin, record.rings) == ("dann-source-only-0", True)
    assert said == [f"dann-adapted-0: {record.words}"]
    assert set(record.changes) == {"information_maximisation", "nuclear_norm", "class_ami"}
    # Wrong are images 80 to 199 beside 160 to 199, by one class in both: they differ on 80.
    assert record.disagreement == 0.4
    assert Run(twin.path).alarm is None


def test_it_is_quiet_about_a_healthy_run_and_compares_once(tmp_path: Path) -> None:
    for scenario, accuracy in (("source-only", 0.6), ("adapted", 0.9)):
        finished(tmp_path, scenario, outputs(accuracy))  # type: ignore[arg-type]
    for _ in range(2):
        compare_twins(map(Run, sorted(tmp_path.iterdir())), pytest.fail)
        path = tmp_path / "dann-adapted-0/twin.json"
        written = path.stat().st_mtime_ns
    assert path.stat().st_mtime_ns == written
    alarm = Run(path.parent).alarm
    assert alarm is not None
    assert not alarm.rings


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"training": Length(steps=9, batch_size=4, precision="float32")},
        {"settings": {"alpha": 1}},
        {"data": {**CONFIG.data, "source": data("a/digits", "ee99")}},
    ],
)
def test_a_run_with_another_request_or_other_data_is_no_twin(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    twin = finished(tmp_path, "source-only", outputs(0.8), **change)
    adapted = finished(tmp_path, "adapted", outputs(0.4))
    compare_twins([twin, adapted], pytest.fail)
    assert Run(adapted.path).alarm is None


@pytest.mark.parametrize("file", ["outputs.safetensors", "config.json"])
def test_a_damaged_run_is_told_and_left_out(tmp_path: Path, file: str) -> None:
    runs = [finished(tmp_path, name, outputs(0.8)) for name in ("source-only", "adapted")]  # type: ignore[arg-type]
    path = runs[0].path / file
    path.write_bytes(path.read_bytes()[:20])
    said: list[str] = []
    tell: Callable[[str], None] = said.append
    compare_twins(map(Run, sorted(tmp_path.iterdir())), tell)
    (line,) = said
    assert f"{file}" in line
    assert line.endswith("remove the run folder")
