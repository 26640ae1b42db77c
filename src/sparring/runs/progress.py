"""Shows long work: what is running, how far, images per second, time left, current losses.

On a terminal a live bar; otherwise a plain line every few seconds.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sparring.trainer import Status

_QUIET_SECONDS = 15.0


class Screen:
    """Where progress is shown. One `task` at a time, named `label`.

    live: show a moving bar where that is possible; several processes at once cannot.
    """

    def __init__(self, live: bool = True) -> None:
        self.live = live
        self.console = Console(stderr=True, highlight=False)

    def say(self, message: str) -> None:
        """Print one line, as it is."""
        self.console.print(message, markup=False, soft_wrap=True)

    @contextmanager
    def task(self, label: str) -> Iterator["Task"]:
        """Show the progress of one run."""
        if not (self.live and self.console.is_terminal):
            yield Task(label, None)
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
        )
        with Progress(*columns, console=self.console, transient=True) as bar:
            bar.add_task(label, total=None, detail="")
            yield Task(label, bar)


class Task:
    """The progress of one run; `update` is the trainer's `watch`."""

    def __init__(self, label: str, bar: Progress | None) -> None:
        self.label, self.bar, self.shown = label, bar, time.monotonic()

    def update(self, status: Status) -> None:
        """Show where the training is."""
        losses = "  ".join(f"{name} {value:.3f}" for name, value in status.losses.items())
        detail = f"{status.images_per_second:,.0f} images/s  {losses}"
        if self.bar is not None:
            row = self.bar.task_ids[0]
            self.bar.update(row, completed=status.step, total=status.steps, detail=detail)
        elif time.monotonic() - self.shown >= _QUIET_SECONDS:
            self.shown = time.monotonic()
            left = status.seconds_left
            line = f"{self.label}: step {status.step:,} of {status.steps:,}, {left:.0f} s left"
            print(f"{line}, {detail}", file=sys.stderr, flush=True)
