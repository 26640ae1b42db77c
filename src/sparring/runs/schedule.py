"""Plays a list of jobs into one output folder, and builds the report from what is there.

The folder holds plan.json (what is to run, on which data, and why), runs/, and the report.
Started again with the same folder, finished runs are skipped and the others go on.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sparring import runtime
from sparring.errors import RequestError, Stopped, TrainingFailed, check_name
from sparring.report.collect import TESTS, read_plan
from sparring.report.page import build
from sparring.report.runs import read_run
from sparring.report2019.plan import Found
from sparring.runs import Job, Library
from sparring.runs import processes as workers
from sparring.runs.arithmetic import recall, settle
from sparring.runs.folder import RunFolder
from sparring.runs.negative_transfer import compare_twins
from sparring.runs.progress import Screen
from sparring.storage import sweep, write_json

_LOCK = ".lock"
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO}

ROOM, ROOM_FOR_A_RUN = 2_300_000_000, 140_000_000
"""Bytes that must be free: the saved states and the candidates of the largest training (DSN), and
each run's weights."""


@dataclass(frozen=True)
class Plan:
    """What a session is to do, for plan.json.

    data: the sets chosen for the source report's roles; empty where it is not to be repeated.
    experiments: names of runs, by claim and by arm; empty where no claim is tested.
    """

    command: str
    budget: str
    data: Sequence[Found] = ()
    experiments: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    def as_dict(self, jobs: Sequence[Job], out: Path) -> dict[str, Any]:
        """The file's content. Finished runs that the folder holds already stay in it.

        Raises RequestError where one of them is damaged.
        """
        earlier = [RunFolder(path) for path in sorted((out / "runs").glob("*"))]
        for run in earlier:
            check_name(run.name)
        kept = {run.name: read_run(run).seed for run in earlier if run.finished}
        planned = {job.name: job.seed for job in jobs}
        runs = kept | planned if self.experiments or not self.data else planned
        tested = _tested(out) | dict(self.experiments) if self.experiments else {}
        return {
            "schema": 1,
            "command": self.command,
            "budget": self.budget,
            "seeds": sorted(set(runs.values())),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "data": [asdict(found) for found in self.data],
            "runs": list(runs),
            "experiments": tested,
        }


def _tested(out: Path) -> dict[str, Any]:
    """The experiments that an earlier session put into the plan of `out`."""
    return dict(read_plan(out).get("experiments", {})) if (out / "plan.json").is_file() else {}


def play_all(
    jobs: Sequence[Job],
    library: Library,
    out: Path,
    plan: Plan,
    screen: Screen,
    at_once: int = 1,
) -> Path:
    """Run all jobs that are not finished, then build the report. Returns the page's path.

    at_once: so many runs at a time, each in a process of its own.
    Raises RequestError; TrainingFailed after all other jobs, and Stopped, both after building the
    report of what is done.
    """
    check_output(out)
    folders = {job.name: RunFolder(out / "runs" / job.name) for job in jobs}
    jobs = [recall(job, folders[job.name]) for job in jobs]
    done = [job for job in jobs if folders[job.name].finished]
    waiting = [job for job in jobs if not folders[job.name].finished]
    check_room(out, len(waiting))
    for job in jobs:
        folders[job.name].check(job.request(runtime.device()))
    for job in waiting:
        job.check(library, screen)
    waiting = settle(waiting, runtime.device(), screen.say)
    content = plan.as_dict(jobs, out)
    failures = []
    with _disk_errors_told(out), _alone(out):
        sweep(out)
        for job in done:
            folders[job.name].tidy()
            screen.say(f"{job.name}: finished before")
        try:
            with closing(workers.play(waiting, library, out / "runs", screen, at_once)) as ended:
                for number, run in enumerate(ended, len(done) + 1):
                    if run.failure is not None:
                        failures.append(run.failure)
                    screen.say(f"[{number}/{len(jobs)}] {_told(run, folders[run.job.name])}")
                    # Written after the first job has accepted the request, so that a wrong one
                    # leaves nothing behind.
                    write_json(out / "plan.json", content)
        except Stopped:
            write_json(out / "plan.json", content)
            _report(out, screen)
            raise
        write_json(out / "plan.json", content)
        page = _report(out, screen)
    if failures:
        more = f" (and {len(failures) - 1} other runs failed)" if len(failures) > 1 else ""
        raise TrainingFailed(f"{failures[0]}{more}")
    return page


def _report(out: Path, screen: Screen) -> Path:
    """Compare adapted runs with their twins, tell where the alarm rings, and build the report."""
    for run, verdict in compare_twins(map(RunFolder, sorted((out / "runs").glob("*")))):
        if verdict.worse:
            screen.say(f"{run.name}: {verdict.words}")
    return build(out)


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
        # A process that was killed at its very start left nothing but its lock; `sparring claims`
        # leaves its own folder.
        names = {path.name for path in out.iterdir()} - {_LOCK, TESTS} if out.is_dir() else set()
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


def _told(run: workers.Outcome, folder: RunFolder) -> str:
    words = outcome(folder) if run.failure is None else f"failed: {run.failure}"
    return f"{run.job.name}: {run.seconds:.0f} s, {words}"


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
