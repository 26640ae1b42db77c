"""Where a training step's time goes, by operator and by group, of the real trainer.

Self time of torch.profiler on one thread, so that shares add up; the profiler's own cost weighs on
small operators. Read shares, not seconds.

Run: python benchmarks/profile_step.py METHOD [BATCH] [STEM] [PRECISION]
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, schedule

from sparring.game import Batch, Labelled, Pair, Shape, Unlabelled
from sparring.methods import METHODS
from sparring.runs.common import build
from sparring.runs.folder import RunFolder
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


def make_batch(kind: type, size: int, count: int) -> Batch:
    image = (torch.rand(count, 3, size, size) * 2 - 1).to(memory_format=torch.channels_last)
    if kind is Unlabelled:
        return Unlabelled(image)
    if kind is Labelled:
        return Labelled(image, torch.ones(count, 1))
    return Pair(Labelled(image, torch.arange(count) % 10), Unlabelled(image))


def main() -> None:
    defaults = ["dcgan", "64", "7x7", "auto"]
    given = sys.argv[1:]
    name, count, stem, precision = given + defaults[len(given) :]
    settings = {"stem": stem} if name in ("dann", "dsn") else {}
    kind = METHODS[name].batch_type
    shape = Shape(32, tuple("0123456789")) if kind is Pair else Shape(64, ("Smiling",))
    method = build(METHODS[name](**settings), shape, seed=0)
    batch = make_batch(kind, shape.size, int(count))
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

        folder = RunFolder(Path(place) / "run")
        folder.open({})
        training = Training(steps, int(count), precision)
        Trainer(method, feed, training, folder, torch.device("cpu")).run()
    table = profiler.key_averages()
    shares: dict[str, float] = defaultdict(float)
    for row in table:
        if row.key.startswith("ProfilerStep"):
            continue
        shares[group_of(row.key)] += row.self_cpu_time_total
    total = sum(shares.values())
    print(f"{name} {stem if settings else ''} batch {count} {precision}")
    for group, time in sorted(shares.items(), key=lambda item: -item[1]):
        print(f"{time / total:7.1%}  {group}")
    print(table.table(sort_by="self_cpu_time_total", row_limit=25, max_name_column_width=45))


if __name__ == "__main__":
    main()
