"""The command line: `sparring COMMAND ...`. Imports torch only when a command needs it.

Knows how requests are written; what they do is in the modules each command imports.
"""

import functools
import io
import logging
import math
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

from sparring.errors import RequestError, Stopped, TrainingFailed, check_name, one_line
from sparring.signals import stopping_at_once

if TYPE_CHECKING:
    from sparring.report2019.plan import Found

_ABOUT = """Adversarial learning on images: generators of faces, and classifiers that are carried to
a domain without labels. `sparring reproduce` is the place to start."""


def reproduce(
    data: Path | None = None,
    budget: Literal["smoke", "quick", "full"] = "quick",
    seeds: int | None = None,
    only: tuple[Literal["gan", "acgan", "dann", "dsn"], ...] = (),
    extractor: Literal["own", "inception"] = "own",
    out: Path = Path("report"),
    jobs: int = 1,
) -> None:
    """Train the source report's systems and write the whole report.

    Started again with the same --out it goes on where it was; finished runs are not run again.

    Args:
        data: Folder of real sets (celeba/, mnist_m/, svhn/ or meter_digits/, ...); without it the
            program draws stand-ins.
        budget: smoke: a minute, shows that all works; quick: within 15 minutes on 2 cores;
            full: as long as the source report trained.
        seeds: Repetitions with seeds 0, 1, ...; 1 unless the budget is full (5).
        only: Limit the report to some systems.
        extractor: Whose features fidelity is measured on: "own" learns from the same images;
            "inception" is the published one, which FID is defined on (fetched if need be).
        out: Folder for report.html, results.json, figures/ and runs/.
        jobs: Runs at a time, each in a process of its own with its share of the cores.
    """
    from sparring.report2019.plan import BUDGETS, source_report
    from sparring.runs import Library
    from sparring.runs.progress import Screen
    from sparring.runs.schedule import Plan, play_all

    _check(seeds, jobs, data)
    screen = Screen()
    found = _found(data, screen.say)
    runs = source_report(found, budget, seeds or BUDGETS[budget].seeds, only, extractor)
    plan = Plan(_command(), budget, list(found.values()))
    page = play_all(runs, Library(data), out, plan, screen, jobs)
    screen.say(f"{page}\n{out / 'results.json'}")


def claims(
    claim: tuple[str, ...] = (),
    /,
    data: Path | None = None,
    budget: Literal["smoke", "small", "full"] = "small",
    seeds: int | None = None,
    out: Path = Path("report"),
    jobs: int = 1,
) -> None:
    """Test what the source report observed: run the experiment of each claim, and decide.

    The verdicts stand in the report of --out, and with every run's score in OUT/claims/report.html.
    Started again with the same --out it goes on where it was; finished runs are not run again.

    Args:
        claim: Claims to test, such as C1 C7; all ten if none is named.
        data: Folder of real sets, as for `sparring reproduce`.
        budget: smoke: shows that all works; small: narrower networks and 32-pixel faces, for 2
            cores; full: a GPU.
        seeds: Repetitions of each arm; 5 if not given. A claim is decided from 3 on.
        out: Folder of the report; the experiments go into OUT/claims.
        jobs: Runs at a time, each in a process of its own with its share of the cores.
    """
    from sparring.report.collect import TESTS
    from sparring.report.page import build
    from sparring.report2019.claims.experiments import SCALES, experiments, unique
    from sparring.runs import Library
    from sparring.runs.progress import Screen
    from sparring.runs.schedule import Plan, play_all
    from sparring.runtime import device

    _check(seeds, jobs, data)
    scale = SCALES[budget]
    screen = Screen()
    found = _found(data, screen.say)
    tests = experiments(claim, found, scale, seeds or scale.seeds, device())
    names = {
        one: {arm: [job.name for job in runs] for arm, runs in arms.items()}
        for one, arms in tests.items()
    }
    plan = Plan(_command(), budget, list(found.values()), names)
    try:
        play_all(unique(tests), Library(data), out / TESTS, plan, screen, jobs)
    except TrainingFailed as failure:  # a finding, where stability is what is tested
        screen.say(f"counted as unstable: {failure}")
    screen.say(f"{out / TESTS / 'report.html'}")
    if (out / "plan.json").is_file():
        screen.say(f"{build(out)}")


def _check(seeds: int | None, jobs: int, data: Path | None) -> None:
    """Raise RequestError for what no session can be asked."""
    if seeds is not None and seeds < 1:
        raise RequestError(f"--seeds must be at least 1, not {seeds}")
    if jobs < 1:
        raise RequestError(f"--jobs must be at least 1, not {jobs}")
    if data is not None and not data.is_dir():
        raise RequestError(f"--data {data}: there is no such folder")


def _found(data: Path | None, say: Callable[[str], None]) -> "dict[str, Found]":
    """The sets that serve for the source report's, told to the user."""
    from sparring.report2019.plan import find_data

    found = find_data(data)
    for entry in found.values():
        say(f"{entry.asked}: {entry.used} ({entry.kind}; {entry.why})")
    return found


