"""The short version of soak.py: a round of each kind, and what is judged of many."""

import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sparring import divergence
from sparring.runs import common
from tests.endurance.soak import Round, judge, play_inside, play_outside
from tests.endurance.tiny import make_data
from tests.together import THOROUGH

pytestmark = pytest.mark.skipif(not THOROUGH, reason="takes minutes: THOROUGH=1 asks for it")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("soak"))


@pytest.fixture
def restored() -> Iterator[None]:
    """What a round changes in its process is as before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(common, "Training", common.Training)
        patch.setattr(divergence.LogIntervals, "of", divergence.LogIntervals.of)
        patch.setattr(sys, "argv", [])
        patch.setenv("XDG_CACHE_HOME", "")
        patch.setenv("MPLCONFIGDIR", "")
        yield


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("method", ["acgan", "dann"])
def test_a_round_in_this_process_ends_well_and_leaves_nothing(
    method: str, data: Path, tmp_path: Path
) -> None:
    assert play_inside(method, data, tmp_path / "round") == []
    assert list(tmp_path.iterdir()) == []


def test_a_round_of_killed_children_ends_well_and_leaves_nothing(
    data: Path, tmp_path: Path
) -> None:
    assert play_outside("dcgan", data, tmp_path / "round", random.Random(0)) == []
    assert list(tmp_path.iterdir()) == []


def rounds(count: int = 60) -> list[Round]:
    """A soak in which memory is level but for the first rounds."""
    levels = [min(500.0, 300.0 + 50 * n) for n in range(count)]
    return [Round(n, float(n), "x", m, 9, 2, 1, []) for n, m in enumerate(levels)]


def test_a_level_soak_is_good() -> None:
    assert judge(rounds())


@pytest.mark.parametrize(
    ("name", "rise"), [("memory", 1.5), ("open_files", 1), ("threads", 1), ("children", 1)]
)
def test_what_grows_is_bad(name: str, rise: Any, capsys: pytest.CaptureFixture[str]) -> None:
    grown = [replace(r, **{name: getattr(r, name) + rise * r.number}) for r in rounds()]
    assert not judge(grown)
    (bad,) = [line for line in capsys.readouterr().out.splitlines() if line.endswith("BAD")]
    assert bad.startswith(name.replace("_", " "))


def test_growth_within_the_bound_is_good() -> None:
    assert judge([replace(r, memory=r.memory + 0.5 * r.number) for r in rounds()])


def test_one_failed_round_is_bad() -> None:
    found = rounds()
    found[3] = replace(found[3], failures=["dann: no page"])
    assert not judge(found)


def test_a_few_rounds_are_not_judged_good() -> None:
    assert not judge(rounds(12))
