"""`sparring tune`: what is asked, and the command that it ends with."""

import shlex
import sys
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from sparring import cli, runtime
from sparring.errors import RequestError
from sparring.runs import processes
from sparring.runs.folder import Run
from sparring.runs.processes import Outcome
from tests.cli.folders import class_folders, sparring

PAIR = "tune dann --source a --target b"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (f"{PAIR} --learning-rate 0.1", "give a setting as a range"),
        (f"{PAIR} --learning-rate 0.1:0.01", "a range is LOW:HIGH"),
        (f"{PAIR} --learning-rate 0:1:log", "LOW above 0"),
        (f"{PAIR} --learning-rate 1:2:lin", "a range is LOW:HIGH"),
        (f"{PAIR} --learning-rate x:2", "could not convert string to float: 'x'"),
        (f"{PAIR} --reversal-weight -1:2", "--reversal-weight must be a number from 0 up"),
        (f"{PAIR} --learning-rate 1:2 --trials 0", "--trials must be at least 1"),
        (f"{PAIR} --learning-rate 1:2 --size 0", "--size must be at least 1, not 0"),
        (f"{PAIR} --learning-rate 1:2 --steps 1:2", "--steps"),
        ("train dann --source a --target b --size 0", "--size must be at least 1, not 0"),
        ("tune dann --source a --target a --learning-rate 1:2", "a is both source and target"),
        ("tune dcgan --images a --learning-rate 1:2", "dann, dsn, mean-teacher"),
    ],
)
def test_a_wrong_request_is_told(words: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        cli._parse(shlex.split(words))()


def test_without_the_library_one_line_tells_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "sparring.runs.tuning", raising=False)
    with pytest.raises(RequestError, match=r"pip install 'sparring\[tune\]'"):
        cli._parse([*shlex.split(PAIR), "--learning-rate", "1:2", "--out", str(tmp_path)])()
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(not find_spec("optuna"), reason="needs optuna")
def test_it_ends_with_a_command_that_trains_the_best_trial_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runtime.Machine, "set_up", lambda machine: None)  # of this process
    monkeypatch.chdir(tmp_path)
    for name in ("drawn", "photographed"):
        class_folders(tmp_path / name)
    pair = "--source drawn --target photographed --steps 2 --batch-size 4"
    words = f"tune dann {pair} --trials 2 --jobs 1 --encoder small --learning-rate 1e-4:1e-2:log"
    cli._parse(shlex.split(words))()
    (line,) = capsys.readouterr().out.splitlines()
    trials = [Run(path) for path in sorted((tmp_path / "tuned/runs").iterdir())]
    assert [trial.scores.accuracy for trial in trials] == [None, None]
    rates = [trial.config.settings["learning_rate"] for trial in trials]
    assert all(1e-4 < rate < 1e-2 for rate in rates)
    assert [f"--learning-rate {rate}" in line for rate in rates].count(True) == 1
    assert line.startswith(
        f"sparring train dann {pair.partition(' --steps')[0]} --size 32 --steps 2"
    )
    cli._parse([*shlex.split(line)[1:], "--budget", "smoke"])()
    (again,) = [Run(path) for path in (tmp_path / "trainings/runs").iterdir()]
    assert again.config.settings in [trial.config.settings for trial in trials]
    assert again.scores.accuracy is not None


@pytest.mark.skipif(not find_spec("optuna"), reason="needs optuna")
def test_a_trial_that_diverged_has_failed_and_one_whose_process_died_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def play(*given: Any) -> Generator[Outcome]:
        jobs, *rest = given
        for job in jobs:
            begun.append(job.name)
            if begun.count(job.name) == 1 and "trial-0" in job.name:
                yield Outcome(job, 1.0, "its process died; start again, to go on", died=True)
            elif "trial-1" in job.name:
                yield Outcome(job, 1.0, "it diverged")
            else:
                yield from plainly([job], *rest)

    plainly = processes.play
    monkeypatch.setattr(processes, "play", play)
    monkeypatch.chdir(tmp_path)
    for name in ("drawn", "photographed"):
        class_folders(tmp_path / name)
    words = "tune dann --source drawn --target photographed --steps 2 --batch-size 4 --trials 2"
    words += " --encoder small --learning-rate 1e-4:1e-2:log --device cpu"
    first = sparring(*words.split())
    died = "sparring: its process died; start again, to go on (and 1 other runs failed)"
    assert (first.code, first.out, first.err[-1]) == (1, [], died)
    again = sparring(*words.split())
    assert again.code == 0, again.err
    assert again.out[0].startswith("sparring train dann")
    assert [name.split("-")[-2] for name in begun] == ["0", "1", "0", "1"]
    assert sparring(*words.split()).out == again.out
    assert len(begun) == 4  # the one that diverged is known not to work
