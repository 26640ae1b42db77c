"""Which arithmetic trains a method faster on this machine: measured once, then kept.

Knows the method and the machine; knows no data: steps on images of noise are timed. A machine
without bfloat16 instructions is not asked.
"""

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import torch

from sparring import cache
from sparring.errors import RequestError
from sparring.game import Batch, Labelled, Method, Pair, Shape, Unlabelled
from sparring.methods import name_of
from sparring.runs.classifier import AdaptationJob
from sparring.runs.folder import RunFolder
from sparring.runs.generator import GenerationJob
from sparring.runtime import Precision, prepare, resolve_precision
from sparring.storage import write_json

_log = logging.getLogger(__name__)

TURNS = 3
"""Steps of each arithmetic, in turns; the fastest counts. One more before them warms up."""
LARGEST = 32
"""Images, at most, of the batches that are timed: a slow network takes seconds, not minutes."""
LABELS = tuple("0123456789")
"""Labels of the images that are timed: how many there are hardly matters."""

CLEARLY = 1.1
"""How much faster float32 must be to be taken: a near tie must not be decided by the day, since
the same seed is to give the same weights."""

Job = AdaptationJob | GenerationJob


def recall(job: Job, folder: RunFolder) -> Job:
    """`job` in the precision that its run was begun in, where it was begun and asked for "auto".

    Raises RequestError where the run's configuration is damaged.
    """
    if job.training.precision != "auto" or not (folder.path / "config.json").is_file():
        return job
    training = folder.read("config").get("training")
    found = training.get("precision") if isinstance(training, dict) else None
    known: dict[str, Precision] = {name: name for name in get_args(Precision)}
    return _in(known.get(str(found), "auto"), job)


def settle(jobs: Sequence[Job], device: torch.device, say: Callable[[str], None]) -> list[Job]:
    """The jobs in the faster precision, each that left it open; says what that is."""
    told: set[str] = set()
    settled: list[Job] = []
    for job in jobs:
        if job.training.precision == "auto":
            shape = Shape(job.size, LABELS)
            found = choose(job.method, shape, job.training.batch_size, device)
            line = f"{name_of(job.method)}: {found}"
            if line not in told:
                say(line)
            told.add(line)
            job = _in(found.precision, job)
        settled.append(job)
    return settled


def _in(precision: Precision, job: Job) -> Job:
    return replace(job, training=replace(job.training, precision=precision))


@dataclass(frozen=True)
class Arithmetic:
    """The faster precision, and the seconds of a step in each; {} where nothing was measured."""

    precision: Precision
    seconds: dict[str, float]

    def __str__(self) -> str:
        if not self.seconds:
            return f"{self.precision}, for this machine has nothing faster"
        float32, bfloat16 = (1000 * self.seconds[name] for name in ("float32", "bfloat16"))
        times = f"{float32:.0f} ms a step in float32, {bfloat16:.0f} ms in bfloat16"
        return f"{self.precision} ({times})"


def choose(method: Method, shape: Shape, batch_size: int, device: torch.device) -> Arithmetic:
    """What "auto" means for this method (which need not be built) here.

    From the cache folder where it was measured before. Leaves the global random state alone.
    """
    if resolve_precision("auto", device) == "float32":
        return Arithmetic("float32", {})
    count = min(batch_size, LARGEST)
    path = cache.folder() / f"arithmetic-{_key(method, shape, count, device)}.json"
    seconds = _kept(path)
    if seconds is None:
        seconds = _measure(method, shape, count, device)
        _keep(path, seconds)
    gain = seconds["bfloat16"] / seconds["float32"]
    faster: Precision = "float32" if gain > CLEARLY else "bfloat16"
    return Arithmetic(faster, seconds)


def _key(method: Method, shape: Shape, count: int, device: torch.device) -> str:
    """A hash of all that the choice depends on."""
    cuda = device.type == "cuda"
    processor = torch.cpu.get_capabilities().get("cpu_name")
    machine = torch.cuda.get_device_name(device) if cuda else (processor, torch.get_num_threads())
    what = name_of(method), sorted(dataclasses.asdict(method).items()), shape, count
    return hashlib.sha256(repr((torch.__version__, machine, what)).encode()).hexdigest()[:16]


def _kept(path: Path) -> dict[str, float] | None:
    """What `_keep` wrote; None where there is nothing, or it is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: float(found[name]) for name in ("float32", "bfloat16")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _keep(path: Path, seconds: dict[str, float]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, seconds)
    except (OSError, RequestError) as error:
        _log.warning("the faster arithmetic is not kept, and is measured anew: %s", error)


def _measure(method: Method, shape: Shape, count: int, device: torch.device) -> dict[str, float]:
    """The least seconds of one step's gradients in each precision."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        fresh = replace(method)
        fresh.build(shape)
        prepare(fresh.to(device))
        batch = noise_batch(method, shape, count, device)
        times: dict[str, list[float]] = {"float32": [], "bfloat16": []}
        for _ in range(1 + TURNS):
            for name, taken in times.items():
                taken.append(_step_seconds(fresh, batch, device, name == "bfloat16"))
    return {name: min(taken[1:]) for name, taken in times.items()}


def _step_seconds(method: Method, batch: Batch, device: torch.device, bfloat16: bool) -> float:
    parameters = {name: list(net.parameters()) for name, net in method.players().items()}
    began = time.perf_counter()
    moves = method.moves(batch, 0.5)
    while True:
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            move = next(moves, None)
        if move is None:
            break
        torch.autograd.grad(move.loss, parameters[move.player], allow_unused=True)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def noise_batch(method: Method, shape: Shape, count: int, device: torch.device) -> Batch:
    """A batch of noise of the kind that the method plays; labels are zeros."""
    size = (count, 3, shape.size, shape.size)
    image = (torch.rand(size, device=device) * 2 - 1).to(memory_format=torch.channels_last)
    if method.batch_type is Unlabelled:
        return Unlabelled(image)
    if method.batch_type is Labelled:
        return Labelled(image, torch.zeros(count, len(shape.labels), device=device))
    label = torch.zeros(count, dtype=torch.long, device=device)
    return Pair(Labelled(image, label), Unlabelled(image))
