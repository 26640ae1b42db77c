"""`sparring data get | build`: data sets from where they are published, or made here.

Knows how a download is shown; where sets lie and how they are fetched is in `data.download`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from sparring.errors import RequestError, unknown


@dataclass(kw_only=True)
class Get:
    """Fetch published sets: mnist, mnist-m, svhn, usps, celeba, bsds500.

    Each is told with its size and licence, goes on where it stopped, and is checked by its hash.
    """

    names: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="NAME...")] = ()
    """Sets to fetch."""
    out: Path = Path("data")
    """Folder of your sets, as for --data: each gets its own in it."""

    def run(self) -> None:
        """Raises RequestError; WorkFailed where the network refuses."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        from sparring.data.download import get
        from sparring.data.published import SETS

        if not self.names:
            raise RequestError(f"name the sets to fetch: {', '.join(SETS)}")
        for name in self.names:
            if name not in SETS:
                raise unknown("published set", name, SETS)
        screen = Console(stderr=True, highlight=False)
        columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
        label = TextColumn("{task.description}", markup=False)
        hidden = not screen.is_terminal
        with Progress(label, *columns, console=screen, transient=True, disable=hidden) as bar:
            row = bar.add_task("")

            def watch(file: str, here: int, total: int) -> None:
                bar.update(row, description=file, completed=here, total=total or None)

            for name in self.names:
                get(
                    name,
                    self.out,
                    lambda line: screen.print(line, markup=False, soft_wrap=True),
                    watch,
                )
        print(self.out)


@dataclass(kw_only=True)
class Build:
    """Build MNIST-M from MNIST and photographs, by the published recipe."""

    name: tyro.conf.Positional[Literal["mnist-m"]]
    """The data set."""
    mnist: Path
    """Folder with the four official MNIST files."""
    photos: Path
    """BSDS500 photographs: a folder or a zip of JPEG files."""
    out: Path
    """Folder to write train.parquet and test.parquet into (mnist_m/ under your data)."""
    seed: int = 0
    """Which photograph and which crop each digit gets."""

    def run(self) -> None:
        """Raises RequestError."""
        from sparring.data.mnist_m import build

        if self.seed < 0:
            raise RequestError(f"--seed must be at least 0, not {self.seed}")
        build(self.mnist, self.photos, self.out, self.seed)


def data(
    asked: Annotated[Get, tyro.conf.subcommand("get")]
    | Annotated[Build, tyro.conf.subcommand("build")],
) -> None:
    """Get data sets from where they are published, or build MNIST-M."""
    asked.run()
