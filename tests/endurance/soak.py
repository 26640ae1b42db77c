"""Play tiny trainings for hours and watch what grows.

    python -m tests.endurance.soak --minutes 120

One long-lived process plays each method in turn by the command, each into a new folder that is
removed afterwards; the report is built each time. In between, child processes are
killed, asked to stop, and started again until they end. After each round this process's memory,
open files, threads and children are counted; files that a training left are failures.

The counts go into a file, one line of JSON a round; `--read FILE` judges such a file again, also
of a soak that was stopped. Time in which the soak itself was stopped (SIGSTOP) counts little: a
round counts as two minutes at most. Exits with 1 where something grew. Needs Linux (/proc).
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.stats import theilslopes

from tests.endurance import evidence
from tests.endurance.subject import METHODS, Child, Order, prepare
from tests.endurance.tiny import make_data

MEMORY = 50.0
"""MB by which the level of memory may rise from warm-up to the end."""

LONGEST = 120.0
"""Seconds that a round counts at most."""


@dataclass(frozen=True)
class Round:
    """The counts after a round; `minutes` played so far, `memory` in MB."""

    number: int
    minutes: float
    kind: str
    memory: float
    open_files: int
    threads: int
    children: int
    failures: list[str]


def play_inside(method: str, data: Path, folder: Path) -> list[str]:
    """One training in this process, with its report. What is wrong."""
    from sparring import cli

    order = Order(method, data, folder, save_every=0.5)
    prepare(order)
    sys.argv = ["sparring", *order.arguments()]
    cli.main()
    tempfile.tempdir = None
    failures = [] if (order.out / "report.html").is_file() else [f"{method}: no page"]
    return failures + _left(order)


def play_outside(method: str, data: Path, folder: Path, chance: random.Random) -> list[str]:
    """A child that is killed or asked to stop once or twice, then ends. What is wrong."""
    order = Order(method, data, folder, save_every=chance.choice((0.0, 0.5)))
    failures = []
    for _ in range(chance.randint(1, 2)):
        number = chance.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM))
        child = Child(order)
        child.until_begun()
        child.wait(chance.uniform(0.0, 4.0))
        child.signal(number)
        good = (0, -9) if number == signal.SIGKILL else (0, 128 + number)
        if (code := child.end()) not in good:
            failures.append(f"{method}: signal {number:d}: exit {code}: {child.lines()[-1:]}")
    child = Child(order)
    if (code := child.end()) != 0:
        failures.append(f"{method}: started again: exit {code}: {child.lines()[-1:]}")
    failures += [f"{method}: process {pid} left" for pid in evidence.lingering(child.pid)]
    return failures + _left(order)


def _left(order: Order) -> list[str]:
    """Files that a finished training should not have left; then removes them all."""
    found = evidence.files(order.home)
    hidden = [f for f in found if Path(f).name.startswith(".") and Path(f).name != ".lock"]
    working = [f for f in found if f.startswith("tmp/") or f.endswith(".tmp")]
    shutil.rmtree(order.home)
    return [f"{order.method}: left {name}" for name in sorted({*hidden, *working})]


def counted(number: int, minutes: float, kind: str, failures: list[str]) -> Round:
    """The counts now. Collects no garbage: memory is what whoever trains for hours would see."""
    memory = evidence.resident() / 1e6
    counts = evidence.open_files(), evidence.threads(), len(evidence.children())
    return Round(number, round(minutes, 2), kind, round(memory, 1), *counts, failures)


def soak(minutes: float, work: Path, record: Path, seed: int) -> None:
    """Play rounds for so many minutes and write `record`."""
    chance, data = random.Random(seed), make_data(work / "data")
    played, number = 0.0, 0
    while played < 60 * minutes:
        started, method = time.monotonic(), list(METHODS)[number % len(METHODS)]
        inside = number // len(METHODS) % 3 != 2  # every third cycle of methods is of children
        kind, folder = f"{method} {'inside' if inside else 'child'}", work / f"round-{number}"
        if inside:
            failures = play_inside(method, data, folder)
        else:
            failures = play_outside(method, data, folder, chance)
        played += min(time.monotonic() - started, LONGEST)
        row = counted(number, played / 60, kind, failures)
        with record.open("a") as file:
            file.write(json.dumps(asdict(row)) + "\n")
        number += 1


def judge(rounds: list[Round]) -> bool:
    """Print table and verdict. The first fifth, and one cycle of all kinds, is warm-up."""
    warm = rounds[max(len(rounds) // 5, 3 * len(METHODS)) :]
    if len(warm) < len(METHODS):
        print(f"{len(rounds)} rounds are too few to judge")
        return False
    memory, minutes = (np.array([getattr(r, k) for r in warm]) for k in ("memory", "minutes"))
    few = max(len(METHODS), len(warm) // 5)
    growth = float(np.median(memory[-few:]) - np.median(memory[:few]))
    half = len(warm) // 2
    slope, _, low, high = theilslopes(memory[half:], minutes[half:])
    print(f"{len(rounds)} rounds in {rounds[-1].minutes:.0f} min; {len(warm)} after warm-up")
    rises = {key: _rise(warm, key) for key in ("open_files", "threads", "children")}
    failures = [failure for r in rounds for failure in r.failures]
    rows: list[tuple[str, object, bool]] = [
        (f"memory, level (bound {MEMORY:.0f} MB)", f"{growth:+.1f} MB", growth <= MEMORY),
        *((key.replace("_", " "), f"{rise:+d}", rise <= 0) for key, rise in rises.items()),
        ("failed rounds", len(failures), not failures),
    ]
    for name, value, good in rows:
        print(f"{name:<32}{value!s:>12}  {'good' if good else 'BAD'}")
    print(
        f"memory, second half: {60 * slope:+.0f} MB/h (95 %: {60 * low:+.0f} .. {60 * high:+.0f})"
    )
    print("\n".join(failures))
    return all(good for _, _, good in rows)


def _rise(rounds: list[Round], key: str) -> int:
    """By how much the least of the last rounds lies above the most of the first."""
    counts = [getattr(r, key) for r in rounds]
    few = len(METHODS)
    return int(min(counts[-few:]) - max(counts[:few]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workdir", type=Path, help="for folders and soak.jsonl; kept")
    parser.add_argument("--read", type=Path, help="judge this record, play nothing")
    asked = parser.parse_args()
    record = asked.read
    if record is None:
        os.environ["OMP_NUM_THREADS"] = "1"
        work = Path(tempfile.mkdtemp(prefix="soak-", dir=asked.workdir))
        record = work / "soak.jsonl"
        print(record, flush=True)
        soak(asked.minutes, work, record, asked.seed)
    rows = [json.loads(line) for line in record.read_text().splitlines()]
    sys.exit(0 if judge([Round(**row) for row in rows]) else 1)


if __name__ == "__main__":
    main()
