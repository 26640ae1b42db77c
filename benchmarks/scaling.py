"""One training by one process and by several: images a second, and what goes over the wire.

The real trainer on random images in memory, the same batch in all cases. Cases take turns, so that
a machine that slows down slows all of them down; medians of single steps, then of the rounds. A
message waits for the slowest process: its time is not the wire's alone. In the column "efficiency"
one process with one thread is 1. Half the batch alone tells what a step costs whatever its batch;
`benchmarks.scaling_model` goes on from there with the file that --json writes.

Run: python -m benchmarks.scaling [--processes 2] [--rounds 3] [--batch 64] [--only METHOD]
     [--json FILE]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring import ranks
from sparring.data.feed import PairStream, Stream
from sparring.data.images import Images
from sparring.game import AdaptationMethod, Batch, Shape, Unlabelled
from sparring.methods import METHODS
from sparring.runs.common import build
from sparring.runtime import Machine
from sparring.trainer import Trainer, Training

WARM, STEPS = 3, 12
ALONE, HALF, WIRE = "1 process", "half batch", "wire"
CPU = torch.device("cpu")
DIGITS = tuple("0123456789")


class _Enough(Exception):
    pass


class Wire:
    """Counts what `ranks` sends."""

    def __init__(self) -> None:
        self.bytes = self.messages = 0
        self.seconds = 0.0
        send = ranks._summed

        def counted(tensor: Tensor) -> Tensor:
            started = time.perf_counter()
            found = send(tensor)
            self.seconds += time.perf_counter() - started
            self.bytes += tensor.numel() * tensor.element_size()
            self.messages += 1
            return found

        ranks._summed = counted


def streams(method: Any, batch: int) -> tuple[Shape, Any]:
    random = torch.Generator().manual_seed(0)

    def images(size: int, labels: Tensor, names: tuple[str, ...]) -> Images:
        pixels = torch.randint(0, 256, (512, 3, size, size), generator=random, dtype=torch.uint8)
        return Images(pixels, labels, names)

    if isinstance(method, AdaptationMethod):
        source, target = (images(32, torch.arange(512) % 10, DIGITS) for _ in range(2))
        pair = PairStream(
            Stream(source, batch, (0, 0), CPU), Stream(target.unlabelled(), batch, (0, 1), CPU)
        )
        return Shape(32, DIGITS, "classes"), pair.pair
    faces = Stream(images(64, torch.ones(512, 1).long(), ("Smiling",)), batch, (0,), CPU)
    if method.batch_type is Unlabelled:
        return Shape(64), faces.unlabelled
    return Shape(64, ("Smiling",), "attributes"), faces.labelled


def measure_wire() -> None:
    """Prints, as JSON, the seconds of a message of 4 bytes and of one of 32 MB."""
    with ranks.joined(CPU):
        found = {}
        for key, numbers in (("small", 1), ("large", 1 << 23)):
            message, seconds = torch.zeros(numbers), []
            for _ in range(WARM + STEPS):
                torch.distributed.barrier()
                started = time.perf_counter()
                torch.distributed.all_reduce(message)
                seconds.append(time.perf_counter() - started)
            found[key] = statistics.median(seconds[WARM:])
        if ranks.first():
            print(json.dumps(found))


def measure(name: str, batch: int, threads: int) -> None:
    """Train, as one of the processes there are; the first one prints what it saw as JSON."""
    machine = Machine.of("cpu", 1, threads)
    machine.set_up()
    method = METHODS[name]()
    shape, batches = streams(method, batch)
    moments: list[tuple[float, int, int, float]] = []
    wire = Wire()

    def feed(step: int) -> Batch:
        moments.append((time.perf_counter(), wire.bytes, wire.messages, wire.seconds))
        if len(moments) > WARM + STEPS:
            raise _Enough
        found: Batch = batches(step)
        return found

    with tempfile.TemporaryDirectory() as place, ranks.joined(CPU):
        training = Training(10_000, batch)  # which logs as long trainings do
        with suppress(_Enough):
            Trainer(build(method, shape, 0), feed, training, Path(place), CPU).run()
        if not ranks.first():
            return
    kept = moments[WARM:]
    steps = [[b - a for a, b in zip(*pair, strict=True)] for pair in pairwise(kept)]
    seconds, sent, messages, waited = map(statistics.median, zip(*steps, strict=True))
    print(json.dumps({"seconds": seconds, "bytes": sent, "messages": messages, "waited": waited}))


def played(name: str, batch: int, processes: int, threads: int) -> dict[str, float]:
    own = ["-m", "benchmarks.scaling", "--worker", name, f"--batch={batch}", f"--threads={threads}"]
    if processes > 1:
        own = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", *own]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run([sys.executable, *own], stdout=subprocess.PIPE, env=environment)
    done.check_returncode()
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--only", choices=METHODS, action="append")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker == WIRE:
        measure_wire()
        return
    if asked.worker:
        measure(asked.worker, asked.batch, asked.threads)
        return
    count = asked.processes
    batch = asked.batch
    cases = {
        ALONE: (1, 1, batch),
        HALF: (1, 1, batch // 2),
        f"{count} threads": (1, count, batch),
        f"{count} processes": (count, 1, batch),
    }
    measured: dict[str, Any] = {"batch": batch, "processes": count, "cores": os.cpu_count()}
    measured[WIRE] = played(WIRE, batch, count, 1)
    print("method            case          images/s  efficiency  bytes/step  messages  waiting")
    for name in asked.only or METHODS:
        rounds = defaultdict(list)
        for _ in range(asked.rounds):
            for case, (processes, threads, images) in cases.items():
                rounds[case].append(played(name, images, processes, threads))
        alone = 0.0
        measured[name] = {}
        for case, found in rounds.items():
            row = {key: statistics.median(one[key] for one in found) for key in found[0]}
            measured[name][case] = row
            speed = cases[case][2] / row["seconds"]
            alone = alone or speed
            share = speed / alone / (1 if case in (ALONE, HALF) else count)
            wire = f"{row['bytes']:11,.0f} {row['messages']:9.0f}"
            wire += f" {row['waited'] / row['seconds']:8.0%}"
            print(f"{name:17} {case:12} {speed:9.1f} {share:10.0%} {wire}", flush=True)
        if asked.json:
            asked.json.write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
