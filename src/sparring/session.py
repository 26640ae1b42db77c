"""Plays a list of jobs into one output folder, and builds the report from what is there.

The folder holds plan.json (what is to run, on which data, and why), runs/, and the report.
Started again with the same folder, finished runs are skipped and the others go on.
"""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from sparring.errors import RequestError, Stopped, TrainingFailed
from sparring.jobs import Job, Library
from sparring.jobs.arithmetic import recall, settle
from sparring.progress import Screen
from sparring.recipes import Found
from sparring.report.page import build
from sparring.run import RunFolder, sweep, write_json

_LOCK = ".lock"
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO}

ROOM, ROOM_FOR_A_RUN = 2_300_000_000, 140_000_000
"""Bytes that must be free: the saved states and the candidates of the largest training (DSN), and
each run's weights."""


def play_all(
    jobs: Sequence[Job],
    library: Library,
    out: Path,
    *,
    command: str,
    budget: str,
    data: Sequence[Found],
    screen: Screen,
) -> Path:
    """Run all jobs that are not finished, then build the report. Returns the page's path.

    Raises RequestError; TrainingFailed after all other jobs, and Stopped, both after building the
    report of what is done.
    """
    check_output(out)
    folders = [RunFolder(out / "runs" / job.name) for job in jobs]
    check_room(out, sum(not folder.finished for folder in folders))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    jobs = [recall(job, folder) for job, folder in zip(jobs, folders, strict=True)]
    for job, folder in zip(jobs, folders, strict=True):
        folder.check(job.request(device))
    for job, folder in zip(jobs, folders, strict=True):
        if not folder.finished:
            job.check(library, screen)
    jobs = settle(jobs, device, screen.say)
    plan = _plan(jobs, out, command, budget, data)
    failures = []
    with _disk_errors_told(out), _alone(out):
        sweep(out)
        try:
            for number, (job, folder) in enumerate(zip(jobs, folders, strict=True), 1):
                place = f"[{number}/{len(jobs)}] {job.name}"
                if folder.finished:
                    folder.tidy()
                    screen.say(f"{place}: finished before")
                    continue
                started = time.monotonic()
                try:
                    job.run(library, folder, device, screen)
                except TrainingFailed as failure:  # the other runs can still be had
                    failures.append(str(failure))
                    screen.say(f"{place}: failed: {failure}")
                else:
                    seconds = time.monotonic() - started
                    screen.say(f"{place}: {seconds:.0f} s, {outcome(folder)}")
                # Written after the first job has accepted the request, so that a wrong one leaves
                # nothing behind.
                write_json(out / "plan.json", plan)
        except Stopped:
            write_json(out / "plan.json", plan)
            build(out)
            raise
        write_json(out / "plan.json", plan)
        page = build(out)
    if failures:
        more = f" (and {len(failures) - 1} other runs failed)" if len(failures) > 1 else ""
        raise TrainingFailed(f"{failures[0]}{more}")
    return page


def _plan(
    jobs: Sequence[Job], out: Path, command: str, budget: str, data: Sequence[Found]
) -> dict[str, Any]:
    """The content of plan.json. Finished runs that the folder holds already stay in it."""
    earlier = [RunFolder(path) for path in sorted((out / "runs").glob("*"))]
    kept = {run.name: run.read("config")["seed"] for run in earlier if run.finished}
    planned = {job.name: job.seed for job in jobs}
    runs = kept | planned if not data else planned
    return {
        "schema": 1,
        "command": command,
        "budget": budget,
        "seeds": sorted(set(runs.values())),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": [asdict(found) for found in data],
        "runs": list(runs),
    }


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold `out` for this process. The system lets go of it even when the process is killed.

    Raises RequestError where another process holds it.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(
                f"another process is at work in {out}; wait for it, or name another --out"
            ) from None
        yield


@contextmanager
def _disk_errors_told(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_ERRORS:
            raise RequestError(
                f"cannot write to {out}: {error.strerror}; mend that and start again, to go on"
            ) from error
        raise


def check_output(out: Path) -> None:
    """Raise RequestError if `out` is no folder of ours, or cannot be written."""
    try:
        # A process that was killed at its very start left nothing but its lock.
        names = {path.name for path in out.iterdir()} - {_LOCK} if out.is_dir() else set()
        if names and "runs" not in names:
            raise RequestError(f"--out {out} holds something else; name a new or an empty folder")
        parent = _nearest(out)
    except OSError as error:  # a name too long, or a folder that one may not look into
        raise RequestError(f"--out {out}: {error.strerror}; name another folder") from error
    if not parent.is_dir():
        raise RequestError(f"--out {out}: {parent} is a file; name a folder")
    if not os.access(parent, os.W_OK):
        raise RequestError(f"--out {out}: {parent} cannot be written; name another folder")


def check_room(out: Path, runs: int) -> None:
    """Raise RequestError if the disk of `out` has no room for so many runs."""
    free, needed = shutil.disk_usage(_nearest(out)).free, ROOM + runs * ROOM_FOR_A_RUN
    if runs and free < needed:
        raise RequestError(
            f"--out {out}: {free / 1e9:.2f} GB free, {needed / 1e9:.1f} GB needed; "
            "free some room or name a folder on another disk"
        )


def _nearest(place: Path) -> Path:
    """The place itself if it exists, else the nearest of its parents that does."""
    return next(path for path in (place, *place.absolute().parents) if path.exists())


def outcome(folder: RunFolder) -> str:
    """A finished run's result in a few words."""
    scores = folder.read("scores")
    if scores["kind"] == "adaptation":
        return f"{scores['accuracy']:.1%} on the target's test images"
    metrics = scores["metrics"]
    names = {"diversity": "diversity", "attribute_accuracy": "attribute accuracy"}
    if "extractor" in scores:
        names["frechet"] = scores["extractor"]["frechet"]
    known = {words: metrics.get(name) for name, words in names.items()}
    return ", ".join(f"{words} {value:.3g}" for words, value in known.items() if value is not None)
