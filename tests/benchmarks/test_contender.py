import json
import resource
from pathlib import Path

import pytest
import torch
from benchmarks.speed.contender import Contender, Entry, Gate, Turn, peak_memory_mb, play_ours
from benchmarks.speed.pictures import Pictures, write

from sparring.methods import DANN, DCGAN
from tests.conftest import digits

CPU = torch.device("cpu")


class Script:
    """The parent's end of a pipe, in the same process: asks for steps, keeps what it is told."""

    def __init__(self, *asked: int) -> None:
        self.asked = list(asked)
        self.told: list[Turn] = []

    def recv(self) -> int:
        return self.asked.pop(0)

    def send(self, told: Turn) -> None:
        self.told.append(told)


def test_ours_trains_in_turns_with_the_real_trainer(tmp_path: Path) -> None:
    pictures = tuple(
        write(digits(20, seed), tmp_path / str(seed), lambda image: image) for seed in range(2)
    )
    entry = Entry(DANN(), pictures, 4, CPU, tmp_path / "run", "float32")
    script = Script(2, 5, 0)
    finish = play_ours(Gate(script, CPU), entry)
    assert [turn.steps for turn in script.told] == [0, 2, 5]
    for turn in script.told[1:]:
        assert 0 < turn.inside < turn.seconds
    assert finish.data_mb == pytest.approx(2 * 20 * 3 * 32 * 32 / 1e6)
    assert finish.checkpoint_seconds > 0
    rows = (tmp_path / "run/log.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [5]


def test_a_contender_that_fails_is_told_and_does_not_hang(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    nowhere = (Pictures(tmp_path / "nowhere", ("Smiling",)),)
    contender = Contender(play_ours, Entry(DCGAN(), nowhere, 2, CPU, tmp_path / "run"))
    with pytest.raises(RuntimeError, match="ended before its time"), contender:
        contender.wait()
    assert "nowhere/pixels.npy" in capfd.readouterr().err


def test_peak_memory_is_this_process_own() -> None:
    peak = peak_memory_mb(CPU)
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    assert 0 < peak <= mine * 1.01
    held = torch.ones(30_000_000)
    assert peak_memory_mb(CPU) >= min(peak, 120)
    assert held.sum() > 0
