"""Plays any game: resumes its moves, steps its players, logs, saves, goes on where it was.

Knows the game and the run folder; knows no method, no data set and no report.
"""

import io
import math
import pickle
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import torch
from safetensors.torch import save
from torch import Tensor

from sparring.errors import RequestError, Stopped, TrainingFailed
from sparring.game import Batch, Method, Move
from sparring.run import RunFolder, write_atomically

Precision = Literal["auto", "float32", "bfloat16"]


def log_interval(steps: int) -> int:
    """Steps between two rows of the log: some 400 rows, and a row every 50 steps at the least."""
    return min(50, max(1, steps // 400))


@dataclass(frozen=True)
class Training:
    """How long and how to train. `checkpoint_seconds`: how often to save; it changes no result."""

    steps: int
    batch_size: int = 128
    precision: Precision = "auto"
    checkpoint_seconds: float = 120.0


@dataclass(frozen=True)
class Status:
    """Where a training is, for whoever shows it."""

    step: int
    steps: int
    images_per_second: float
    seconds_left: float
    losses: dict[str, float]


def resolve_precision(precision: Precision, device: torch.device) -> Precision:
    """What "auto" means here: bfloat16 where the machine computes with it, else float32.

    Parameters, losses, norms and optimizers are float32 in either case.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        capable = torch.cuda.is_bf16_supported()
    else:
        found = torch.cpu.get_capabilities()
        capable = found.get("avx512_bf16", False) or found.get("amx_bf16", False)
    return "bfloat16" if capable else "float32"


class Trainer:
    """Trains a built method.

    feed: batch number k (from 0) to the batch; must depend on k alone.
    watch: called with the status whenever the log gets a row.
    observe: called with the step whenever the log gets a row; may use the method in evaluation
        mode, and must leave the global random state alone.
    """

    def __init__(
        self,
        method: Method,
        feed: Callable[[int], Batch],
        training: Training,
        folder: RunFolder,
        device: torch.device,
        watch: Callable[[Status], None] = lambda status: None,
        observe: Callable[[int], None] = lambda step: None,
    ) -> None:
        self.method = method.to(device)
        for parameter in method.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.to(memory_format=torch.channels_last)
        self.feed, self.training, self.folder = feed, training, folder
        self.device, self.watch, self.observe = device, watch, observe
        self.bfloat16 = resolve_precision(training.precision, device) == "bfloat16"
        self.parameters = {name: list(net.parameters()) for name, net in method.players().items()}
        self.optimizers = {
            name: torch.optim.Adam(
                parameters, lr=method.learning_rate, betas=method.betas, fused=True
            )
            for name, parameters in self.parameters.items()
        }
        self.log_every = log_interval(training.steps)
        self.unlogged: list[dict[str, Tensor]] = []
        self.step = 0
        self.seconds = 0.0
        self.resumed = 0, 0.0

    @property
    def images_per_second(self) -> float:
        """Mean speed so far; of each batch the labelled (or only) domain is counted."""
        return self.step * self.training.batch_size / max(self.seconds, 1e-9)

    def run(self) -> None:
        """Train to the last step, from the last saved state if there is one.

        Raises Stopped after SIGINT or SIGTERM (the state is saved first) and TrainingFailed when
        a loss is no longer finite.
        """
        self._restore()
        self.resumed = self.step, self.seconds
        self.method.train()
        started = time.monotonic() - self.seconds
        saved = time.monotonic()
        with _stop_requests() as requests:
            while self.step < self.training.steps:
                self.unlogged.append(self._play(self.feed(self.step)))
                self.step += 1
                self.seconds = time.monotonic() - started
                if self.step % self.log_every == 0 or self.step == self.training.steps:
                    self._log()
                if requests or time.monotonic() - saved > self.training.checkpoint_seconds:
                    self._save()
                    saved = time.monotonic()
                if requests:
                    raise Stopped(requests[0], f"stopped at step {self.step:,}; all is saved")
        self._finish()

    def _play(self, batch: Batch) -> dict[str, Tensor]:
        """One batch: resume the method's moves and step each mover. Returns detached scalars."""
        scalars: dict[str, Tensor] = {}
        moves = self.method.moves(batch, self.step / self.training.steps)
        while move := self._next(moves):
            self._step(move)
            scalars[f"losses/{move.player}"] = move.loss.detach()
            scalars |= {f"terms/{name}": value.detach() for name, value in move.terms.items()}
        return scalars

    def _next(self, moves: Iterator[Move]) -> Move | None:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            return next(moves, None)

    def _step(self, move: Move) -> None:
        # Gradients of this player alone: nothing is left behind in the others.
        parameters = self.parameters[move.player]
        gradients = torch.autograd.grad(move.loss, parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimizers[move.player].step()
        for parameter in parameters:
            parameter.grad = None

    def _log(self) -> None:
        """Write the means since the last row, then show them."""
        scalars, self.unlogged = self.unlogged, []
        means = {key: torch.stack([row[key] for row in scalars]).mean() for key in scalars[0]}
        values = dict(zip(means, torch.stack(list(means.values())).tolist(), strict=True))
        groups: dict[str, dict[str, float]] = {"losses": {}, "terms": {}}
        for key, value in values.items():
            group, name = key.split("/")
            groups[group][name] = value
        if not all(map(math.isfinite, groups["losses"].values())):
            raise TrainingFailed(
                f"{self.folder.name}: a loss is no longer finite at step {self.step}: "
                f"{groups['losses']}; try a lower --learning-rate or another --seed"
            )
        images = self.step * self.training.batch_size
        self.folder.append_log(
            {"step": self.step, "images": images, "seconds": round(self.seconds, 3), **groups}
        )
        # A stopped training may go on under another load: only this session's speed counts here.
        begun, seconds = self.resumed
        speed = (self.step - begun) / max(self.seconds - seconds, 1e-9)
        left = (self.training.steps - self.step) / speed
        images_per_second = speed * self.training.batch_size
        self.watch(
            Status(self.step, self.training.steps, images_per_second, left, groups["losses"])
        )
        self.method.eval()
        self.observe(self.step)
        self.method.train()

    def _save(self) -> None:
        """Save all that training needs to go on, bit for bit, in one atomic file."""
        state: dict[str, Any] = {
            "step": self.step,
            "seconds": self.seconds,
            "method": self.method.state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "unlogged": self.unlogged,
            "random": torch.get_rng_state(),
        }
        if self.device.type == "cuda":
            state["random_cuda"] = torch.cuda.get_rng_state(self.device)
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(self.folder.path / "state.pt", buffer.getvalue())

    def _restore(self) -> None:
        path = self.folder.path / "state.pt"
        if path.is_file():
            state = _read_state(path, self.device)
            self.step, self.seconds = state["step"], state["seconds"]
            self.method.load_state_dict(state["method"])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
            self.unlogged = state["unlogged"]
            torch.set_rng_state(state["random"].cpu())
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(state["random_cuda"].cpu(), self.device)
        self.folder.cut_log(self.step)

    def _finish(self) -> None:
        """Write the weights. A saved state stays until the run has its scores."""
        weights = {k: v.contiguous().cpu() for k, v in self.method.state_dict().items()}
        write_atomically(self.folder.path / "weights.safetensors", save(weights))
        self.method.eval()


def _read_state(path: Path, device: torch.device) -> dict[str, Any]:
    """A saved state. Runs no code from the file. Raises RequestError where it is damaged."""
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise RequestError(
            f"cannot read {path}: it is damaged; remove it, and this run starts anew"
        ) from error
    return state


@contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list instead of dying in the middle of a step."""
    requests: list[int] = []

    def request(number: int, frame: FrameType | None) -> None:
        requests.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, request) for number in numbers}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
