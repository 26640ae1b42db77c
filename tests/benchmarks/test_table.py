import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from benchmarks.speed.contender import Entry, Finish, Turn
from benchmarks.speed.contest import Side
from benchmarks.speed.limit import Rates, Work
from benchmarks.speed.pictures import write
from benchmarks.speed.table import Measured, as_json, facts, play, render
from rich.console import Console

from sparring.methods import DANN, DCGAN
from sparring.runs.progress import Screen
from tests.conftest import faces

CPU = torch.device("cpu")
RATES = Rates(float32=50e9, bfloat16=100e9, bandwidth=10e9)


def measured() -> Measured:
    """Ours: 2 steps of 10 in 1, 2 and 4 s; the tutorial: 1 step in 2, 3 and 8 s."""
    entry = Entry(DANN(encoder="resnet18-3x3"), (), 10, CPU, Path("none"), "bfloat16")
    ours = tuple(Turn(2, seconds, seconds * 0.9) for seconds in (1.0, 2.0, 4.0))
    reference = tuple(Turn(1, seconds, None) for seconds in (2.0, 3.0, 8.0))
    return Measured(
        entry,
        Work(operations=50e9, operands=0, moved=0),
        Side(reference, Finish(300.0, 0.0, 0.0)),
        Side(ours, Finish(700.0, 20.0, 12.0)),
    )


def test_a_rows_numbers_by_hand() -> None:
    row = measured().row(RATES)
    assert (row.method, row.encoder, row.device) == ("dann", "resnet18-3x3", "cpu")
    assert row.precision == "bfloat16"
    assert (row.batch_size, row.rounds) == (10, 3)
    assert row.images_per_second == 10.0
    assert row.images_per_second_spread == (7.5, 15.0)
    assert row.reference_images_per_second == pytest.approx(10 / 3)
    assert row.ratio == 4.0  # of 4, 3 and 4
    assert row.ratio_spread == (3.5, 4.0)
    assert row.limit_images_per_second == 20.0  # 50 G at 100 G/s: half a second for 10 images
    assert row.limit_fraction == 0.5
    assert row.outside_fraction == pytest.approx(1 - 6.3 / (7 + 12 * 7 / 120))
    assert row.reference_outside_fraction is None
    assert (row.peak_memory_mb, row.data_mb, row.reference_peak_memory_mb) == (700, 20, 300)


def test_the_json_is_a_list_of_plain_rows_with_their_machine() -> None:
    rows, machine = [measured().row(RATES)], facts(CPU, RATES)
    (row,) = json.loads(json.dumps(as_json(rows, machine)))
    promised = {"method", "device", "images_per_second", "ratio", "limit_fraction"}
    assert promised | {"peak_memory_mb"} <= row.keys()
    assert row["machine"]["rates"] == {"float32": 50e9, "bfloat16": 100e9, "bandwidth": 10e9}
    assert {"cpu", "torch", "threads", "commit"} <= row["machine"].keys()
    table = render(rows, machine)
    cells = [next(iter(column.cells)) for column in table.columns]
    assert cells == ["dann 3x3", "3", "10", "4.00 (3.50-4.00)", "50%", "700 (20)", "18.2%"]
    assert "50 Gflop/s float32, 100 bfloat16, 10.0 GB/s" in str(table.caption)
    plain = render(rows, facts(CPU, replace(RATES, bfloat16=0.0)))
    assert "50 Gflop/s float32, 10.0 GB/s" in str(plain.caption)


def test_the_table_fits_a_terminal_of_80_columns() -> None:
    large = Side(measured().ours.turns, Finish(12_345.0, 1_234.0, 12.0))
    rows = [replace(measured(), ours=large).row(RATES)] * 2
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render(rows, facts(CPU, RATES)))
    shown = console.export_text()
    assert "12,345 (1,234)" in shown
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_both_contenders_play_in_processes_of_their_own(tmp_path: Path, screen: Screen) -> None:
    pictures = write(faces().train, tmp_path / "faces", lambda face: face.resize((89, 109)))
    system = DCGAN(width=4, noise_size=8)
    entry = Entry(system, (pictures,), 4, CPU, tmp_path / "run", "float32")
    row = play(entry, 0.3, screen).row(RATES)
    assert row.rounds >= 3
    assert row.ratio_spread[0] <= row.ratio <= row.ratio_spread[1]
    assert 50 < row.peak_memory_mb < 2000
    assert row.data_mb == pytest.approx(24 * 3 * 64 * 64 / 1e6)
    assert row.outside_fraction is not None
    assert 0 < row.outside_fraction < 1
    assert row.reference_outside_fraction is not None
    assert 0 <= row.reference_outside_fraction < 1
