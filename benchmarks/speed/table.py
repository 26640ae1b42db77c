"""The benchmark: one row a system, on the screen and as JSON. What a row's numbers are is `Row`."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from benchmarks.speed.contender import Contender, Entry, play_ours, play_tutorial
from benchmarks.speed.contest import Side, Spread, contest, ratios, spread
from benchmarks.speed.limit import Rates, Work, measure, step_work
from benchmarks.speed.pictures import write_digits, write_faces
from msgspec import structs
from rich import box
from rich.console import Console
from rich.table import Table

from sparring.game import AdaptationMethod, Method
from sparring.methods import ACGAN, DANN, DCGAN, DSN, name_of
from sparring.runs.common import build, environment
from sparring.runs.progress import Screen
from sparring.runtime import find_device, resolve_precision
from sparring.trainer import Training

SYSTEMS: tuple[Method, ...] = (
    DCGAN(),
    ACGAN(),
    DANN(),
    DANN(encoder="resnet18-3x3"),
    DSN(),
    DSN(encoder="resnet18-3x3"),
)
"""What is measured, with the settings of the source report; both stems of ResNet18."""

BATCH = 128
"""Images of a batch, of each domain: what the tutorials and the full budget take."""


@dataclass(frozen=True)
class Row:
    """One system on this machine. Spreads are [first quartile, third quartile] over the rounds.

    images_per_second: median of ours; of two domains the source is counted.
    ratio: median over the rounds of ours to the reference, the tutorial's loop.
    limit_images_per_second: of the roofline (`limit`); limit_fraction: ours to it.
    peak_memory_mb: of ours, the images in memory (data_mb) included.
    outside_fraction: share of time in data, logging and checkpoints; null if it is not known.
    checkpoint_seconds: of one; a training saves one every two minutes.
    """

    method: str
    encoder: str | None
    device: str
    precision: str
    batch_size: int
    rounds: int
    images_per_second: float
    images_per_second_spread: tuple[float, float]
    reference: str
    reference_images_per_second: float
    reference_images_per_second_spread: tuple[float, float]
    ratio: float
    ratio_spread: tuple[float, float]
    limit_images_per_second: float
    limit_fraction: float
    step_operations: float
    peak_memory_mb: float
    data_mb: float
    reference_peak_memory_mb: float
    outside_fraction: float | None
    reference_outside_fraction: float | None
    checkpoint_seconds: float


@dataclass(frozen=True)
class Measured:
    """One system's contest, before the machine's rates are final."""

    entry: Entry
    work: Work
    reference: Side
    ours: Side

    def row(self, rates: Rates) -> Row:
        """The row, given the best rates of the whole benchmark."""
        entry, ours, reference = self.entry, self.ours, self.reference
        speed = spread(ours.images_per_second(entry.batch_size))
        other = spread(reference.images_per_second(entry.batch_size))
        ratio = spread(ratios(ours, reference))
        least = self.work.seconds(rates, 2 if entry.precision == "bfloat16" else 4)
        every = Training(1).checkpoint_seconds
        return Row(
            method=name_of(entry.method),
            encoder=getattr(entry.method, "encoder", None),
            device=entry.device.type,
            precision=entry.precision,
            batch_size=entry.batch_size,
            rounds=len(ours.turns),
            images_per_second=speed.median,
            images_per_second_spread=_ends(speed),
            reference="tutorial",
            reference_images_per_second=other.median,
            reference_images_per_second_spread=_ends(other),
            ratio=ratio.median,
            ratio_spread=_ends(ratio),
            limit_images_per_second=entry.batch_size / least,
            limit_fraction=least / ours.step_seconds,
            step_operations=self.work.operations,
            peak_memory_mb=ours.finish.peak_memory_mb,
            data_mb=ours.finish.data_mb,
            reference_peak_memory_mb=reference.finish.peak_memory_mb,
            outside_fraction=ours.outside(every),
            reference_outside_fraction=reference.outside(every),
            checkpoint_seconds=ours.finish.checkpoint_seconds,
        )


def _ends(values: Spread) -> tuple[float, float]:
    return values.low, values.high


def run(
    seconds: float, screen: Screen, systems: Sequence[Method] = SYSTEMS
) -> tuple[list[Row], dict[str, Any]]:
    """Measure every system for about `seconds`, on the GPU if there is one.

    Returns the rows, and facts of the machine. Everything is written into a temporary folder,
    which is removed.
    """
    device = find_device()
    with tempfile.TemporaryDirectory(prefix="sparring-bench-", ignore_cleanup_errors=True) as name:
        place = Path(name)
        screen.say("writing the images")
        faces, digits = (write_faces(place / "faces"),), write_digits(place / "digits")
        measured, rates = [], measure(device)
        for number, system in enumerate(systems):
            pictures = digits if isinstance(system, AdaptationMethod) else faces
            entry = Entry(system, pictures, BATCH, device, place / f"run-{number}")
            measured.append(play(entry, seconds, screen))
            rates = rates.best(measure(device))
            shutil.rmtree(entry.out)
    return [one.row(rates) for one in measured], facts(device, rates)


def play(entry: Entry, seconds: float, screen: Screen) -> Measured:
    """Measure one system for about `seconds`."""
    label = title(name_of(entry.method), getattr(entry.method, "encoder", None))
    shape = entry.shape(entry.pictures[0].images().size)
    entry = replace(entry, precision=resolve_precision(entry.precision, entry.device))
    work = step_work(build(entry.method, shape, 0), shape, entry.batch_size)
    with (
        screen.console.status(label) as status,
        Contender(play_tutorial, entry) as reference,
        Contender(play_ours, entry) as ours,
    ):
        reference.wait()
        ours.wait()

        def show(rounds: int, ratio: float) -> None:
            status.update(f"{label}: round {rounds}, {ratio:.2f} times the tutorial's speed")

        sides = contest(reference, ours, seconds, show)
    screen.say(f"{label}: {len(sides[0].turns)} rounds")
    return Measured(entry, work, *sides)


def title(method: str, encoder: str | None) -> str:
    """How a row is called: "dann", and "dann 3x3" with the encoder "resnet18-3x3"."""
    return f"{method} {(encoder or '').partition('-')[2]}".strip()


def facts(device: torch.device, rates: Rates) -> dict[str, Any]:
    """The machine: versions, processor, threads, and the best rates measured."""
    return structs.asdict(environment(device)) | {"rates": asdict(rates)}


def render(rows: Sequence[Row], machine: dict[str, Any]) -> Table:
    """The table for the screen."""
    rates = machine["rates"]
    bfloat16 = f"{rates['bfloat16'] / 1e9:,.0f} bfloat16, " if rates["bfloat16"] else ""
    table = Table(
        title="images/s, ours beside the tutorials' loops: medians (quartiles)",
        caption=(
            f"{machine['cpu']}, {machine['device']}, {machine['threads']} threads, "
            f"torch {machine['torch']}, commit {machine['commit']}\n"
            f"batches of {rows[0].batch_size}; ours in {rows[0].precision}, theirs in float32\n"
            f"best rates: {rates['float32'] / 1e9:,.0f} Gflop/s float32, "
            f"{bfloat16}{rates['bandwidth'] / 1e9:.1f} GB/s\n"
            "MB: peak memory (of it images); outside: share of the time beside the step"
        ),
        box=box.SIMPLE_HEAD,  # with little padding: the whole table fits 80 columns
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("", no_wrap=True)
    for heading in ("tutorial", "ours", "ratio", "of limit", "MB (data)", "outside"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> Iterator[str]:
    low, high = row.ratio_spread
    yield title(row.method, row.encoder)
    yield f"{row.reference_images_per_second:,.0f}"
    yield f"{row.images_per_second:,.0f}"
    yield f"{row.ratio:.2f} ({low:.2f}-{high:.2f})"
    yield f"{row.limit_fraction:.0%}"
    yield f"{row.peak_memory_mb:,.0f} ({row.data_mb:,.0f})"
    yield "not known" if row.outside_fraction is None else f"{row.outside_fraction:.1%}"


def as_json(rows: Sequence[Row], machine: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows as plain values, each with the machine it was measured on."""
    return [asdict(row) | {"machine": machine} for row in rows]


def show(rows: Sequence[Row], machine: dict[str, Any]) -> None:
    """Print the table to the standard output."""
    Console().print(render(rows, machine))
