import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import torch

from sparring import cli
from sparring.cli.common import RunOptions
from sparring.cli.watch import watched
from sparring.errors import RequestError
from sparring.report.serve import address, listen
from sparring.runs import schedule
from sparring.runs.records import Plan
from tests.report.maker import Maker
from tests.report.under_way import generator

SERVES = re.compile(r"(http://127\.0\.0\.1:\d+/)")


def fetched(url: str) -> str:
    with urlopen(url, timeout=120) as answer:
        return str(answer.read().decode())


def gone(url: str) -> bool:
    """Whether nobody serves there any more."""
    try:
        fetched(url)
    except URLError:
        return True
    return False


def test_it_serves_until_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = generator(tmp_path / "out")
    with listen(0) as listening:
        port, url = listening.getsockname()[1], address(listening)
    found: list[str] = []

    def look() -> None:
        while not found:
            with suppress(URLError):
                found.append(fetched(f"{url}now"))
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(sys, "argv", ["sparring", "watch", str(run.path), "--port", str(port)])
    threading.Thread(target=look).start()
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 128 + signal.SIGINT
    assert "Step 400 of 600" in found[0]
    printed = capsys.readouterr()
    assert printed.out == f"{url} shows {run.path}; Ctrl-C ends it\n"
    assert len(printed.err.splitlines()) == 1
    assert gone(url)


def test_beside_a_training_nothing_is_touched_and_nothing_stays(tmp_path: Path) -> None:
    said = list[str]()
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    state = torch.get_rng_state()
    with watched(tmp_path / "out", said.append):
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert torch.equal(torch.get_rng_state(), state)
    assert len(said) == 1
    url = SERVES.match(said[0])
    assert url is not None
    assert gone(url[1])


def test_it_serves_beside_a_training_and_ends_when_that_is_killed(tmp_path: Path) -> None:
    run = generator(tmp_path / "out")
    code = (
        "import signal, sys; from pathlib import Path; from sparring.cli.watch import watched\n"
        "with watched(Path(sys.argv[1]), lambda line: print(line, flush=True)): signal.pause()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code, str(run.path.parents[1])], stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = SERVES.match(process.stdout.readline())
            assert url is not None
            assert "Step 400 of 600" in fetched(f"{url[1]}now")
        finally:
            process.kill()
        _, errors = process.communicate(timeout=120)  # its pipes close when the other has ended
    assert errors == ""
    assert gone(url[1])


@pytest.mark.parametrize("asked", [True, False])
def test_with_watch_a_folder_is_served_as_long_as_it_is_trained_into(
    asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, meanwhile = list[Path](), list[list[Path]]()

    @contextmanager
    def serving(out: Path, say: Callable[[str], None]) -> Iterator[None]:
        served.append(out)
        yield
        served.remove(out)

    def build(out: Path) -> Path:
        meanwhile.append([*served])
        return out

    monkeypatch.setattr("sparring.cli.watch.watched", serving)
    monkeypatch.setattr(schedule, "play_all", lambda *args: meanwhile.append([*served]))
    plan = Plan(command="", budget="", runs=[], purpose="training")
    RunOptions(watch=asked, device="cpu").play([], tmp_path, plan, build)
    assert meanwhile == [[tmp_path] if asked else [], []]  # while it trains, and afterwards


def test_what_is_watched_is_the_folder_that_is_trained_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RequestError, match=r"cannot read .*plan\.json"):
        cli._parse(["watch", str(tmp_path)])()
    alone = Maker(tmp_path / "out").generator("dcgan")  # no plan beside it
    with pytest.raises(RequestError, match=r"cannot read .*plan\.json"):
        cli._parse(["watch", str(alone.path)])()
    with pytest.raises(RequestError, match="--port must lie in"):
        cli._parse(["watch", str(generator(tmp_path / "two").path), "--port", "70000"])()
    assert capsys.readouterr().out == ""
    assert RunOptions().watch is False
