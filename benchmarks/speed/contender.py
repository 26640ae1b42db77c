"""A training in a process of its own, which stands still between its turns.

Each contender of a contest has its own process, so that none sees another's memory, threads or
allocator. It trains through the loop that it has (ours: the real `Trainer` with the real
`Stream`, log and checkpoint; the reference: `tutorial`), and both pass the same gate before every
step: the parent opens it for so many steps and is told how long they took. A loader's workers are
halted between turns, so that nothing is decoded on the other's time.

Time inside the step is the time from a batch's arrival to the request for the next: of ours, from
the first resumption of `moves` to its end, which the trainer reaches only when every move has been
stepped; of the reference, the body of its loop. What remains of a turn is data, logging and
checkpoints. On a GPU the step's time is that between two events on the stream, and the host waits
at the ends of a turn only. Ours logs as often as a training of STEPS steps does; it saves no
checkpoint within a turn: one is taken and timed at the end, through a request to stop.

Memory is the process's own peak (on a GPU, the peak of allocated device memory). The loader's
worker processes are not counted, which favours the reference.
"""

import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from benchmarks.speed.pictures import ImageFiles, Pictures
from benchmarks.speed.tutorial import TUTORIALS
from torch.utils.data import DataLoader, RandomSampler

from sparring.data.feed import PairStream, Stream
from sparring.errors import Stopped
from sparring.game import Batch, LabelKind, Labelled, Method, Shape
from sparring.runs.common import build
from sparring.runtime import Machine, Precision
from sparring.trainer import Trainer, Training

STEPS = {"cpu": 2_000, "cuda": 10_000_000}
"""Steps of the training that ours acts out: a row of the log every 5 steps, on a GPU every 50."""
WORKERS = 2
_STEPS_IN_ADVANCE = 10_000_000


@dataclass(frozen=True)
class Entry:
    """What both contenders train: a method's settings, its images, one set or two domains.

    out: a new folder for the run.
    """

    method: Method
    pictures: tuple[Pictures, ...]
    batch_size: int
    device: torch.device
    out: Path
    precision: Precision = "auto"

    def shape(self, size: int) -> Shape:
        kind: LabelKind = "classes" if len(self.pictures) > 1 else "attributes"
        return Shape(size, self.pictures[0].names, kind)


@dataclass(frozen=True)
class Turn:
    """A turn of so many steps. Both times in seconds; `inside`, in the steps, None if unknown."""

    steps: int
    seconds: float
    inside: float | None


@dataclass(frozen=True)
class Finish:
    """What a contender tells at its end: peak memory, its images, one checkpoint's seconds."""

    peak_memory_mb: float
    data_mb: float
    checkpoint_seconds: float


class Gate:
    """Before every step: lets as many through as the other end asks for, and tells their time."""

    def __init__(self, pipe: Connection, device: torch.device) -> None:
        self.pipe, self.cuda = pipe, device.type == "cuda"
        self.asked = self.left = self.seen = 0
        self.inside = 0.0
        self.events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self.started = self.left_at = time.perf_counter()

    def open(self) -> bool:
        """Wait for this step's turn; False when the contest is over."""
        if self.left == 0:
            self._tell()
            self._wait()
        self.left -= 1
        self.left_at = time.perf_counter()
        return self.left >= 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """Time the inside of a step."""
        self.seen += 1
        if self.cuda:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            yield
            end.record()
            self.events.append((start, end))
        else:
            began = time.perf_counter()
            yield
            self.inside += time.perf_counter() - began
        self.left_at = time.perf_counter()

    def _synchronise(self) -> None:
        if self.cuda:
            torch.cuda.synchronize()

    def _tell(self) -> None:
        self._synchronise()
        seconds = time.perf_counter() - self.started
        for worker in multiprocessing.active_children():
            os.kill(worker.pid or 0, signal.SIGSTOP)
        milliseconds = sum(start.elapsed_time(end) for start, end in self.events)
        inside = self.inside + milliseconds / 1000
        # A trainer that replays recorded steps does not resume the moves: then nobody knows.
        self.pipe.send(Turn(self.asked, seconds, inside if self.seen == self.asked else None))

    def _wait(self) -> None:
        self.asked = self.left = self.pipe.recv()
        self.inside, self.seen = 0.0, 0
        self.events.clear()
        for worker in multiprocessing.active_children():
            os.kill(worker.pid or 0, signal.SIGCONT)
        self._synchronise()
        self.started = time.perf_counter()


