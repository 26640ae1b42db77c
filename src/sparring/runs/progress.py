"""Shows long work: what is running, how far, images per second, time left, current losses.

On a terminal a view that moves (view.py); otherwise a plain line every few seconds.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.live import Live

from sparring import launch
from sparring.runs.view import View, half_blocks
from sparring.trainer import Status

QUIET_SECONDS, _LIVE_SECONDS = 15.0, 1.0
"""Between two lines, and between two pictures of a view that moves."""


class Screen:
    """Where progress is shown. One `task` at a time, named `label`.

    live: show a view that moves where that is possible; several processes at once cannot.
    """

    def __init__(self, live: bool = True) -> None:
        self.console = Console(stderr=True, highlight=False, quiet=launch.number_here() > 0)
        terminal = self.console.is_terminal and not self.console.is_dumb_terminal
        self.live = live and terminal and not self.console.options.ascii_only

    def say(self, message: str) -> None:
        """Print one line, as it is."""
        self.console.print(message, markup=False, soft_wrap=True)

    @contextmanager
    def task(self, label: str) -> Iterator["Task"]:
        """Show the progress of one run."""
        if not self.live:
            yield Task(label, None)
            return
        # No thread of its own: it draws when there is something new.
        with Live(console=self.console, auto_refresh=False, transient=True) as live:
            yield Task(label, live)


class Task:
    """The progress of one run; `update` is the trainer's `watch`."""

    def __init__(self, label: str, live: Live | None) -> None:
        self.view, self.live, self.shown = View(label), live, time.monotonic()
        if live is not None:
            live.update(self.view, refresh=True)

    def update(self, status: Status) -> None:
        """Show where the training is."""
        self.view.add(status)
        if self.live is not None:
            if self._due(_LIVE_SECONDS):
                self.live.refresh()
        elif self._due(QUIET_SECONDS):
            left, speed = status.seconds_left, status.images_per_second
            line = f"{self.view.label}: step {status.step:,} of {status.steps:,}, {left:.0f} s left"
            losses = "".join(f"  {name} {value:.3f}" for name, value in status.losses.items())
            print(f"{line}, {speed:,.0f} images/s{losses}", file=sys.stderr, flush=True)

    def look(self, images: np.ndarray) -> None:
        """Show images that were drawn, uint8 [N, 3, S, S], where there are colours."""
        if self.live is None:
            return
        console = self.live.console
        if console.color_system in ("256", "truecolor") and not console.no_color:
            self.view.samples = half_blocks(images, console.width)

    def _due(self, seconds: float) -> bool:
        """Whether so long nothing was shown."""
        now = time.monotonic()
        due = now - self.shown >= seconds
        self.shown = now if due else self.shown
        return due
