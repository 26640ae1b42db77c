"""Plays a list of jobs into one output folder, and builds the report from what is there.

The folder holds plan.json (what is to run, on which data, and why), runs/, and the report.
Started again with the same folder, finished runs are skipped and the others go on.
"""

import errno
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from sparring.errors import RequestError, Stopped
from sparring.jobs import Job, Library
from sparring.progress import Screen
from sparring.recipes import Found
from sparring.report.page import build
from sparring.run import RunFolder, write_json

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO}

ROOM = 1_000_000_000
"""Bytes that must be free: the largest run's state (DSN), twice, and the report."""


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

    Raises RequestError, TrainingFailed, and Stopped (after building the report of what is done).
    """
    check_output(out)
    plan: dict[str, Any] = {
        "schema": 1,
        "command": command,
        "budget": budget,
        "seeds": sorted({job.seed for job in jobs}),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": [asdict(found) for found in data],
        "runs": [job.name for job in jobs],
    }
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        for number, job in enumerate(jobs, 1):
            folder = RunFolder(out / "runs" / job.name)
            if folder.finished:
                screen.say(f"[{number}/{len(jobs)}] {job.name}: finished before")
                continue
            started = time.monotonic()
            job.run(library, folder, device, screen)
            # Written after the first job has accepted the request, so that a wrong one leaves
            # nothing behind.
            write_json(out / "plan.json", plan)
            seconds = time.monotonic() - started
            screen.say(f"[{number}/{len(jobs)}] {job.name}: {seconds:.0f} s, {outcome(folder)}")
    except OSError as error:
        if error.errno in _DISK_ERRORS:
            raise RequestError(
                f"cannot write to {out}: {error.strerror}; mend that and start again, to go on"
            ) from error
        raise
    except Stopped:
        write_json(out / "plan.json", plan)
        build(out)
        raise
    write_json(out / "plan.json", plan)
    return build(out)


def check_output(out: Path) -> None:
    """Raise RequestError if `out` holds something else, or its disk has no room."""
    if out.exists() and not out.is_dir():
        raise RequestError(f"--out {out} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / "runs").is_dir():
        raise RequestError(f"--out {out} holds something else; name a new or an empty folder")
    parent = next(folder for folder in (out, *out.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(parent).free
    if free < ROOM:
        raise RequestError(
            f"--out {out}: {free / 1e9:.2f} GB free, {ROOM / 1e9:.0f} GB needed; "
            "free some room or name a folder on another disk"
        )


def outcome(folder: RunFolder) -> str:
    """A finished run's result in a few words."""
    scores = folder.read("scores")
    if scores["kind"] == "adaptation":
        return f"{scores['accuracy']:.1%} on the target's test images"
    return ", ".join(f"{name} {value:.2f}" for name, value in scores["metrics"].items())
