"""How good the report finds what works without labels; numbers by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from sparring.report import build
from sparring.report.collect import collect
from sparring.report.runs import Run
from sparring.report.without_labels import (
    LabelReads,
    Selection,
    alarm,
    comparisons,
    estimate_errors,
)
from sparring.runs.folder import RunFolder
from tests.report.judged import PAIR, add, compare, opening, selection, text


@pytest.fixture(scope="module")
def runs(judged: Path) -> tuple[Run, ...]:
    return collect(judged).runs


def test_estimates_without_labels_are_measured_against_the_truth(
    runs: tuple[Run, ...],
) -> None:
    errors = estimate_errors(run for run in runs if run.method == "dann")
    distances = (0.10, 0.10, 0.09, 0.09, 0.08, 0.20)
    assert sorted(errors["thresholded_entropy"].runs) == pytest.approx(sorted(distances))
    assert estimate_errors([]) == {}


def test_the_choice_beside_the_last_and_the_oracle(
    runs: tuple[Run, ...], results: dict[str, Any], words: str
) -> None:
    found = Selection.of(runs)
    assert found.loss.summary.runs == pytest.approx((0.05, 0.02))
    assert found.over_last.summary.runs == pytest.approx((0.05, -0.02))
    assert list(found.validators) == ["nuclear_norm", "class_ami", "source_accuracy"]
    assert [s.runs for s in found.validators.values()] == [(1.0, 1.0), (0.5,), ()]
    assert results["selection"]["oracle_less_chosen"]["mean"] == pytest.approx(0.035)
    assert results["selection"]["n"] == 2
    assert "0 400 of 600 50.0 45.0 55.0 1 400 of 600 51.0 53.0 53.0" in words
    assert "of label-free validators: 2; in 0 of them it chose the last" in words
    assert "class ami +0.50 —" in words


def test_the_alarm_warns_offers_the_twin_and_is_measured(
    runs: tuple[Run, ...], results: dict[str, Any], words: str
) -> None:
    assert [(c.rings, c.worse) for c in comparisons(runs) if c.run.method == "dann"] == [
        *[(False, False)] * 2,
        (True, True),
    ]
    found = alarm(runs)
    assert (found.caught, found.missed, found.false_alarms, found.quiet) == (1, 0, 0, 5)
    assert results["alarm"]["specificity"]["low"] == pytest.approx(0.5655, abs=1e-3)
    assert results["adaptation"][0]["alarm"][2]["worse"] is True
    assert words.count("Negative transfer?") == 1
    twin = f"runs/dann-{PAIR}-source-only-2/weights.safetensors"
    assert f"Seed 2: The adapted classifier looks worse. The twin's weights: {twin}" in words
    assert "1 caught, 0 missed, 0 false alarms, 5 rightly quiet" in words


def test_a_twin_of_another_name_is_not_compared(reproduce: Any, tmp_path: Path) -> None:
    maker = reproduce(tmp_path, seeds=())
    maker.adaptation("dann", "mnist-m", "meter-digits", 0)
    adapted = RunFolder(tmp_path / f"runs/dann-{PAIR}-adapted-0")
    compare(tmp_path / "runs", adapted.name, rings=True)
    maker.plan()
    assert len(comparisons(collect(tmp_path).runs)) == 1
    adapted.write("twin", adapted.read("twin") | {"twin": "another"})
    assert comparisons(collect(tmp_path).runs) == []


def test_labels_read_too_early_are_counted_from_the_record(judged: Path, words: str) -> None:
    assert "before final evaluation: 0 (source-only and adapted runs with a record: 12)" in words
    assert "Not counted: 6 openings by target-only runs" in words
    path = judged / f"runs/dann-{PAIR}-adapted-1/labels.json"
    honest = path.read_text()
    try:
        path.write_text(json.dumps([opening("training", "train"), opening()]))
        leaky = text(build(judged))
        assert "before final evaluation: 1 (source" in leaky
        assert "its accuracy is no evidence" in leaky
        found = json.loads((judged / "results.json").read_text())["target_labels"]
        assert found == {"early": 1, "runs": 12, "unknown": 0, "upper_bound": 6}
    finally:
        path.write_text(honest)
        build(judged)


def test_runs_without_a_record_are_not_called_clean(reproduce: Any, tmp_path: Path) -> None:
    reproduce(tmp_path)
    reads = LabelReads.of(collect(tmp_path).runs)
    assert (reads.early, reads.runs, reads.unknown) == (0, 0, 8)
    assert "Without target labels" not in text(build(tmp_path))


def test_the_runs_of_the_claims_count_too(reproduce: Any, tmp_path: Path) -> None:
    for out in (tmp_path, tmp_path / "claims"):  # the same names in both
        maker = reproduce(out, seeds=())
        maker.adaptation("dann", "mnist-m", "meter-digits", 0)
        for scenario in ("source-only", "adapted", "target-only"):
            add(out / "runs", f"dann-{PAIR}-{scenario}-0")
        compare(out / "runs", f"dann-{PAIR}-adapted-0", rings=out == tmp_path)
        maker.plan()
    chosen = {"selection": selection(0.50, 0.45, 0.55, 0.5), "accuracy": 0.1}
    add(tmp_path / "claims/runs", f"dann-{PAIR}-adapted-0", **chosen)
    page = text(build(tmp_path))
    found = json.loads((tmp_path / "results.json").read_text())
    # Rang where adapted was better; was quiet where it was worse.
    assert (found["alarm"]["false_alarms"], found["alarm"]["missed"]) == (1, 1)
    assert found["selection"]["n"] == 1
    assert found["target_labels"]["runs"] == 4
    assert "Counted here: the runs of this page, and those of sparring claims" in page
    assert f"claims/runs/dann-{PAIR}-adapted-0 quiet -30.0" in page


def test_experiments_alone_have_their_records_read(reproduce: Any, tmp_path: Path) -> None:
    maker = reproduce(tmp_path, seeds=())
    maker.adaptation("dann", "mnist-m", "meter-digits", 0)
    name = f"dann-{PAIR}-adapted-0"
    add(tmp_path / "runs", name)
    maker.experiments = {"C10": {"resnet18": [name]}}
    maker.plan()
    assert "final evaluation: 0 (source-only and adapted runs with a record: 1)" in text(
        build(tmp_path)
    )
