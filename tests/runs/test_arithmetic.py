import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sparring import cache
from sparring.game import Shape
from sparring.methods import DANN, DCGAN
from sparring.runs import AdaptationJob, GenerationJob, Job, arithmetic
from sparring.runs.arithmetic import Arithmetic, choose, recall, settle
from sparring.runs.folder import RunFolder
from sparring.trainer import Training

CPU = torch.device("cpu")
SMALL = DCGAN(width=4, noise_size=8)


@pytest.fixture(autouse=True)
def _capable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with bfloat16 instructions, and an empty cache folder."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def slow(monkeypatch: pytest.MonkeyPatch, **seconds: float) -> list[str]:
    """Let a step take so long in each precision; returns the steps that will be timed."""
    timed: list[str] = []

    def step(*args: object) -> float:
        timed.append("bfloat16" if args[-1] else "float32")
        return seconds[timed[-1]]

    monkeypatch.setattr(arithmetic, "_step_seconds", step)
    return timed


@pytest.mark.parametrize(("float32", "bfloat16"), [(1.0, 2.0), (2.0, 1.0), (1.0, 1.05)])
def test_the_faster_is_chosen_in_turns_and_kept(
    float32: float, bfloat16: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = slow(monkeypatch, float32=float32, bfloat16=bfloat16)
    first = choose(SMALL, Shape(16), 4, CPU)
    assert first.precision == ("float32" if bfloat16 == 2.0 else "bfloat16")
    assert first.seconds == {"float32": float32, "bfloat16": bfloat16}
    assert timed == ["float32", "bfloat16"] * 4
    assert choose(SMALL, Shape(16), 4, CPU) == first
    assert len(timed) == 8  # not measured again
    assert choose(replace(SMALL, width=8), Shape(16), 4, CPU) == first
    assert len(timed) == 16  # another network is


def test_a_damaged_choice_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = slow(monkeypatch, float32=1.0, bfloat16=2.0)
    choose(SMALL, Shape(16), 4, CPU)
    (file,) = cache.folder().glob("arithmetic-*.json")
    assert json.loads(file.read_text()) == {"float32": 1.0, "bfloat16": 2.0}
    for damaged in ("", "[]", '{"float32": 1.0}', '{"float32": "x", "bfloat16": 1}'):
        file.write_text(damaged)
        timed.clear()
        choose(SMALL, Shape(16), 4, CPU)
        assert len(timed) == 8


def test_a_machine_without_bfloat16_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = slow(monkeypatch, float32=2.0, bfloat16=1.0)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert choose(SMALL, Shape(16), 4, CPU) == Arithmetic("float32", {})
    assert not timed


@pytest.mark.parametrize("method", [SMALL, DANN()])
def test_measuring_leaves_the_random_state_and_the_method_alone(method: DCGAN | DANN) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    found = choose(method, Shape(32, ("0", "1")), 4, CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert not list(method.parameters())  # its networks are another's to build
    assert all(seconds > 0 for seconds in found.seconds.values())


def jobs() -> list[Job]:
    return [
        GenerationJob(SMALL, "faces", "", 0, Training(2, 4), 2, 30),
        GenerationJob(SMALL, "faces", "", 1, Training(2, 4), 2, 30),
        AdaptationJob(DANN(), "adapted", "a", "b", 0, Training(1, 4, "bfloat16")),
    ]


def test_jobs_are_settled_and_it_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch, float32=0.001, bfloat16=0.002)
    said: list[str] = []
    settled = settle(jobs(), CPU, said.append)
    assert [job.training.precision for job in settled] == ["float32", "float32", "bfloat16"]
    assert said == ["dcgan: float32 (1 ms a step in float32, 2 ms in bfloat16)"]


def test_a_run_goes_on_in_the_precision_it_was_begun_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, job = RunFolder(tmp_path / "run"), jobs()[0]
    assert recall(job, folder) == job
    slow(monkeypatch, float32=1.0, bfloat16=2.0)
    (begun,) = settle([job], CPU, lambda line: None)
    folder.open(begun.request(CPU))
    slow(monkeypatch, float32=2.0, bfloat16=1.0)
    for file in cache.folder().glob("*.json"):
        file.unlink()
    again = recall(job, folder)
    assert again.training.precision == "float32"
    folder.check(again.request(CPU))
