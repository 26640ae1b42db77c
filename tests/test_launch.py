import logging
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch.distributed.launcher.api as launcher
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from sparring import cli, launch
from sparring.errors import WorkFailed


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """How the processes will end: the exception that the launcher raises, if any."""
    found: list[Any] = []

    def elastic_launch(config: launcher.LaunchConfig, entrypoint: str) -> Any:
        assert (config.nproc_per_node, config.max_restarts) == (3, 0)

        def started(*arguments: str) -> None:
            assert arguments[:2] == ("-m", "sparring")
            if found:
                raise found[0]

        return started

    monkeypatch.setattr(launcher, "elastic_launch", elastic_launch)
    yield found
    logging.disable(logging.NOTSET)


def failure(number: int, code: int) -> ChildFailedError:
    return ChildFailedError("sparring", {number: ProcessFailure(number, 1, code, "no such file")})


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (None, 0),
        (failure(0, 2), 2),
        (failure(1, 143), 143),
        (failure(2, -signal.SIGKILL), 1),
        (SignalException("stopped", signal.SIGINT), 130),
    ],
    ids=["well", "refused", "stopped", "killed", "launcher stopped"],
)
def test_the_command_ends_as_its_processes_end(
    ends: list[Any], end: BaseException | None, code: int
) -> None:
    ends += [end] if end else []
    with pytest.raises(SystemExit) as stop:
        launch.start(3)
    assert (stop.value.code or 0) == code


def test_a_killed_process_that_would_have_spoken_is_told(ends: list[Any]) -> None:
    ends.append(failure(0, -signal.SIGKILL))
    with pytest.raises(WorkFailed, match=r"first of 3 processes was killed \(SIGKILL\)"):
        launch.start(3)


@pytest.mark.parametrize("number", ["0", "1"])
def test_one_process_of_a_machine_speaks(
    number: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "LOCAL_RANK": number}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit) as stop:
        cli._fail("no such thing", 2)
    assert stop.value.code == 2
    assert capsys.readouterr().err == ("" if number == "1" else "sparring: no such thing\n")
