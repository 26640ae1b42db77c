"""Plays runs, one after another in this process or several at once in processes of their own.

Ranks that train together play one after another: the first one plays the runs, the others follow.

Knows runs and their folders; knows no plan and no report. Any process may be killed at any moment:
its run has failed for now and goes on from its last saved state when it is started again.
"""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

import torch

from sparring import ranks
from sparring.errors import RequestError, Stopped, TrainingFailed
from sparring.runs import Job, Library
from sparring.runs.folder import Run
from sparring.runs.progress import Screen
from sparring.runtime import Machine, release
from sparring.signals import stopping_at_once

_PATIENCE = 120.0
"""Seconds that a stopped process has to save its state."""


class Outcome(NamedTuple):
    """A run that has ended. failure: what went wrong in one line; None where it has its scores.

    died: it was its process that failed, and not the run.
    """

    job: Job
    seconds: float
    failure: str | None
    died: bool = False


Player = Callable[[Sequence[Job], Library, Path, Screen, Machine], Generator[Outcome]]
"""What plays runs: `play`, or a way of others' (on_ray.py)."""


def play(
    jobs: Sequence[Job], library: Library, runs: Path, screen: Screen, machine: Machine
) -> Generator[Outcome]:
    """Play `jobs`, each into its folder below `runs`, `machine.jobs` of them at a time.

    Yields each outcome as it comes. Raises RequestError, and Stopped when all is saved.
    """
    if min(machine.jobs, len(jobs)) > 1:
        yield from _in_processes(jobs, library.empty(), runs, machine.for_runs(len(jobs)))
    else:
        for job in jobs:
            ranks.same(job.name)
            yield play_one(job, library, runs, machine.device, screen)
        ranks.same("")


def follow(jobs: Sequence[Job], library: Library, runs: Path, device: torch.device) -> None:
    """Train along with the first rank, which plays those of `jobs` that are not finished."""
    by_name = {job.name: job for job in jobs}
    while name := ranks.same(""):
        with suppress(TrainingFailed):  # the first rank tells
            by_name[name].follow(library, Run(runs / name), device)
        release()


def play_one(
    job: Job, library: Library, runs: Path, device: torch.device, screen: Screen
) -> Outcome:
    """Play one run into its folder below `runs`. Raises RequestError and Stopped."""
    started = time.monotonic()
    failure = None
    try:
        job.run(library, Run(runs / job.name), device, screen)
    except TrainingFailed as failed:  # the other runs can still be had
        failure = str(failed)
    release()
    return Outcome(job, time.monotonic() - started, failure)


class _Worker:
    """A process that plays one run at a time; its end of the pipe closes when it dies."""

    def __init__(self, library: Library, runs: Path, machine: Machine) -> None:
        context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, library, runs, machine))
        self.process.start()
        theirs.close()

    def begin(self, job: Job, device: torch.device) -> None:
        self.job, self.started = job, time.monotonic()
        with suppress(OSError):  # where it died between two runs: `result` tells
            self.pipe.send((job, device))

    def result(self) -> Outcome:
        """How its run ended. Raises what the run raised."""
        try:
            found: Outcome | Exception = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            what = f"its process was stopped or died (exit code {self.process.exitcode})"
            failure = f"{self.job.name}: {what}; start again, to go on"
            return Outcome(self.job, time.monotonic() - self.started, failure, died=True)
        if isinstance(found, Exception):
            raise found
        return found

    def end(self) -> None:
        """Wait until it has ended, after `terminate`: a run that is under way is saved."""
        self.process.join(_PATIENCE)
        self.process.kill()
        self.pipe.close()


def _in_processes(
    jobs: Sequence[Job], library: Library, runs: Path, machine: Machine
) -> Generator[Outcome]:
    waiting = list(enumerate(jobs))
    workers: list[_Worker] = []
    idle: list[_Worker] = []
    busy: list[_Worker] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < machine.jobs:
                if not idle:
                    workers.append(_Worker(library, runs, machine))
                worker = idle.pop() if idle else workers[-1]
                number, job = waiting.pop(0)
                worker.begin(job, machine.device_of_job(number))
                busy.append(worker)
            ready = wait([worker.pipe for worker in busy])
            for worker in [worker for worker in busy if worker.pipe in ready]:
                busy.remove(worker)
                outcome = worker.result()
                if worker.process.is_alive():
                    idle.append(worker)
                yield outcome
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.end()


def _serve(pipe: Connection, library: Library, runs: Path, machine: Machine) -> None:
    """Play the runs that come through the pipe, until SIGTERM comes."""
    os.setsid()  # Ctrl-C would reach this process too: the parent alone tells it to stop
    machine.set_up()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        job, device = pipe.recv()
        try:
            with stopping_at_once():
                found: Outcome | Exception = play_one(
                    job, library, runs, device, Screen(live=False)
                )
        except (RequestError, OSError) as error:
            found = error
        except Stopped as stopped:
            sys.exit(128 + stopped.signal)
        pipe.send(found)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
