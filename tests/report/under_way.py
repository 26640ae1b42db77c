"""Runs as they lie there while others train them."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sparring.report.serve import Server, address, listen
from sparring.report.watched import Watched
from sparring.runs.folder import Run
from tests.report.maker import Maker


def stopped_at(run: Run, rows: int, age: float = 3.0) -> Run:
    """The run as it was after so many rows of its log, the last `age` seconds ago."""
    (run.path / "scores.json").unlink()
    log = run.path / "log.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:rows]))
    now = log.stat().st_mtime
    os.utime(log, (now - age, now - age))
    return Run(run.path)


def drew(run: Run, step: int, level: int) -> None:
    """Let it have put down eight images of one grey."""
    (run.path / "snapshots").mkdir(exist_ok=True)
    run.write_arrays(f"snapshots/{step:09d}", {"images": np.full((8, 3, 16, 16), level, np.uint8)})


def finish(run: Run) -> None:
    """Give it the scores of a generator."""
    scores = {"kind": "generator", "metrics": {"diversity": 0.9}}
    (run.path / "scores.json").write_text(json.dumps(scores))


def generator(out: Path, rows: int = 40) -> Run:
    """A DCGAN of which 60 rows are to come, and its plan."""
    maker = Maker(out)
    run = stopped_at(maker.generator("dcgan"), rows)
    maker.plan()
    return run


@contextmanager
def serving(watched: Watched) -> Iterator[str]:
    """Serve it in a thread; the address."""
    with listen(0) as listening, Server(listening, watched) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield address(listening)
        finally:
            server.shutdown()
            thread.join()
