"""What a terminal shows of a training: how far it is, losses as sparklines, health, samples.

Knows numbers, images and rich; knows no run. Images are drawn two pixels a letter: a half block has
the colour of the upper one, and the lower one behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from PIL import Image
from rich.color import Color
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.segment import Segment, Segments
from rich.style import Style
from rich.table import Table
from rich.text import Text

from sparring.trainer import Status

LEVELS = "▁▂▃▄▅▆▇█"
LONGEST = 40
"""Letters of a sparkline."""
BAR = 24
SIDE = 20
"""Pixels of an image's side."""


@dataclass
class View:
    """One run: its last status, and each loss since this began to look.

    samples: images as letters, empty until there are some.
    """

    label: str
    status: Status | None = None
    losses: dict[str, list[float]] = field(default_factory=dict)
    samples: Segments = field(default_factory=lambda: Segments(()))

    def add(self, status: Status) -> None:
        """Show this from now on."""
        self.status = status
        for player, loss in status.losses.items():
            self.losses.setdefault(player, []).append(loss)

    def __rich__(self) -> RenderableType:
        title = Text(self.label, "bold", no_wrap=True, overflow="ellipsis")
        if self.status is None:
            return title
        status, head, rows = self.status, Table.grid(padding=(0, 2)), Table.grid(padding=(0, 2))
        head.add_row(
            ProgressBar(status.steps, status.step, width=BAR),
            f"{status.step:,} of {status.steps:,}",
            f"{status.images_per_second:,.0f} images/s",
            f"{timedelta(seconds=round(status.seconds_left))} left",
        )
        for player, losses in self.losses.items():
            rows.add_row(player, Text(sparkline(losses), "cyan"), f"{losses[-1]:.3f}")
        if status.health:
            rows.add_row(
                "health", Text(status.health, "green" if status.health == "well" else "yellow")
            )
        return Group(title, head, rows, self.samples)


def sparkline(values: Sequence[float], longest: int = LONGEST) -> str:
    """Numbers as letters of eight heights, from their least to their largest."""
    parts = np.array_split(np.array(values, float), min(longest, len(values)))
    means = np.array([part.mean() for part in parts])
    span = float(np.ptp(means)) or 1.0
    heights = (means - means.min()) / span * (len(LEVELS) - 1)
    return "".join(LEVELS[height] for height in heights.round().astype(int))


def half_blocks(images: np.ndarray, columns: int) -> Segments:
    """As many of uint8 [N, 3, S, S] side by side as `columns` letters hold."""
    tiles = [
        np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX)).tolist()
        for image in images[: columns // (SIDE + 1)].transpose(0, 2, 3, 1)
    ]
    letters: list[Segment] = []
    for y in range(0, SIDE, 2):
        for tile in tiles:
            letters += [*map(_half_block, tile[y], tile[y + 1]), Segment(" ")]
        letters.append(Segment.line())
    return Segments(letters)


def _half_block(above: list[int], below: list[int]) -> Segment:
    """A letter of two pixels."""
    return Segment("▀", Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below)))
