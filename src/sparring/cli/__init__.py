"""The command line: `sparring COMMAND ...`. Each command is the function of one file beside this.

Knows how a request is written, and how an end is told: one line, and an exit code. What a command
does is in the modules that its file imports; none of them, and no torch, is imported before it is
asked for.
"""

import functools
import importlib
import inspect
import io
import logging
import shlex
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from typing import Any, NoReturn, cast

import tyro

from sparring import __version__
from sparring.cli.common import OPTIONAL
from sparring.errors import RequestError, Stopped, WorkFailed, check_name, one_line, unknown
from sparring.launch import leave, number_here
from sparring.signals import stopping_at_once

COMMANDS = {
    "reproduce": "Train the source report's systems and write the whole report.",
    "claims": "Test what the source report observed: an experiment for each claim.",
    "train": "Train one method on any data.",
    "tune": "Search for settings of a method that carries a classifier to a domain without labels.",
    "adapt": "Carry a classifier from labelled images to a folder of images without labels.",
    "generate": "Learn to draw images like those in a folder.",
    "predict": "Label images with a trained classifier.",
    "sample": "Draw images with a trained generator.",
    "check": "Look for faults in images before training on them.",
    "export": "Write a trained model as one file for other programs: ONNX or PyTorch's .pt2.",
    "watch": "Show a training in the browser while it goes on.",
    "compare": "Tell what differs between runs, and where they part.",
    "report": "Build report.html and results.json again from what was trained.",
    "data": "Get data sets from where they are published, or build MNIST-M.",
    "bench": "Measure this machine's speed against the tutorials' loops.",
}
"""Each command's name, which is that of its file and its function, and what it is for."""

_HELP = """usage: sparring COMMAND ...

Adversarial learning on images: generators of images, and classifiers that are carried to a domain
without labels. `sparring reproduce` is the place to start.

{commands}

`sparring COMMAND --help` shows a command's options; `sparring --version` the version."""


def main() -> None:
    """Run the command; exit codes 0 done, 1 the work failed, 2 the request was wrong."""
    logging.getLogger("sparring").handlers = [_Line()]
    logging.getLogger("sparring").setLevel(logging.CRITICAL if number_here() else logging.INFO)
    try:
        with stopping_at_once():
            _parse(sys.argv[1:])()
    except RequestError as error:
        _fail(error, 2)
    except WorkFailed as error:
        _fail(error, 1)
    except Stopped as error:
        _fail(f"{error}. To go on: {command_line()}", 128 + error.signal)


def command_line() -> str:
    """This process's command, as one would type it again."""
    return shlex.join(["sparring", *sys.argv[1:]])


def _parse(arguments: list[str]) -> Callable[[], None]:
    """What the command line asks for, ready to be run. Raises RequestError."""
    for argument in arguments:
        check_name(argument)
    match arguments:
        case []:
            raise RequestError(f"name a command: {', '.join(COMMANDS)}; see sparring --help")
        case ["-h" | "--help", *_]:
            rows = "\n".join(f"    {name:<11}{what}" for name, what in COMMANDS.items())
            return functools.partial(print, _HELP.format(commands=rows))
        case ["--version", *_]:
            return functools.partial(print, f"sparring {__version__}")
        case [name, *_] if name not in COMMANDS:
            raise unknown("command", name, COMMANDS)
    name, *rest = arguments
    command = getattr(importlib.import_module(f"sparring.cli.{name}"), name)

    @functools.wraps(command)  # so that tyro reads its signature and its docstring
    def later(*given: Any, **named: Any) -> Callable[[], None]:
        return functools.partial(command, *given, **named)

    drawn = io.StringIO()
    try:
        with redirect_stderr(drawn):
            return cast(
                Callable[[], None],
                tyro.cli(
                    later,
                    prog=f"sparring {name}",
                    description=(inspect.getdoc(command) or "").partition("\n\nArgs:")[0],
                    args=rest,
                    config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
                    registry=OPTIONAL,
                ),
            )
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        raise RequestError(_undrawn(drawn.getvalue())) from None


def _undrawn(box: str) -> str:
    """The words in the box that tyro draws around an error; it has no other way to tell one."""
    inside = " ".join(box.splitlines()[1:-1])  # the first has but the title
    return " ".join(inside.translate(dict.fromkeys(range(0x2500, 0x2580), " ")).split())


class _Line(logging.Handler):
    """Shows each message of the package as one line on stderr, above a view that moves there."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"sparring: {one_line(record.getMessage())}", file=sys.stderr)


def _fail(message: object, code: int) -> NoReturn:
    if number_here() == 0:  # of those that torchrun started on this machine one speaks
        print(f"sparring: {one_line(message)}", file=sys.stderr)
    leave(code)
