"""Plays runs on a Ray cluster, each as a task of whichever node has room for it.

No disk is shared: the data go to the nodes as they were read here, a run is played in a folder of
its node, and the files are sent back and written by this process alone. A node needs the versions
of Python, torch and sparring that are here, and nothing else. A run whose node or process dies is
begun anew elsewhere; as it follows from its seed, it ends as it would have. Knows no plan.
"""

import os

os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # it takes lines of several runs for one; read once
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told what is done here

import shutil
import signal
import socket
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import ray
import torch
from ray.exceptions import RayError, RayTaskError

from sparring.errors import RequestError, Stopped, one_line
from sparring.runs import Job, Library
from sparring.runs.folder import FILES
from sparring.runs.processes import Outcome, play_one
from sparring.runs.progress import Screen
from sparring.runs.records import Config
from sparring.runs.scores import Scores
from sparring.runtime import Machine, resolve_precision
from sparring.signals import stop_requests
from sparring.storage import write_atomically

RETRIES = 5
"""How often a run is begun anew, at most, whose node or process died."""

Files = dict[str, bytes]


def play(
    jobs: Sequence[Job],
    library: Library,
    runs: Path,
    screen: Screen,
    machine: Machine,
    address: str | None = None,
) -> Generator[Outcome]:
    """Play `jobs`, as many at a time as there is room for, each into its folder below `runs`.

    machine: what a run takes: so many threads, and a card where its device is one.
    address: of the cluster; None: Ray's own default, which is to start one on this machine.
    Yields each outcome as it comes. Raises RequestError, and Stopped: runs under way are then lost.
    """
    # What a handler raises while Ray waits is lost: the signals are collected.
    with _cluster(address), stop_requests() as stops:
        task = _play_run.options(
            num_cpus=machine.threads,
            num_gpus=int(machine.device.type == "cuda"),
            max_retries=RETRIES,
            # Ray's own number would be the first task's; others have lost a factor of 40 by it.
            runtime_env={"env_vars": {"OMP_NUM_THREADS": str(machine.threads)}},
        )
        shelf = [ray.put(library)]
        playing = {task.remote(shelf, _fixed(job, machine), machine): job for job in jobs}
        while playing:
            ended, _ = ray.wait(list(playing), num_returns=len(playing), timeout=1)
            if stops:
                raise Stopped(stops[0], "stopped; what is finished is saved")
            for one in ended:
                yield _outcome(one, playing.pop(one), runs)


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """A connection to the cluster; at its end all that this process asked of it ends too."""
    try:
        if address and address != "auto":  # Ray would try for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=10).close()
        handler = signal.getsignal(signal.SIGTERM)
        ray.init(address, include_dashboard=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:  # the last for other versions there
        why = one_line(" ".join(str(error).split()))[:200]
        raise RequestError(
            f"no Ray cluster at --address {address}: {why}; name its HOST:PORT, or "
            "start one with `ray start --head`"
        ) from error
    signal.signal(signal.SIGTERM, handler)  # in place of Ray's
    try:
        yield
    finally:
        ray.shutdown()


def _fixed(job: Job, machine: Machine) -> Job:
    """The job in the arithmetic that this machine would choose: nodes may differ, a report not."""
    precision = resolve_precision(job.training.precision, machine.device)
    return replace(job, training=replace(job.training, precision=precision))


def _outcome(
    ended: "ray.ObjectRef[tuple[Outcome, Files] | Exception]", job: Job, runs: Path
) -> Outcome:
    """How the run ended; its folder is here then. Raises what it raised."""
    try:
        found = ray.get(ended)
    except RayTaskError:
        raise
    except RayError as error:
        what = f"its process died on the cluster {RETRIES + 1} times"
        words = f"{job.name}: {what} ({type(error).__name__}); start again, to go on"
        return Outcome(job, 0.0, words, died=True)
    if isinstance(found, Exception):
        raise found
    outcome, files = found
    _write(files, runs / job.name)
    return outcome


def _write(files: Files, folder: Path) -> None:
    """Write a run folder in place of an earlier one.

    First what makes it a run's, which can be begun anew; last of all what makes it finished.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in sorted(files, key=lambda name: (name == FILES[Scores], name != FILES[Config])):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, files[name])


@ray.remote
def _play_run(
    shelf: "list[ray.ObjectRef[Library]]", job: Job, machine: Machine
) -> tuple[Outcome, Files] | Exception:
    """Play a run here, on a node: how it ended, and the files of its folder; or its error."""
    device = torch.device("cuda") if machine.device.type == "cuda" else machine.device
    machine.set_up()
    try:
        with tempfile.TemporaryDirectory(prefix="sparring-") as place:
            outcome = play_one(job, _library(*shelf), Path(place), device, Screen(live=False))
            paths = [path for path in Path(place, job.name).rglob("*") if path.is_file()]
            root = Path(place, job.name)
            return outcome, {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    except (RequestError, OSError) as error:
        return error
    except Stopped:  # the node is about to end: as after any death, another one takes the run
        os._exit(1)


@lru_cache(maxsize=1)
def _library(shelf: "ray.ObjectRef[Library]") -> Library:
    """The data, and what is made of them: once for all runs that a process plays."""
    return ray.get(shelf)
