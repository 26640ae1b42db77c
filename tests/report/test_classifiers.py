"""What the report makes of the records of classifiers; numbers by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.report import build
from sparring.report.classifier_words import gap, points
from sparring.report.classifiers import dsn_less_dann, measured
from sparring.report.collect import collect
from sparring.report.groups import Adaptation, adaptations
from tests.report.judged import PAIR, examples, text


@pytest.fixture(scope="module")
def groups(judged: Path) -> tuple[Adaptation, ...]:
    return adaptations(collect(judged).runs)


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


def test_figures_of_trust_and_of_what_changed(judged: Path, results: dict[str, Any]) -> None:
    names = results["figures"]
    assert f"changed-dann-{PAIR}" in names
    assert f"changed-dsn-{PAIR}" not in names  # no outputs.npz
    assert {f"reliability-risk-{m}-{PAIR}" for m in ("dann", "dsn")} <= names.keys()
    page = text(judged / "report.html")
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
