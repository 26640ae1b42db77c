"""Plays runs, one after another in this process or several at once, each in a process of its own.

Knows runs and their folders; knows no plan and no report. A process may be killed at any moment: a
run goes on from its last saved state.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import torch

from sparring.errors import Stopped, TrainingFailed
from sparring.runs import Job, Library
from sparring.runs.folder import RunFolder
from sparring.runs.progress import Screen
from sparring.runtime import Machine, release
from sparring.signals import stopping_at_once


@dataclass(frozen=True)
class Outcome:
    """A run that has ended. failure: what went wrong in one line; None where it has its scores."""

    job: Job
    seconds: float
    failure: str | None


def play(
    jobs: Sequence[Job], library: Library, runs: Path, screen: Screen, machine: Machine
) -> Generator[Outcome]:
    """Play `jobs`, each into its folder below `runs`, `machine.jobs` of them at a time.

    Yields each outcome as it comes. Raises RequestError, and Stopped when all is saved.
    """
    if min(machine.jobs, len(jobs)) > 1:
        yield from _in_processes(jobs, library.data, runs, machine.for_runs(len(jobs)))
    else:
        for job in jobs:
            yield _one(job, library, runs, machine.device, screen)


def _one(job: Job, library: Library, runs: Path, device: torch.device, screen: Screen) -> Outcome:
    started = time.monotonic()
    failure = None
    try:
        job.run(library, RunFolder(runs / job.name), device, screen)
    except TrainingFailed as failed:  # the other runs can still be had
        failure = str(failed)
    release()
    return Outcome(job, time.monotonic() - started, failure)


def _in_processes(
    jobs: Sequence[Job], data: Path | None, runs: Path, machine: Machine
) -> Generator[Outcome]:
    # Torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(machine.jobs, context, _begin, (data, machine, stop)) as pool:
        pending = [
            pool.submit(_work, job, runs, machine.device_of_job(number))
            for number, job in enumerate(jobs)
        ]
        try:
            for future in as_completed(pending):
                if outcome := future.result():
                    yield outcome
        except BaseException:  # stopped, or a run's own error: the others save and end as well
            for future in pending:
                future.cancel()
            stop.set()
            raise


_library = Library(None)
"""Of a process that plays runs: its own data sets."""
_stop: Event | threading.Event = threading.Event()
"""Likewise: set when it is to stop. Runs that lie ready for it are then left alone."""


def _begin(data: Path | None, machine: Machine, stop: Event) -> None:
    """Make a new process ready: it hears of a stop from its parent alone, and ends with it."""
    global _library, _stop
    _library, _stop = Library(data), stop
    machine.set_up()
    os.setsid()  # Ctrl-C would reach it too
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # between two runs
    threading.Thread(target=_stop_when_told, daemon=True).start()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _stop_when_told() -> None:
    _stop.wait()
    os.kill(os.getpid(), signal.SIGTERM)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _work(job: Job, runs: Path, device: torch.device) -> Outcome | None:
    """Play one run in this process; None where it was stopped."""
    try:
        with stopping_at_once():
            if _stop.is_set():
                return None
            return _one(job, _library, runs, device, Screen(live=False))
    except Stopped:
        return None
