"""A step of each method on a card: milliseconds, kernels, and how long the card computes in it.

What the card does not compute it waits for the core that starts its kernels. The real trainer's
step on one batch that lies on the card, as it is trained by default.
Run: python -m benchmarks.card_steps [METHOD ...]
"""

import sys
import tempfile
import time
from pathlib import Path

import torch
from benchmarks.speed.limit import noise_batch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from sparring.game import AdaptationMethod, Batch, Labelled, Pair, Shape, Unlabelled
from sparring.methods import METHODS
from sparring.runs.common import build
from sparring.runtime import Machine, find_device
from sparring.trainer import Trainer, Training

WARM, STEPS, PROFILED = 20, 60, 10
SMALL_BATCHES = ("projection-gan", "mean-teacher")
"""Methods that `adapt` and `generate` train with 64 images; the others take 128, as the report."""


def moved(batch: Batch, device: torch.device) -> Batch:
    """The batch on the device."""
    if isinstance(batch, Pair):
        return Pair(moved(batch.source, device), moved(batch.target, device))
    image = batch.image.to(device)
    if isinstance(batch, Labelled):
        return Labelled(image, batch.label.to(device))
    return Unlabelled(image)


def main() -> None:
    device = find_device("cuda")
    Machine.of("cuda", jobs=1).set_up()
    print("| method | batch | ms a step | images/s | kernels | ms computing |")
    print("|---|---|---|---|---|---|")
    for name in sys.argv[1:] or METHODS:
        kind, count = METHODS[name], 64 if name in SMALL_BATCHES else 128
        digits = Shape(32, tuple("0123456789"), "classes")
        shape = (
            digits if issubclass(kind, AdaptationMethod) else Shape(64, ("a", "b"), "attributes")
        )
        method = build(kind(), shape, seed=0)
        batch = moved(noise_batch(method, shape, count), device)
        with tempfile.TemporaryDirectory() as place:
            trainer = Trainer(
                method, lambda step, b=batch: b, Training(10**6, count), Path(place), device
            )
            trainer.method.train()

            def play(steps: int, trainer: Trainer = trainer, batch: Batch = batch) -> float:
                torch.cuda.synchronize()
                began = time.perf_counter()
                for _ in range(steps):
                    trainer._play(batch)
                    trainer.step += 1
                torch.cuda.synchronize()
                return (time.perf_counter() - began) / steps

            play(WARM)
            seconds = play(STEPS)
            with profile(activities=[ProfilerActivity.CUDA]) as profiler:
                play(PROFILED)
        kernels = [event for event in profiler.events() if event.device_type == DeviceType.CUDA]
        busy = sum(event.time_range.elapsed_us() for event in kernels) / PROFILED / 1000
        cells = (
            f"{seconds * 1000:.1f}",
            f"{count / seconds:,.0f}",
            f"{len(kernels) // PROFILED:,}",
        )
        print(f"| {name} | {count} | {' | '.join(cells)} | {busy:.1f} |", flush=True)


if __name__ == "__main__":
    main()
