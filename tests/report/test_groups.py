from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparring.report.collect import collect
from sparring.report.groups import adaptations, generations


def test_generators_by_method_and_attributes(built: Path) -> None:
    groups = generations(collect(built).runs)
    assert [g.key for g in groups] == ["dcgan", "acgan", "acgan[Smiling+Male]", "acgan[all]"]
    assert [g.main for g in groups] == [True, True, False, False]
    names = [
        [g.figure(what) for what in ("samples", "losses", "progress", "pairs")] for g in groups
    ]
    assert names[0][:3] == ["samples", "losses-dcgan", "progress-dcgan"]
    assert names[1] == ["samples-acgan", "losses-acgan", "progress-acgan", "pairs"]
    assert names[2][2:] == ["progress-acgan-Smiling+Male", "pairs-Smiling+Male"]
    assert groups[3].title == "ACGAN on all 40 attributes"


def test_gap_closed_is_the_share_of_the_way(built: Path) -> None:
    group = adaptations(collect(built).runs)[0]
    assert group.key == "dann-mnist-m-meter-digits"
    # (0.50 - 0.40) / (0.80 - 0.40)
    assert group.gap_closed.summary.mean == pytest.approx(0.25)
    assert group.score("adapted", "mixing").mean == pytest.approx(0.4)
    assert group.score("target-only", "mixing").n == 0


def test_gaps_are_paired_by_seed(reproduce: Callable[..., Any], tmp_path: Path) -> None:
    reproduce(tmp_path, seeds=(3, 1, 2))
    for scenario, seed in (("target-only", 2), ("adapted", 1)):
        (tmp_path / f"runs/dann-mnist-m-meter-digits-{scenario}-{seed}/scores.json").unlink()
    group = adaptations(collect(tmp_path).runs)[0]
    assert [run.seed for run in group.of("source-only")] == [1, 2, 3]
    assert list(group.gap_by_seed) == [3]
    assert group.score("adapted").runs == pytest.approx((0.52, 0.53))
    assert group.score("adapted").sd == pytest.approx(0.01 / 2**0.5)


def test_no_gap_where_the_upper_bound_is_not_above(
    reproduce: Callable[..., Any], tmp_path: Path
) -> None:
    reproduce(tmp_path)
    group = adaptations(collect(tmp_path).runs)[0]
    group.of("target-only")[0].scores["accuracy"] = 0.40
    assert group.gap_closed.summary.n == 0
    assert group.gap_closed.summary.mean is None
