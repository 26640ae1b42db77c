"""Plays any game: resumes its moves, steps its players, logs, saves, goes on where it was.

Knows the game, its health and the run folder; knows no method, no data set and no report.
"""

import copy
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from sparring.checkpoints import Checkpoints, State, write_weights
from sparring.divergence import Event, Health, Rhythm
from sparring.errors import RequestError, Stopped, TrainingFailed
from sparring.game import Batch, Method, Move, Row
from sparring.runtime import Precision, as_it_lies, prepare, resolve_precision
from sparring.signals import stop_requests
from sparring.storage import RowLog, write_json

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """How long and how to train.

    checkpoint_seconds: how long to wait at the least between two saves; it changes no result.
    """

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


class Trainer:
    """Trains a built method.

    feed: batch number k (from 0) to the batch; must depend on k alone.
    watch: called with the status whenever the log gets a row.
    observe: called with the step whenever the log gets a row; returns what it measured, by name.
        May use the method in evaluation mode, and must leave the global random state alone.
    """

    def __init__(
        self,
        method: Method,
        feed: Callable[[int], Batch],
        training: Training,
        folder: Path,
        device: torch.device,
        watch: Callable[[Status], None] = lambda status: None,
        observe: Callable[[int], Mapping[str, float]] = lambda step: {},
    ) -> None:
        self.method = method.to(device)
        prepare(method)
        self.feed, self.training, self.folder = feed, training, folder
        self.device, self.watch, self.observe = device, watch, observe
        self.bfloat16 = resolve_precision(training.precision, device) == "bfloat16"
        self.parameters = {name: list(net.parameters()) for name, net in method.players().items()}
        self.optimizers = {
            name: torch.optim.Adam(
                [as_it_lies(parameter.detach(), parameter) for parameter in parameters],
                lr=method.learning_rate,
                betas=method.betas,
                fused=True,
            )
            for name, parameters in self.parameters.items()
        }
        self.rhythm = Rhythm.of(training.steps)
        self.health = Health(method.alarm, self._tell)
        self.log = RowLog(folder / "log.jsonl")
        self.checkpoints = Checkpoints(folder / "checkpoints")
        self.unlogged: list[dict[str, Tensor]] = []
        self.step = 0
        self.seconds = 0.0
        self.since = 0, 0.0

    @property
    def images_per_second(self) -> float:
        """Mean speed so far; of each batch the labelled (or only) domain is counted."""
        return self.step * self.training.batch_size / max(self.seconds, 1e-9)

    def run(self) -> None:
        """Train to the last step, from the last saved state if there is one.

        Raises Stopped after SIGINT or SIGTERM (the state is saved first) and TrainingFailed when
        the training diverges again and again (the weights of the last healthy state are kept).
        """
        self._resume()
        self.method.train()
        started = time.monotonic() - self.seconds
        saved = time.monotonic()
        with stop_requests() as requests:
            while self.step < self.training.steps:
                self.unlogged.append(self._play(self.feed(self.step)))
                self.step += 1
                self.seconds = time.monotonic() - started
                if self._due(self.rhythm.log):
                    self._log()
                due = time.monotonic() - saved > self.training.checkpoint_seconds
                if due and self.healthy["step"] == self.step:
                    self._save(self.healthy)
                    saved = time.monotonic()
                if requests:
                    self._save(self._state())
                    raise Stopped(requests[0], f"stopped at step {self.step:,}; all is saved")
        self._finish()

    def _due(self, interval: int) -> bool:
        return self.step % interval == 0 or self.step == self.training.steps

    def _play(self, batch: Batch) -> dict[str, Tensor]:
        """One batch: resume the method's moves and step each mover. Returns detached scalars."""
        scalars: dict[str, Tensor] = {}
        moves = self.method.moves(batch, self.step / self.training.steps)
        pulse = (self.step + 1) % self.rhythm.pulse == 0
        while move := self._next(moves):
            gradients = self._step(move)
            scalars[f"losses/{move.player}"] = move.loss.detach()
            scalars |= {f"terms/{name}": value.detach() for name, value in move.terms.items()}
            if pulse:
                scalars[f"gradients/{move.player}"] = get_total_norm(gradients)
            del gradients  # as large as the player: not to be held through the next move
        return scalars

    def _next(self, moves: Iterator[Move]) -> Move | None:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            return next(moves, None)

    def _step(self, move: Move) -> list[Tensor]:
        """Step one player; returns its gradients."""
        # Gradients of this player alone: nothing is left behind in the others.
        parameters, optimizer = self.parameters[move.player], self.optimizers[move.player]
        gradients = torch.autograd.grad(move.loss, parameters, allow_unused=True)
        views = optimizer.param_groups[0]["params"]
        for view, parameter, gradient in zip(views, parameters, gradients, strict=True):
            view.grad = None if gradient is None else as_it_lies(gradient, parameter)
        optimizer.step()
        optimizer.zero_grad()
        return [gradient for gradient in gradients if gradient is not None]

    def _log(self) -> None:
        """Write a row and look at it: keep this state to go back to, or go back."""
        row = self._row()
        if trouble := self.health.examine(self.step, row):
            self._go_back(trouble)
            return
        images = self.step * self.training.batch_size
        self.log.append(
            {"step": self.step, "images": images, "seconds": round(self.seconds, 3)}
            | {name: values for name, values in asdict(row).items() if values}
        )
        self._show(row)
        if self.health.well and self._due(self.rhythm.restore):
            self.healthy = self._state()

    def _row(self) -> Row:
        """The means since the last row; one wait for the device."""
        scalars, self.unlogged = self.unlogged, []
        columns: dict[str, list[Tensor]] = {}
        for entry in scalars:
            for key, value in entry.items():
                columns.setdefault(key, []).append(value)
        means = torch.stack([torch.stack(column).mean() for column in columns.values()]).tolist()
        groups: dict[str, dict[str, float]] = {"losses": {}, "terms": {}, "gradients": {}}
        for key, value in zip(columns, means, strict=True):
            group, name = key.split("/")
            groups[group][name] = value
        self.method.eval()
        measures = self.observe(self.step)
        self.method.train()
        return Row(**groups, measures=measures)

    def _show(self, row: Row) -> None:
        # A stopped training may go on under another load: only this session's speed counts here.
        begun, seconds = self.since
        speed = (self.step - begun) / max(self.seconds - seconds, 1e-9)
        left = (self.training.steps - self.step) / speed
        images_per_second = speed * self.training.batch_size
        self.watch(
            Status(self.step, self.training.steps, images_per_second, left, dict(row.losses))
        )

    def _go_back(self, trouble: str) -> None:
        """Return to the last healthy state, and change what may help.

        Raises TrainingFailed where that was done too often: that state's weights are then kept.
        """
        failed_at, healthy_step = self.step, self.healthy["step"]
        goes_on = self.health.go_back(failed_at, healthy_step, trouble)
        health = self.health.state()
        self._apply(self.healthy)
        self.health.restore(health)
        self.log.cut(self.step)
        if not goes_on:
            self._finish()
            raise TrainingFailed(
                f"{self.folder.name}: {trouble} at step {failed_at}, after "
                f"{self.health.rollbacks} rollbacks; the weights of step {healthy_step} are kept; "
                "try a lower --learning-rate or another --seed"
            )
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.method.learning_rate * self.health.rate
        torch.manual_seed(int(torch.randint(2**62, ())) + self.health.rollbacks)
        self.since = self.step, self.seconds
        self.healthy = self._state()
        self._save(self.healthy)

    def _state(self) -> State:
        """All that training needs to go on bit for bit, as copies."""
        state: State = {
            "step": self.step,
            "seconds": self.seconds,
            "method": self.method.state_dict(),
            "adam": {name: o.state_dict() for name, o in self.optimizers.items()},
            "unlogged": self.unlogged,
            "health": self.health.state(),
            "random": torch.get_rng_state(),
        }
        if self.device.type == "cuda":
            state["random_cuda"] = torch.cuda.get_rng_state(self.device)
        return copy.deepcopy(state)

    def _apply(self, state: State) -> None:
        """Be where `state` is; the wall clock alone goes on."""
        self.step = state["step"]
        self.method.load_state_dict(state["method"])
        for name, optimizer in self.optimizers.items():
            # An optimizer would take over the tensors themselves, and change them.
            optimizer.load_state_dict(copy.deepcopy(state["adam"][name]))
        self.unlogged = list(state["unlogged"])
        self.health.restore(state["health"])
        torch.set_rng_state(state["random"].cpu())
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"].cpu(), self.device)

    def _save(self, present: State) -> None:
        # Both states: a resumed training must go back to the same state as one never stopped.
        self.log.sync()
        state = {"present": present, "healthy": self.healthy}
        self.checkpoints.save(state, self.health.rollbacks, present["step"])

    def _resume(self) -> None:
        """Go on from the last saved state, or be ready to go back to the beginning."""
        saved = self.checkpoints.load(self.device)
        if saved is None:
            self.healthy = self._state()
        else:
            self._take_up(saved)
        self.since = self.step, self.seconds
        self._write_events()
        self.log.cut(self.step)

    def _take_up(self, saved: State) -> None:
        try:
            self.healthy = saved["healthy"]
            self._apply(saved["present"])
            self.seconds = saved["present"]["seconds"]
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise RequestError(
                f"the saved state in {self.checkpoints.folder} does not fit: it is of another "
                "version of sparring or another device; go on there, or remove that folder, and "
                "this run starts anew"
            ) from error

    def _tell(self, event: Event) -> None:
        _log.warning("%s: %s at step %d: %s", self.folder.name, event.kind, event.step, event.what)
        self._write_events()

    def _write_events(self) -> None:
        path = self.folder / "events.json"
        if self.health.events:
            write_json(path, [asdict(event) for event in self.health.events])
        else:
            path.unlink(missing_ok=True)

    def _finish(self) -> None:
        """Write the weights. A saved state stays until the run has its scores."""
        write_weights(self.folder / "weights.safetensors", self.method)
        self.method.eval()
