"""Plays a list of runs into one output folder.

The folder holds plan.json (what is to run, and what for), runs/, and what others write beside
them. Started again with the same folder, finished runs are skipped and the others go on.
"""

import errno
import fcntl
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import structs

from sparring.errors import RequestError, TrainingFailed, check_name
from sparring.runs import Job, Library
from sparring.runs.common import disk_needed, is_longer
from sparring.runs.folder import Run, RunFolder
from sparring.runs.negative_transfer import compare_twins
from sparring.runs.processes import Outcome, play
from sparring.runs.progress import Screen
from sparring.runs.records import ClassifierScores, Plan, Scores
from sparring.runtime import Machine
from sparring.storage import sweep, write_atomically

_LOCK = ".lock"
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO}
_PICTURES = 20_000_000  # bytes of arrays that a run leaves beside its model, about
_PLENTY = 50_000_000_000  # free bytes with which nobody counts


def play_all(
    jobs: Sequence[Job],
    library: Library,
    out: Path,
    plan: Plan,
    machine: Machine,
    screen: Screen,
) -> None:
    """Run all jobs that are not finished, `machine.jobs` at a time; then compare twins.

    plan: what the jobs are for; its runs and its time are filled in here.
    Raises RequestError before anything is trained or overwritten; TrainingFailed after all other
    jobs; and Stopped when all is saved.
    """
    check_output(out)
    folders = {job.name: RunFolder(out / "runs" / job.name) for job in jobs}
    waiting = []
    for job in jobs:
        config = job.config(library, machine.device)
        longer = is_longer(folders[job.name], config, job.method)
        if longer or not folders[job.name].finished:
            waiting.append(job)
    for job in waiting:
        job.check(library, screen)
    check_room(out, waiting, library, machine.jobs)
    with _disk_errors_told(out), _alone(out):
        sweep(out)
        _write_plan(plan, jobs, out, screen.say)
        for job in jobs:
            if job not in waiting:
                folders[job.name].tidy(job.training.keep_state)
                screen.say(f"{job.name}: finished before")
        try:
            failures = _play(waiting, library, out, machine, screen, len(jobs))
        finally:
            compare_twins(map(Run, sorted((out / "runs").glob("*"))), screen.say)
    if failures:
        more = f" (and {len(failures) - 1} other runs failed)" if len(failures) > 1 else ""
        raise TrainingFailed(f"{failures[0]}{more}")


def _play(
    waiting: Sequence[Job],
    library: Library,
    out: Path,
    machine: Machine,
    screen: Screen,
    planned: int,
) -> list[str]:
    """Play the jobs that are not finished; what went wrong, a line each."""
    failures = []
    with closing(play(waiting, library, out / "runs", screen, machine)) as ended:
        for number, run in enumerate(ended, planned - len(waiting) + 1):
            if run.failure is not None:
                failures.append(run.failure)
            screen.say(f"[{number}/{planned}] {_told(run, Run(out / 'runs' / run.job.name))}")
    return failures


def _write_plan(plan: Plan, jobs: Sequence[Job], out: Path, say: Callable[[str], None]) -> None:
    """Write plan.json. But for a reproduction, what the folder held before stays in it."""
    planned = [job.name for job in jobs]
    experiments = plan.experiments
    if plan.purpose != "reproduction":
        planned = list(dict.fromkeys([*_finished_before(out, say), *planned]))
    if plan.purpose == "claims" and (out / "plan.json").is_file():
        experiments = read_plan(out).experiments | experiments
    started = datetime.now(UTC).isoformat(timespec="seconds")
    plan = structs.replace(plan, started=started, runs=planned, experiments=experiments)
    text = msgspec.json.format(msgspec.json.encode(plan), indent=2)
    write_atomically(out / "plan.json", text + b"\n")


def read_plan(out: Path) -> Plan:
    """The plan of an output folder. Raises RequestError where it is missing or damaged."""
    path = out / "plan.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except (OSError, msgspec.MsgspecError) as error:
        raise RequestError(f"cannot read {path}: {error}; name a folder of runs") from error


def _finished_before(out: Path, say: Callable[[str], None]) -> list[str]:
    """Names of the finished runs in the folder; a damaged one is told and left out."""
    names = []
    for path in sorted((out / "runs").glob("*")):
        run = Run(path)
        try:
            check_name(run.name)
            if run.finished and run.config and run.scores:
                names.append(run.name)
        except RequestError as error:
            say(f"{error} (left out)")
    return names


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
        # A process that was killed at its very start left nothing but its lock; an output folder
        # may lie inside another.
        entries = [path for path in out.iterdir() if path.name != _LOCK] if out.is_dir() else []
        ours = (out / "runs").is_dir() or all((path / "runs").is_dir() for path in entries)
        parent = _nearest(out)
    except OSError as error:  # a name too long, or a folder that one may not look into
        raise RequestError(f"--out {out}: {error.strerror}; name another folder") from error
    if not ours:
        raise RequestError(f"--out {out} holds something else; name a new or an empty folder")
    if not parent.is_dir():
        raise RequestError(f"--out {out}: {parent} is a file; name a folder")


def check_room(out: Path, waiting: Sequence[Job], library: Library, at_once: int) -> None:
    """Raise RequestError if the disk of `out` has no room for these runs, so many at once."""
    free = shutil.disk_usage(_nearest(out)).free
    if free > _PLENTY:
        return
    needs = [disk_needed(job.method, job.shape(library)) for job in waiting]
    working = sorted((while_training for while_training, _ in needs), reverse=True)[:at_once]
    needed = sum(working) + sum(stays + _PICTURES for _, stays in needs)
    if free < needed:
        raise RequestError(
            f"--out {out}: {free / 1e9:.2f} GB free, {needed / 1e9:.2f} GB needed for the states "
            f"of {len(waiting)} trainings; free some room or name a folder on another disk"
        )


def _nearest(place: Path) -> Path:
    """The place itself if it exists, else the nearest of its parents that does."""
    return next(path for path in (place, *place.absolute().parents) if path.exists())


def _told(run: Outcome, folder: Run) -> str:
    words = outcome(folder.scores) if run.failure is None else f"failed: {run.failure}"
    return f"{run.job.name}: {run.seconds:.0f} s, {words}"


def outcome(scores: Scores) -> str:
    """A finished run's result in a few words."""
    if isinstance(scores, ClassifierScores):
        if scores.accuracy is None:
            estimated = scores.estimated.thresholded_entropy
            return f"about {estimated:.1%} right on the target, as estimated without labels"
        return f"{scores.accuracy:.1%} on the target's test images"
    names = {"diversity": "diversity", "attribute_accuracy": "labels drawn as asked"}
    if scores.extractor is not None:
        names["frechet"] = scores.extractor.frechet
    known = {words: scores.metrics.get(name) for name, words in names.items()}
    return ", ".join(f"{words} {value:.3g}" for words, value in known.items() if value is not None)
