"""Where a training step's time goes, by operator and by group, of the real trainer.

Self time of torch.profiler on one thread, so that shares add up; the profiler's own cost weighs on
small operators. Read shares, not seconds.

Run: python -m benchmarks.profile_step METHOD [BATCH] [ENCODER] [PRECISION]
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import torch
from benchmarks.speed.limit import noise_batch
from torch.profiler import ProfilerActivity, profile, schedule

from sparring.game import AdaptationMethod, Batch, Shape
from sparring.methods import METHODS
from sparring.runs.common import build
from sparring.runtime import Machine
from sparring.trainer import Trainer, Training

GROUPS = {
    "convolution, forward": ("convolution", "_convolution", "mkldnn_convolution"),
    "convolution, backward": ("convolution_backward", "mkldnn_convolution_backward"),
    "matrix product": ("mm", "addmm", "bmm"),
    "batch norm": ("native_batch_norm", "native_batch_norm_backward"),
    "spectral norm (vectors)": ("mv", "addmv", "dot", "vdot", "linalg_vector_norm", "norm"),
    "Adam": ("_fused_adam_",),
    "casts and copies": ("copy_", "clone", "contiguous", "_to_copy", "cat", "fill_", "zero_"),
}
WAIT, ACTIVE = 2, 3


def group_of(operator: str) -> str:
    name = operator.removeprefix("aten::")
    return next((group for group, names in GROUPS.items() if name in names), "elementwise, other")


def main() -> None:
    defaults = ["dcgan", "64", "resnet18", "auto"]
    given = sys.argv[1:]
    name, count, encoder, precision = given + defaults[len(given) :]
    adapts = issubclass(METHODS[name], AdaptationMethod)
    settings = {"encoder": encoder} if adapts else {}
    digits = Shape(32, tuple("0123456789"), "classes")
    shape = digits if adapts else Shape(64, ("Smiling",), "attributes")
    method = build(METHODS[name](**settings), shape, seed=0)
    batch = noise_batch(method, shape, int(count))
    Machine.of("cpu", jobs=1, threads=1).set_up()
    steps = WAIT + ACTIVE
    with (
        tempfile.TemporaryDirectory() as place,
        profile(
            activities=[ProfilerActivity.CPU], schedule=schedule(wait=WAIT, warmup=1, active=ACTIVE)
        ) as profiler,
    ):

        def feed(step: int) -> Batch:
            profiler.step()
            return batch

        training = Training(steps, int(count), precision)
        Trainer(method, feed, training, Path(place), torch.device("cpu")).run()
    table = profiler.key_averages()
    shares: dict[str, float] = defaultdict(float)
    for row in table:
        if row.key.startswith("ProfilerStep"):
            continue
        shares[group_of(row.key)] += row.self_cpu_time_total
    total = sum(shares.values())
    print(f"{name} {encoder if settings else ''} batch {count} {precision}")
    for group, time in sorted(shares.items(), key=lambda item: -item[1]):
        print(f"{time / total:7.1%}  {group}")
    print(table.table(sort_by="self_cpu_time_total", row_limit=25, max_name_column_width=45))


if __name__ == "__main__":
    main()
