"""What is known of trainings that are under way: how far, how fast, how well, what is drawn.

Knows run folders that others write meanwhile; knows no page and no server.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sparring.divergence import health
from sparring.report.curves import Array, Log, smooth
from sparring.report.sprites import tiled, webp
from sparring.runs.folder import Run
from sparring.runs.records import LogRow

RECENT = 20
"""Rows of the log that the speed is taken over."""
POINTS = 150
"""Of a curve, at most."""
HIGH, WIDE = 30, 100
"""A curve's box."""


@dataclass(frozen=True)
class Line:
    """A curve so far. points: as SVG has them, in a box of WIDE x HIGH. last: its smooth value."""

    name: str
    points: str
    last: float


@dataclass(frozen=True)
class Picture:
    """Images (a data URL) that were drawn from fixed noise at a step, side by side."""

    step: int
    image: str


@dataclass(frozen=True)
class Now:
    """A run that has begun and is not finished.

    speed: images a second lately, and left: seconds to the end; None before there are two rows.
    age: seconds since the last row was written; None where there is none.
    """

    name: str
    step: int
    steps: int
    speed: float | None
    left: float | None
    age: float | None
    health: str
    lines: tuple[Line, ...]
    picture: Picture | None


def under_way(runs: Iterable[Run]) -> Iterator[Now]:
    """Those that have begun and are not finished. Raises RequestError where one is damaged."""
    for run in runs:
        if run.begun and not run.finished:
            yield _now(run)


def _now(run: Run) -> Now:
    rows, config = run.rows(), run.config
    step = rows[-1].step if rows else 0
    speed = _speed(rows[-RECENT:])
    log = Log.of(rows)
    curves = log.losses | log.terms | log.measures
    path = run.path / "log.jsonl"
    return Now(
        name=run.name,
        step=step,
        steps=config.training.steps,
        speed=speed,
        left=(config.training.steps - step) * config.training.batch_size / speed if speed else None,
        age=max(0.0, time.time() - path.stat().st_mtime) if rows else None,
        health=health(run.events.events),
        lines=tuple(line for name, values in curves.items() for line in _line(name, values)),
        picture=_picture(run),
    )


def _speed(rows: list[LogRow]) -> float | None:
    """Images a second from the first of the rows to the last."""
    if len(rows) < 2 or rows[-1].seconds <= rows[0].seconds:
        return None
    return (rows[-1].images - rows[0].images) / (rows[-1].seconds - rows[0].seconds)


def _line(name: str, values: Array) -> Iterator[Line]:
    """The curve of the values that are finite; nothing where fewer than two are."""
    known = smooth(values[np.isfinite(values)])
    if len(known) < 2:
        return
    known = known[np.linspace(0, len(known) - 1, min(POINTS, len(known))).round().astype(int)]
    x = np.linspace(0, WIDE, len(known))
    y = HIGH - (known - known.min()) / (float(np.ptp(known)) or 1.0) * HIGH
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    yield Line(name.replace("_", " "), points, float(known[-1]))


def _picture(run: Run) -> Picture | None:
    """The last images of fixed noise that a generator has put down."""
    files = sorted((run.path / "snapshots").glob("*.safetensors"))
    if not files:
        return None
    images = run.arrays(f"snapshots/{files[-1].stem}").get("images")
    if images is None:  # the run has just ended, and swept it away
        return None
    return Picture(int(files[-1].stem), webp(tiled(images, len(images)), quality=85))
