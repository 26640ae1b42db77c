"""`sparring watch`: the report while a training goes on, in a browser; and `--watch`, beside it.

Knows which folder is watched and how it ends; pages and server are in `report`.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Annotated

import tyro

from sparring.cli.report import build
from sparring.errors import Stopped
from sparring.report.serve import Server, address, listen
from sparring.signals import stopping_at_once


def watch(place: Annotated[Path, tyro.conf.arg(metavar="RUN_OR_OUT")], /, port: int = 0) -> None:
    """Show a training in the browser while it goes on: its report so far, renewed by itself.

    This machine alone is served, and nothing is written. Ctrl-C ends it.

    Args:
        place: What was trained into: the --out of a command, or the folder of one run in it.
        port: Of this machine, 127.0.0.1; 0 takes one that is free.
    """
    from sparring.runs.folder import Run, read_plan

    run = Run(place.resolve())
    out, only = (run.path.parents[1], run.name) if run.begun else (place, None)
    read_plan(out)
    with listen(port) as listening:
        print(f"{address(listening)} shows {place}; Ctrl-C ends it", flush=True)
        _serve(listening, out, only)


@contextmanager
def watched(out: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Serve `out` meanwhile, in a process of its own: nothing in this one is touched."""
    with listen(0) as listening:
        spawn = multiprocessing.get_context("spawn")
        process = spawn.Process(target=_beside, args=(listening, out), daemon=True)
        process.start()
        say(f"{address(listening)} shows it while it trains")
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _beside(listening: socket, out: Path) -> None:
    """Serve until the process that trains ends this one, or has ended."""
    os.setsid()  # Ctrl-C is for the process that trains
    os.nice(10)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(Stopped), stopping_at_once():
        _serve(listening, out)


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _serve(listening: socket, out: Path, only: str | None = None) -> None:
    """Serve until Stopped is raised here."""
    from sparring.report.watched import Watched

    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as room,
        Server(listening, Watched(out, build, Path(room), only)) as server,
    ):
        server.serve_forever()
