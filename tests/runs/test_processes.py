"""Several runs at a time: the same weights as one after another, stopped and ended as one."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from sparring.errors import RequestError
from sparring.methods import DANN, DCGAN
from sparring.runs import ClassifierRun, GeneratorRun, Job, Library
from sparring.runs.folder import Run
from sparring.runs.processes import play
from sparring.runs.progress import Screen
from sparring.runtime import Machine
from sparring.trainer import Training
from tests.conftest import CPU

TWO = Machine(CPU, 2, 1)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A folder of 24 pictures in two classes; other processes can read it."""
    random = torch.Generator().manual_seed(0)
    for index in range(24):
        folder = tmp_path / "faces" / "ab"[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = torch.randint(0, 256, (64, 64, 3), generator=random, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / f"{index}.png")
    return tmp_path / "faces"


def job(faces: Path, seed: int, steps: int = 2) -> Job:
    return GeneratorRun(DCGAN(width=4), str(faces), "", seed, Training(steps, 4), 2, 30)


def test_runs_at_a_time_end_as_runs_one_by_one(faces: Path, tmp_path: Path) -> None:
    jobs = [job(faces, seed) for seed in (0, 1)]
    for name, at_once in (("one", 1), ("two", 2)):
        ended = list(play(jobs, Library(None), tmp_path / name, Screen(), Machine(CPU, at_once, 1)))
        assert {run.job.name for run in ended} == {"dcgan-faces-0", "dcgan-faces-1"}
        assert all(run.failure is None for run in ended)
    for seed in (0, 1):
        folders = [Run(tmp_path / name / f"dcgan-faces-{seed}") for name in ("one", "two")]
        one, two = ((folder.path / "model/model.safetensors").read_bytes() for folder in folders)
        assert one == two
        assert all(folder.finished for folder in folders)


def test_a_job_that_cannot_be_done_ends_all(faces: Path, tmp_path: Path) -> None:
    absent = ClassifierRun(DANN(), "adapted", str(tmp_path / "no"), str(faces), 0, Training(2, 4))
    with pytest.raises(RequestError, match="no"):
        list(play([absent, job(faces, 0)], Library(None), tmp_path / "out", Screen(), TWO))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_child_that_is_ended_fails_its_run_and_the_rest_goes_on(
    faces: Path, tmp_path: Path, number: int
) -> None:
    jobs = [job(faces, 0, 10**6), job(faces, 1), job(faces, 2)]
    log = tmp_path / "dcgan-faces-0/log.jsonl"
    ended = []
    for outcome in play(jobs, Library(None), tmp_path, Screen(), TWO):
        if not ended:  # another run is finished; the endless one is under way
            wait(lambda: log.is_file() and log.stat().st_size)
            children = multiprocessing.active_children()
            endless = min(child.pid for child in children if child.pid)
            os.kill(endless, number)
        ended.append(outcome)
    failures = {outcome.job.seed: outcome.failure for outcome in ended}
    assert {outcome.job.seed for outcome in ended if outcome.died} == {0}
    assert failures[1] is failures[2] is None
    assert "dcgan-faces-0: its process was stopped or died (exit code" in str(failures[0])
    assert not multiprocessing.active_children()
    assert any((tmp_path / "dcgan-faces-0/checkpoints").glob("state-*.pt")) == (number == 15)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stop_reaches_every_process(faces: Path, tmp_path: Path, number: int) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from sparring.runs import GeneratorRun, Library\n"
        "from sparring.methods import DCGAN\n"
        "from sparring.runs.progress import Screen\n"
        "from sparring.signals import stopping_at_once\n"
        "from sparring.trainer import Training\n"
        "from sparring.runs.processes import play\n"
        "from sparring.runtime import Machine\n"
        "def main():\n"
        "    machine = Machine.of('cpu', 2, 1)\n"
        "    jobs = [GeneratorRun(DCGAN(width=4), sys.argv[1], '', s, Training(10**6, 4), 2, 30)\n"
        "            for s in range(5)]\n"
        "    with stopping_at_once():\n"
        "        list(play(jobs, Library(None), Path(sys.argv[2]), Screen(), machine))\n"
        "if __name__ == '__main__':\n"
        "    main()\n"
    )
    script, out = tmp_path / "script.py", tmp_path / "out"
    script.write_text(code)
    logs = [out / f"dcgan-faces-{seed}/log.jsonl" for seed in (0, 1)]
    parent = subprocess.Popen(
        [sys.executable, str(script), str(faces), str(out)], stderr=subprocess.DEVNULL
    )
    wait(lambda: all(log.is_file() and log.stat().st_size for log in logs))
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    children = [number for number in numbers if is_child(number, parent.pid)]
    parent.send_signal(number)
    parent.wait(300)
    wait(lambda: not any(alive(pid) for pid in children))
    saved = [list((out / f"dcgan-faces-{seed}/checkpoints").glob("state-*.pt")) for seed in (0, 1)]
    assert all(saved) == (number == signal.SIGTERM)
    # Jobs that lay ready for a process are not begun.
    assert sorted(path.name for path in out.iterdir()) == ["dcgan-faces-0", "dcgan-faces-1"]


def is_child(pid: int, parent: int) -> bool:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == parent
    except OSError:
        return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait(until: object, seconds: float = 300) -> None:
    assert callable(until)
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)
