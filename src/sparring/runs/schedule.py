"""Plays a list of runs into one output folder: plan.json (what is to run, what for) and runs/.

Started again with the same folder, finished runs are skipped and the others go on.
"""

import fcntl
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from msgspec import structs

from sparring import runtime
from sparring.data import catalogue, doctor
from sparring.data.images import summary
from sparring.errors import ProcessDied, RequestError, TrainingFailed, check_name
from sparring.runs import GeneratorRun, Job, Library, evaluators
from sparring.runs.folder import Run, read_plan
from sparring.runs.negative_transfer import compare_twins
from sparring.runs.processes import Outcome, Player, play
from sparring.runs.progress import Screen
from sparring.runs.records import Plan
from sparring.runs.scores import ClassifierScores, Scores
from sparring.runtime import Machine
from sparring.storage import sweep, write_json, writing

_LOCK = ".lock"

TOLD = 5
"""Findings of the doctor that are told before a training."""


def play_all(
    jobs: Sequence[Job],
    library: Library,
    out: Path,
    plan: Plan,
    machine: Machine,
    screen: Screen,
    player: Player = play,
) -> None:
    """Run all jobs that are not finished, as `player` plays them; then compare twins.

    plan: what the jobs are for; its runs and its time are filled in here.
    Raises RequestError before anything is trained or overwritten; after all other jobs ProcessDied,
    or else TrainingFailed; and Stopped when all is saved.
    """
    check_output(out)
    folders = {job: Run(out / "runs" / job.name) for job in jobs}
    waiting = [
        job
        for job, run in folders.items()
        if run.resized(job.config(library, machine.device), job.method.scheduled)
        or not run.finished
    ]
    for job in waiting:
        if isinstance(job, GeneratorRun):
            evaluators.check(job.judging, screen.say)
    with _nothing_left_of_a_refusal(out), writing(out), _alone(out):
        sweep(out)
        if waiting and (words := runtime.busy(machine.threads)):
            screen.say(words)
        _examine(waiting, library, screen.say)
        sets = (used for job in waiting for used in job.sets(library))
        for line in dict.fromkeys(map(summary, sets)):
            screen.say(line)
        _write_plan(plan, jobs, out, screen.say)
        for job, run in folders.items():
            if job not in waiting:
                run.tidy(job.training.keep_state)
                screen.say(f"{job.name}: finished before")
        try:
            failures = _play(waiting, library, out, machine, screen, player, len(jobs))
        finally:
            compare_twins(map(Run, sorted((out / "runs").glob("*"))), screen.say)
    if failures:
        more = f" (and {len(failures) - 1} other runs failed)" if len(failures) > 1 else ""
        died = [one for one in failures if one.died]
        kind = ProcessDied if died else TrainingFailed
        raise kind(f"{(died or failures)[0].failure}{more}")


def _play(
    waiting: Sequence[Job],
    library: Library,
    out: Path,
    machine: Machine,
    screen: Screen,
    player: Player,
    planned: int,
) -> list[Outcome]:
    """Play the jobs that are not finished; how those ended that failed."""
    failures = []
    with closing(player(waiting, library, out / "runs", screen, machine)) as ended:
        for number, one in enumerate(ended, planned - len(waiting) + 1):
            if one.failure:
                failures.append(one)
                words = f"failed: {one.failure}"
            else:
                words = outcome(Run(out / "runs" / one.job.name).scores)
            screen.say(f"[{number}/{planned}] {one.job.name}: {one.seconds:.0f} s, {words}")
    return failures


def _examine(jobs: Sequence[Job], library: Library, say: Callable[[str], None]) -> None:
    """Tell the worst of what is wrong with people's own sets; the catalogue's are known."""
    own = {job.asked: job for job in jobs if not catalogue.KNOWN.issuperset(job.asked)}
    for names, job in own.items():
        real = [found for found in job.sets(library) if found.kind == "real"]
        subjects = {found.name: doctor.Subject(found) for found in real}
        found = doctor.examine(*subjects.values()) if subjects else []
        bad = [finding for finding in found if finding.severity != "note"]
        for finding in bad[:TOLD]:
            say(finding.line())
        if bad:
            more = f"{len(bad) - TOLD} more such findings; " if len(bad) > TOLD else ""
            say(f"{more}to see the pictures: {shlex.join(['sparring', 'check', *names])}")


def _write_plan(plan: Plan, jobs: Sequence[Job], out: Path, say: Callable[[str], None]) -> None:
    """Write plan.json. But for a reproduction, what the folder held before stays in it."""
    planned = [job.name for job in jobs]
    experiments = plan.experiments
    if plan.purpose != "reproduction":
        planned = list(dict.fromkeys([*_finished_before(out, say), *planned]))
    if plan.purpose == "claims" and (out / "plan.json").is_file():
        experiments = read_plan(out).experiments | experiments
        # Of earlier claims those too that gave up: they count as unstable.
        arms = (names for arms in experiments.values() for names in arms.values())
        planned = list(dict.fromkeys(chain(planned, *arms)))
    started = datetime.now(UTC).isoformat(timespec="seconds")
    plan = structs.replace(plan, started=started, runs=planned, experiments=experiments)
    write_json(out / "plan.json", plan)


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
def _nothing_left_of_a_refusal(out: Path) -> Iterator[None]:
    """Remove `out` where it is new and no run has begun in it when the request is refused."""
    new = not out.exists()
    try:
        yield
    except RequestError:
        if new and not any(out.glob("runs/*")):
            shutil.rmtree(out, ignore_errors=True)
        raise


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


def check_output(out: Path) -> None:
    """Raise RequestError if `out` is no folder of ours, or cannot be written."""
    try:
        # A process that was killed at its start left hidden files, or the plan alone; an output
        # folder may lie inside another.
        entries = [path for path in out.iterdir() if path.name[0] != "."] if out.is_dir() else []
        ours = any((out / name).exists() for name in ("runs", "plan.json"))
        ours = ours or all((path / "runs").is_dir() for path in entries)
        parent = next(path for path in (out, *out.absolute().parents) if path.exists())
    except OSError as error:  # a name too long, or a folder that one may not look into
        raise RequestError(f"--out {out}: {error.strerror}; name another folder") from error
    if not ours:
        raise RequestError(f"--out {out} holds something else; name a new or an empty folder")
    if not parent.is_dir():
        raise RequestError(f"--out {out}: {parent} is a file; name a folder")


def outcome(scores: Scores) -> str:
    """A finished run's result in a few words."""
    if isinstance(scores, ClassifierScores):
        if scores.accuracy is None:
            return f"about {scores.expected:.1%} right on the target, as estimated without labels"
        return f"{scores.accuracy:.1%} on the target's test images"
    names = {"diversity": "diversity", "attribute_accuracy": "labels drawn as asked"}
    if scores.distance:
        names["frechet"] = f"{scores.distance}:"
    known = {words: scores.metrics.get(name) for name, words in names.items()}
    return ", ".join(f"{words} {value:.3g}" for words, value in known.items() if value is not None)