def train(method: str, /) -> None:
    """Train one method on any data: `sparring train METHOD --help` shows its options.

    Args:
        method: dcgan, acgan, dann or dsn.
    """
    raise AssertionError("`main` hands this command to sparring.cli.train")


def report(out: Path, /) -> None:
    """Build report.html and results.json again from the run folders in OUT/runs.

    Args:
        out: Folder that `reproduce` or `train` wrote.
    """
    from sparring.report.page import build

    try:
        ours = (out / "plan.json").is_file()
    except OSError:  # a name too long, or a folder that one may not look into
        ours = False
    if not ours:
        raise RequestError(f"{out} was not written by `sparring reproduce` or `sparring train`")
    print(build(out))


def build_mnist_m(mnist: Path, photos: Path, out: Path, seed: int = 0) -> None:
    """Build MNIST-M from MNIST and photographs, by the published recipe.

    Args:
        mnist: Folder with the four official MNIST files.
        photos: BSDS500 photographs: a folder or a zip of JPEG files.
        out: Folder to write train.parquet and test.parquet into (mnist_m/ under your data).
        seed: Which photograph and which crop each digit gets.
    """
    from sparring.data.mnist_m import build

    if seed < 0:
        raise RequestError(f"--seed must be at least 0, not {seed}")
    build(mnist, photos, out, seed)


def bench(json: Path | None = None, seconds: float = 45.0) -> None:
    """Measure this machine: images/s, memory, against the tutorials' loops and the limit.

    Args:
        json: File to write the rows to as well.
        seconds: Time for each of the six rows; more of it narrows the spread.
    """
    from benchmarks.speed import table

    from sparring.runs.progress import Screen
    from sparring.storage import write_json

    if not 0 < seconds < math.inf:
        raise RequestError(f"--seconds must be above 0, not {seconds}")
    if json is not None and (json.is_dir() or not json.absolute().parent.is_dir()):
        raise RequestError(f"--json {json}: name a file in a folder that exists")
    rows, machine = table.run(seconds, Screen())
    table.show(rows, machine)
    if json is not None:
        write_json(json, table.as_json(rows, machine))


def main() -> None:
    """Run the command; exit codes 0 done, 1 the work failed, 2 the request was wrong."""
    _tell_in_one_line()
    try:
        with stopping_at_once():
            _parse(sys.argv[1:])()
    except RequestError as error:
        _fail(error, 2)
    except TrainingFailed as error:
        _fail(error, 1)
    except Stopped as error:
        _fail(f"{error}. To go on: {_command()}", 128 + error.signal)


def _parse(arguments: list[str]) -> Callable[[], None]:
    """What the command line asks for, ready to be run. Raises RequestError."""
    for argument in arguments:
        check_name(argument)
    if arguments[:1] == ["train"] and len(arguments) > 1 and not arguments[1].startswith("-"):
        from sparring.cli.train import request

        with _told_in_one_line():
            return request(arguments[1], arguments[2:], _command())
    commands: dict[str, Callable[..., Any]] = {
        "reproduce": _later(reproduce),
        "claims": _later(claims),
        "train": _later(train),
        "report": _later(report),
        "build-mnist-m": _later(build_mnist_m),
        "bench": _later(bench),
    }
    with _told_in_one_line():
        return tyro.extras.subcommand_cli_from_dict(
            commands, prog="sparring", description=_ABOUT, args=arguments
        )


def _later(command: Callable[..., None]) -> Callable[..., Callable[[], None]]:
    """A command that tyro can fill in without running it."""

    @functools.wraps(command)
    def filled_in(*args: Any, **kwargs: Any) -> Callable[[], None]:
        return functools.partial(command, *args, **kwargs)

    return filled_in


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    """Raise RequestError where tyro prints a box on what is wrong, and exits."""
    printed = io.StringIO()
    try:
        with redirect_stderr(printed):
            yield
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        raise RequestError(unbox(printed.getvalue())) from None


def unbox(box: str) -> str:
    """The text of a box that tyro drew, in one line: what is wrong, hints, where help is.

    Of each part of the box, between rules, the first paragraph is kept.
    """
    lines = [line.strip("│|").strip() for line in re.sub(r"\x1b\[[\d;]*m", "", box).splitlines()]
    inside = "\n".join(line for line in lines if not line.startswith(("╭", "╰", "+")))
    parts = re.split(r"\n?[─-]{5,}\n?", inside)
    return "; ".join(" ".join(part.partition("\n\n")[0].split()).rstrip(".:") for part in parts)


def _tell_in_one_line() -> None:
    """Let each message of the package be one line on stderr."""

    class Line(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return f"sparring: {one_line(record.getMessage())}"

    handler = logging.StreamHandler()
    handler.setFormatter(Line())
    logging.getLogger("sparring").handlers = [handler]
    logging.getLogger("sparring").setLevel(logging.INFO)


def _command() -> str:
    return shlex.join(["sparring", *sys.argv[1:]])


def _fail(message: object, code: int) -> None:
    print(f"sparring: {one_line(message)}", file=sys.stderr)
    sys.exit(code)
