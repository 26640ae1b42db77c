import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import torch

from sparring import cli
from sparring.cli.common import RunOptions
from sparring.cli.watch import watched
from sparring.errors import RequestError
from tests.report.maker import Maker
from tests.report.under_way import generator

SERVES = re.compile(r"(http://127\.0\.0\.1:\d+/)")


def fetched(url: str) -> str:
    with urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def gone(url: str, seconds: float = 20.0) -> bool:
    """Whether nobody serves there any more, soon."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            fetched(url)
        except URLError:
            return True
        time.sleep(0.1)
    return False


def python(*arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, *arguments], stdout=pipe, stderr=pipe, text=True)


def test_it_serves_until_ctrl_c(tmp_path: Path) -> None:
    run = generator(tmp_path / "out")
    process = python("-m", "sparring", "watch", str(run.path))
    assert process.stdout is not None
    line = process.stdout.readline()
    url = SERVES.match(line)
    assert url is not None
    assert line == f"{url[1]} shows {run.path}; Ctrl-C ends it\n"
    assert "Step 400 of 600" in fetched(f"{url[1]}now")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGINT
    assert len(errors.splitlines()) == 1
    assert gone(url[1], 0.1)


def test_beside_a_training_it_is_a_process_that_touches_nothing(tmp_path: Path) -> None:
    run, said = generator(tmp_path / "out"), list[str]()
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    state = torch.get_rng_state()
    with watched(tmp_path / "out", said.append):
        url = SERVES.match(said[0])
        assert url is not None
        assert run.name in fetched(f"{url[1]}now")
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert torch.equal(torch.get_rng_state(), state)
    assert len(said) == 1
    assert gone(url[1], 0.1)


def test_it_ends_with_a_training_that_is_killed(tmp_path: Path) -> None:
    generator(tmp_path / "out")
    code = (
        "import signal, sys; from pathlib import Path; from sparring.cli.watch import watched\n"
        "with watched(Path(sys.argv[1]), lambda line: print(line, flush=True)): signal.pause()"
    )
    process = python("-c", code, str(tmp_path / "out"))
    assert process.stdout is not None
    url = SERVES.match(process.stdout.readline())
    assert url is not None
    fetched(url[1])
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)  # its pipes close when the other process has ended
    assert gone(url[1], 0.1)


def test_what_is_watched_is_the_folder_that_is_trained_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RequestError, match=r"cannot read .*plan\.json"):
        cli._parse(["watch", str(tmp_path)])()
    alone = Maker(tmp_path / "out").generator("dcgan")  # no plan beside it
    with pytest.raises(RequestError, match=r"cannot read .*plan\.json"):
        cli._parse(["watch", str(alone.path)])()
    with pytest.raises(RequestError, match="--port 70000"):
        cli._parse(["watch", str(generator(tmp_path / "two").path), "--port", "70000"])()
    assert capsys.readouterr().out == ""
    assert RunOptions().watch is False