def play_ours(gate: Gate, entry: Entry) -> Finish:
    """Train with the real trainer until the gate closes."""
    Machine.of(str(entry.device), jobs=1, threads=torch.get_num_threads()).set_up()
    sets = [pictures.images() for pictures in entry.pictures]
    method = build(entry.method, entry.shape(sets[0].size), seed=0)
    faces = len(sets) == 1
    streams = [
        Stream(images, entry.batch_size, (0, number), entry.device, mirror=faces)
        for number, images in enumerate(sets)
    ]
    labelled = method.batch_type is Labelled
    feed: Callable[[int], Batch] = PairStream(*streams).pair if not faces else streams[0].unlabelled
    if faces and labelled:
        feed = streams[0].labelled

    def gated(step: int) -> Batch:
        if not gate.open():
            os.kill(os.getpid(), signal.SIGTERM)  # the trainer saves a checkpoint, then stops
        return feed(step)

    _time_moves(method, gate)
    entry.out.mkdir()
    steps = STEPS[entry.device.type]
    training = Training(steps, entry.batch_size, entry.precision, checkpoint_seconds=float("inf"))
    try:
        Trainer(method, gated, training, entry.out, entry.device).run()
    except Stopped:
        saved = time.perf_counter() - gate.left_at
    else:
        raise RuntimeError(f"the training was over after {steps} steps, before the contest")
    data = sum(images.pixels.nbytes for images in sets) / 1e6
    return Finish(peak_memory_mb(entry.device), data, saved)


def _time_moves(method: Method, gate: Gate) -> None:
    moves = method.moves

    def timed(batch: Any, progress: float) -> Iterator[Any]:
        with gate.step():
            yield from moves(batch, progress)

    vars(method)["moves"] = timed  # of this object alone: its class stays as it is


def play_tutorial(gate: Gate, entry: Entry) -> Finish:
    """Train as the tutorials do until the gate closes."""
    torch.manual_seed(0)
    size = entry.pictures[0].images().size
    tutorial = TUTORIALS[type(entry.method)]
    network = tutorial.network(entry.method, entry.shape(size)).to(entry.device)
    loaders = [
        DataLoader(
            files := ImageFiles.of(pictures, size),
            batch_size=entry.batch_size,
            num_workers=WORKERS,
            # One endless epoch, as good as the long epochs of a full set: no worker starts anew.
            sampler=RandomSampler(
                files, replacement=True, num_samples=_STEPS_IN_ADVANCE * entry.batch_size
            ),
        )
        for pictures in entry.pictures
    ]
    loaded = iter(loaders[0]) if len(loaders) == 1 else zip(*loaders, strict=True)

    def batches() -> Iterator[Any]:
        while gate.open():
            batch = next(loaded)
            with gate.step():
                yield batch

    tutorial.train(network, batches(), entry.method, entry.device)
    return Finish(peak_memory_mb(entry.device), 0.0, 0.0)


def peak_memory_mb(device: torch.device) -> float:
    """Most memory that this process has held, in MB; on a GPU, of the device's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    status = Path("/proc/self/status")
    if status.exists():
        # Linux hands ru_maxrss down from parent to child; VmHWM is the process's own.
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


Play = Callable[[Gate, Entry], Finish]


def _serve(pipe: Connection, play: Play, entry: Entry) -> None:
    try:
        pipe.send(play(Gate(pipe, entry.device), entry))
    except (EOFError, BrokenPipeError):
        pass  # the parent has gone
    finally:
        for worker in multiprocessing.active_children():
            os.kill(worker.pid or 0, signal.SIGCONT)


class Contender:
    """The parent's end of one contender. Its process lives while this is used as a context."""

    def __init__(self, play: Play, entry: Entry) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, self.other = context.Pipe()
        self.process = context.Process(target=_serve, args=(self.other, play, entry))

    def __enter__(self) -> "Contender":
        # Ctrl-C is the parent's to answer: what is ignored here is ignored in the new process.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        self.other.close()
        return self

    def wait(self) -> None:
        """Wait until it has built everything and stands before the gate."""
        self._receive()

    def __exit__(self, *reason: object) -> None:
        self.pipe.close()
        self.process.join(timeout=20)
        if self.process.is_alive():
            self.process.kill()

    def turn(self, steps: int) -> Turn:
        """Let it train `steps` steps, and wait."""
        self.pipe.send(steps)
        turn: Turn = self._receive()
        return turn

    def finish(self) -> Finish:
        """Let it save, if it does, and end."""
        self.pipe.send(0)
        finish: Finish = self._receive()
        return finish

    def _receive(self) -> Any:
        try:
            return self.pipe.recv()
        except EOFError:
            raise RuntimeError("a contender's process has ended before its time") from None
