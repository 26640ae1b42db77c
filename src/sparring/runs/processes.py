"""Plays jobs, one after another in this process or several at once, each in a process of its own.

Knows jobs and run folders; knows no plan and no report. A process may be killed at any moment: a
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
from pathlib import Path

import torch

from sparring.errors import Stopped, TrainingFailed
from sparring.runs import Job, Library
from sparring.runs.folder import RunFolder
from sparring.runs.progress import Screen
from sparring.runtime import device, release
from sparring.signals import stopping_at_once


@dataclass(frozen=True)
class Outcome:
    """A job that has ended. failure: what went wrong in one line; None where it has its scores."""

    job: Job
    seconds: float
    failure: str | None


def play(
    jobs: Sequence[Job], library: Library, runs: Path, screen: Screen, at_once: int
) -> Generator[Outcome]:
    """Play `jobs`, each into its folder below `runs`, `at_once` of them at a time.

    Yields each outcome as it comes. Raises RequestError, and Stopped when all is saved.
    """
    if min(at_once, len(jobs)) > 1:
        yield from _apart(jobs, library.data, runs, min(at_once, len(jobs)))
    else:
        for job in jobs:
            yield _one(job, library, runs, screen)


def _one(job: Job, library: Library, runs: Path, screen: Screen) -> Outcome:
    started = time.monotonic()
    failure = None
    try:
        job.run(library, RunFolder(runs / job.name), device(), screen)
    except TrainingFailed as failed:  # the other runs can still be had
        failure = str(failed)
    release()
    return Outcome(job, time.monotonic() - started, failure)


def _apart(jobs: Sequence[Job], data: Path | None, runs: Path, at_once: int) -> Generator[Outcome]:
    threads = max(1, torch.get_num_threads() // at_once)
    # Torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(at_once, context, _begin, (data, threads)) as pool:
        pending = [pool.submit(_work, job, runs) for job in jobs]
        try:
            for future in as_completed(pending):
                if outcome := future.result():
                    yield outcome
        except BaseException:  # stopped, or a job's own error: the others save and end as well
            for future in pending:
                future.cancel()
            for child in multiprocessing.active_children():
                if child.pid is not None:
                    os.kill(child.pid, signal.SIGTERM)
            raise


_library = Library(None)
"""Of a process that plays jobs: its own data sets."""
_stopped = False
"""Likewise: whether it was told to stop. Jobs that lie ready for it are then left alone."""


def _begin(data: Path | None, threads: int) -> None:
    """Make a new process ready: it hears of a stop from its parent alone, and ends with it."""
    global _library
    _library = Library(data)
    torch.set_num_threads(threads)
    os.setsid()  # Ctrl-C would reach it too
    signal.signal(signal.SIGTERM, _stop)  # between two jobs
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _stop(*_: object) -> None:
    global _stopped
    _stopped = True


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _work(job: Job, runs: Path) -> Outcome | None:
    """Play one job in this process; None where it was stopped."""
    try:
        with stopping_at_once():
            return None if _stopped else _one(job, _library, runs, Screen(live=False))
    except Stopped:
        _stop()
        return None
