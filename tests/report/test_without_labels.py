"""How good the report finds what works without labels; numbers by hand."""

from pathlib import Path
from typing import Any

import pytest

from sparring.report.collect import collect
from sparring.report.without_labels import (
    Choices,
    LabelReads,
    alarm,
    comparisons,
    estimate_errors,
)
from sparring.runs.folder import Run
from sparring.runs.records import Opening, Openings
from tests.report.maker import Maker, compare


@pytest.fixture(scope="module")
def runs(built: Path) -> tuple[Run, ...]:
    return collect(built).runs


def test_estimates_are_measured_against_the_truth(runs: tuple[Run, ...]) -> None:
    errors = estimate_errors(run for run in runs if run.config.method == "dann")
    found = errors["augmented_confidence"]
    # estimated 0.45; true 0.40 0.41 0.42, 0.50 0.51 0.35, 0.80 0.81 0.82; one has no labels
    truth = (0.05, 0.05, 0.35, 0.04, 0.06, 0.36, 0.03, 0.10, 0.37)
    assert found.runs == pytest.approx(truth)
    assert estimate_errors([]) == {}


def test_the_choice_beside_the_last_and_the_oracle(
    runs: tuple[Run, ...], results: dict[str, Any], words: str
) -> None:
    found = Choices.of(run for run in runs if run.config.method == "dsn")
    # accuracies 0.40 0.55 0.50, 0.40 0.55 0.51, 0.40 0.55 0.52; chosen the first, second, third
    assert found.over_last.summary.runs == pytest.approx((-0.10, 0.04, 0.0))
    assert found.loss.summary.runs == pytest.approx((0.15, 0.0, 0.03))
    assert found.same == 1
    assert {name: s.runs for name, s in found.validators.items()} == {
        "class_ami": (0.5, 0.5, 0.5),
        "nuclear_norm": (),
    }
    assert results["selection"]["n"] == 6
    assert results["selection"]["oracle_less_chosen"]["mean"] == pytest.approx(0.06)
    assert "0 200 of 600 50.0 40.0 55.0 1 400 of 600 51.0 55.0 55.0" in words
    assert "would choose: 6; in 2 of them it is the last one" in words
    assert "class ami +0.50 +0.50 +0.50 nuclear norm — — —" in words


def test_the_alarm_warns_offers_the_twin_and_is_measured(
    runs: tuple[Run, ...], results: dict[str, Any], words: str
) -> None:
    found = alarm(runs)
    assert (found.caught, found.missed, found.false_alarms, found.quiet) == (1, 0, 0, 5)
    assert [one.change for one in comparisons(runs)][2] == pytest.approx(0.35 - 0.42)
    assert results["alarm"]["sensitivity"]["value"] == 1.0
    assert [one["worse"] for one in results["adaptation"][0]["alarm"]] == [False, False, True]
    assert "Negative transfer? Seed 2: The adapted classifier looks worse." in words
    assert "runs/dann-here-there-report2019-source-only-2/model" in words
    assert "Caught of those that were worse: 1 of 1, 100 % [21, 100]" in words


def test_an_alarm_on_a_target_without_labels_is_told_and_not_measured(maker: Maker) -> None:
    twin = maker.classifier("dann", "source-only", labelled=False)
    compare(maker.classifier("dann", labelled=False), twin, rings=True)
    found = collect(maker.plan()).runs
    assert comparisons(found)[0].change is None
    assert comparisons(found)[0].as_dict()["worse"] is None
    assert alarm(found).sensitivity is None


def test_who_read_labels_is_counted(runs: tuple[Run, ...], words: str, maker: Maker) -> None:
    # Target-only runs open them for training: the upper bound, counted apart.
    assert LabelReads.of(runs) == LabelReads(early=0, runs=13, upper_bound=6)
    assert (
        "Target labels read before final evaluation: 0 (source-only and adapted runs: 13)" in words
    )
    folder = maker.classifier("dann")
    read: dict[str, Any] = {"set": "there", "split": "train", "labels": "x", "time": "2026-01-02"}
    folder.write(Openings((Opening(reader="choice", **read),)))
    assert LabelReads.of(collect(maker.plan()).runs).early == 1
