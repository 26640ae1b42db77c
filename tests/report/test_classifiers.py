"""What the report makes of the records of classifiers; numbers by hand."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.report import build
from sparring.report.classifier_words import gap, points
from sparring.report.classifiers import (
    LabelReads,
    Selection,
    alarm,
    comparisons,
    dsn_less_dann,
    estimate_errors,
    measured,
)
from sparring.report.collect import collect
from sparring.report.groups import Adaptation, adaptations
from sparring.run import RunFolder
from tests.report.judged import add, compare, examples, opening, selection, trust

PAIR = "mnist-m-meter-digits"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, reproduce: Any) -> Path:
    """DANN and DSN on one pair with seeds 0 to 2; adapted DANN of seed 2 lost accuracy."""
    out = tmp_path_factory.mktemp("judged")
    maker = reproduce(out, seeds=())
    runs = out / "runs"
    for seed in range(3):
        for method in ("dann", "dsn"):
            maker.adaptation(method, "mnist-m", "meter-digits", seed)
            add(runs, f"{method}-{PAIR}-source-only-{seed}", trust=trust(0.5), a_distance=1.5)
            better = {"a_distance": 1.0 + 0.1 * seed, "trust": trust(0.6, 0.1)}
            add(runs, f"{method}-{PAIR}-adapted-{seed}", **better)
            compare(runs, f"{method}-{PAIR}-adapted-{seed}", rings=(method, seed) == ("dann", 2))
            record = [opening("training", "train"), opening()]
            path = runs / f"{method}-{PAIR}-target-only-{seed}/labels.json"
            path.write_text(json.dumps(record))
        examples(runs / f"dann-{PAIR}-source-only-{seed}", [0, 1, 0, 0, 4, 5])
        examples(runs / f"dann-{PAIR}-adapted-{seed}", [0, 9, 2, 3, 5, 5])
    add(runs, f"dann-{PAIR}-adapted-0", selection=selection(0.50, 0.45, 0.55, 0.5))
    add(runs, f"dann-{PAIR}-adapted-1", selection=selection(0.51, 0.53, 0.53, None))
    add(runs, f"dann-{PAIR}-adapted-2", accuracy=0.40)
    maker.plan()
    build(out)
    return out


@pytest.fixture(scope="module")
def groups(out: Path) -> tuple[Adaptation, ...]:
    return adaptations(collect(out).runs)


@pytest.fixture(scope="module")
def results(out: Path) -> dict[str, Any]:
    return json.loads((out / "results.json").read_text())


def text(page: Path) -> str:
    body = re.sub(r"<style>.*?</style>", "", page.read_text(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.fixture(scope="module")
def words(out: Path) -> str:
    return text(out / "report.html")


def test_the_gain_is_paired_by_seed_and_clear_only_where_it_is(
    groups: tuple[Adaptation, ...], words: str
) -> None:
    dann, dsn = groups
    assert dann.gain.summary.runs == pytest.approx((0.1, 0.1, -0.02))
    assert (dann.gain.sign, dsn.gain.sign) == (0, 1)
    # DSN gains 17 points with every seed.
    assert points(dsn.gain) == "+17.0* [+17.0, +17.0] (n = 3)"
    assert "* clear: at least three seeds" in words


def test_the_gap_closed_has_its_interval(
    groups: tuple[Adaptation, ...], results: dict[str, Any]
) -> None:
    closed = groups[0].gap_closed
    assert closed.summary.runs == pytest.approx((0.25, 0.25, -0.05))
    assert gap(closed).startswith("15.0 ± 17.3 [-5.0, 25.0")
    found = results["adaptation"][0]["gap_closed"]
    assert found["mean"] == pytest.approx(0.15)
    assert found["interval"][0] == pytest.approx(-0.05)
    assert found["sign"] == 0


def test_dsn_less_dann_by_seed(groups: tuple[Adaptation, ...], results: dict[str, Any]) -> None:
    # 0.55 - 0.50, 0.56 - 0.51, 0.57 - 0.40.
    (found,) = dsn_less_dann(groups).values()
    assert found.summary.runs == pytest.approx((0.05, 0.05, 0.17))
    assert found.sign == 0
    assert results["dsn_less_dann"][0]["mean"] == pytest.approx(0.09)
    assert dsn_less_dann(groups[:1]) == {}


def test_measures_before_and_after(
    groups: tuple[Adaptation, ...], results: dict[str, Any], words: str
) -> None:
    found = {measure.key: (a.mean, b.mean) for measure, a, b in measured(groups[0])}
    assert found["a_distance"] == pytest.approx((1.5, 1.1))
    assert found["calibration_error_tempered"] == pytest.approx((0.15, 0.05))
    # Estimated 0.5 beside 0.40, 0.41, 0.42; 0.6 beside 0.50, 0.51, 0.40.
    assert found["estimate_error"] == pytest.approx((0.09, 0.13))
    ours = results["adaptation"][0]
    assert ours["a_distance"]["adapted"]["runs"] == pytest.approx([1.0, 1.1, 1.2])
    assert ours["risk_coverage_area"]["source_only"]["mean"] == 0.25
    assert "proxy A-distance (2: told apart) 1.50 ± 0.00 1.10 ± 0.10" in words
    assert "calibration error, % 30.0 ± 0.0 10.0 ± 0.0" in words


def test_estimates_without_labels_are_measured_against_the_truth(
    groups: tuple[Adaptation, ...],
) -> None:
    errors = estimate_errors(groups[:1])
    distances = (0.10, 0.10, 0.09, 0.09, 0.08, 0.20)
    assert sorted(errors["thresholded_entropy"].runs) == pytest.approx(sorted(distances))
    assert estimate_errors([]) == {}


def test_the_choice_beside_the_last_and_the_oracle(
    groups: tuple[Adaptation, ...], results: dict[str, Any], words: str
) -> None:
    found = Selection.of(groups)
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
    groups: tuple[Adaptation, ...], results: dict[str, Any], words: str
) -> None:
    assert [(c.rings, c.worse) for c in comparisons(groups)][:3] == [
        *[(False, False)] * 2,
        (True, True),
    ]
    found = alarm(groups)
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
    assert len(comparisons(adaptations(collect(tmp_path).runs))) == 1
    adapted.write("twin", adapted.read("twin") | {"twin": "another"})
    assert comparisons(adaptations(collect(tmp_path).runs)) == []


def test_labels_read_too_early_are_counted_from_the_record(out: Path, words: str) -> None:
    assert "before final evaluation: 0 (source-only and adapted runs with a record: 12)" in words
    assert "Not counted: 6 openings by target-only runs" in words
    path = out / f"runs/dann-{PAIR}-adapted-1/labels.json"
    honest = path.read_text()
    try:
        path.write_text(json.dumps([opening("training", "train"), opening()]))
        leaky = text(build(out))
        assert "before final evaluation: 1 (source" in leaky
        assert "its accuracy is no evidence" in leaky
        found = json.loads((out / "results.json").read_text())["target_labels"]
        assert found == {"early": 1, "runs": 12, "unknown": 0, "upper_bound": 6}
    finally:
        path.write_text(honest)
        build(out)


def test_runs_without_a_record_are_not_called_clean(reproduce: Any, tmp_path: Path) -> None:
    reproduce(tmp_path)
    reads = LabelReads.of(adaptations(collect(tmp_path).runs))
    assert (reads.early, reads.runs, reads.unknown) == (0, 0, 8)
    assert "Without target labels" not in text(build(tmp_path))


def test_figures_of_trust_and_of_what_changed(out: Path, results: dict[str, Any]) -> None:
    names = results["figures"]
    assert f"changed-dann-{PAIR}" in names
    assert f"changed-dsn-{PAIR}" not in names  # no outputs.npz
    assert {f"reliability-risk-{m}-{PAIR}" for m in ("dann", "dsn")} <= names.keys()
    page = text(out / "report.html")
    assert "adaptation fixed 2 and broke 2; up to 10" in page


def test_examples_of_other_images_are_not_compared(reproduce: Any, tmp_path: Path) -> None:
    maker = reproduce(tmp_path, seeds=())
    maker.adaptation("dann", "mnist-m", "meter-digits", 0, ("source-only", "adapted"))
    maker.plan()
    runs = tmp_path / "runs"
    for scenario, answers in (("source-only", [0] * 6), ("adapted", list(range(6)))):
        examples(runs / f"dann-{PAIR}-{scenario}-0", answers)
    build(tmp_path)
    assert (tmp_path / f"figures/changed-dann-{PAIR}.png").is_file()
    arrays = runs / f"dann-{PAIR}-adapted-0/outputs.npz"
    found = dict(np.load(arrays))
    found["example_pixels"] = found["example_pixels"][::-1]
    np.savez(arrays, **found)
    build(tmp_path)
    figures = json.loads((tmp_path / "results.json").read_text())["figures"]
    assert f"changed-dann-{PAIR}" not in figures


def test_confusions_stand_side_by_side(words: str) -> None:
    start = words.index("Confusions on meter-digits, source only and adapted, seed 0")
    assert words[start:].index("Source only, on") < words[start:].index("Adapted, on")
