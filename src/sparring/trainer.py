"""Plays any game: resumes its moves, steps its players, logs, saves, goes on where it was.

Knows the game and, in the folder that it is given, log.jsonl, events.json and checkpoints/. Knows
no method, no data set and no run; sets nothing process-wide but the global random state.
"""

import copy
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from sparring import averages, runtime
from sparring.checkpoints import Checkpoints, State
from sparring.divergence import Event, LogIntervals, Monitor, health
from sparring.errors import RequestError, Stopped, TrainingFailed
from sparring.game import Batch, Method, Move, Row
from sparring.player import Player
from sparring.signals import stop_requests
from sparring.storage import RowLog, write_json

Scalars = dict[tuple[str, str], Tensor]
"""What one batch has for the log, detached: by the log's group and the name there."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """How long and how to train.

    checkpoint_seconds: at the least, between two saves; it changes no result.
    rescue: go back to a good state, at a lower learning rate, where the training diverges or
        collapses. Without it, the first number that is not finite ends the training.
    keep_state: save the last state too, for a later training of more steps to go on from.
    """

    steps: int
    batch_size: int = 128
    precision: runtime.Precision = "auto"
    checkpoint_seconds: float = 120.0
    rescue: bool = True
    keep_state: bool = False


@dataclass(frozen=True)
class Status:
    """Where a training is, for whoever shows it. health: in words; empty where nobody looks."""

    step: int
    steps: int
    images_per_second: float
    seconds_left: float
    losses: dict[str, float]
    health: str = ""


class Trainer:
    """Trains a built method.

    feed: batch number k (from 0) to the batch, on `device`; must depend on k alone.
    folder: where the log, the events and the saved states go; it must exist.
    watch: called with the status whenever the log gets a row.
    observe: called with the step before each row; returns what it measured, by name. Sees the
        method as it is evaluated, and must leave the global random state alone.
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
        runtime.lay_out(method)
        averages.begin(method)
        self.feed, self.training, self.folder = feed, training, folder
        self.device, self.watch, self.observe = device, watch, observe
        self.bfloat16 = runtime.resolve_precision(training.precision, device) == "bfloat16"
        self.players = {name: Player(method, name, net) for name, net in method.players().items()}
        self.intervals = LogIntervals.of(training.steps)
        self.monitor = Monitor(method, training.rescue, self._tell)
        self.log = RowLog(folder / "log.jsonl")
        self.checkpoints = Checkpoints(folder / "checkpoints")
        self.unlogged: list[Scalars] = []
        self.step, self.seconds = 0, 0.0
        self.since = 0, 0.0  # where this session, or the last rollback, began: step and seconds

    @property
    def images_per_second(self) -> float:
        """Mean speed so far; of each batch the labelled (or only) domain is counted."""
        return self.step * self.training.batch_size / max(self.seconds, 1e-9)

    def run(self) -> None:
        """Train to the last step, from the last saved state if there is one.

        Raises Stopped after SIGINT or SIGTERM (the state is saved first) and TrainingFailed when
        the training diverges again and again (the method is then as in its last good state).
        """
        self._resume()
        self.method.train()
        saved = time.monotonic()
        started = saved - self.seconds
        with stop_requests() as requests:
            while self.step < self.training.steps:
                self.unlogged.append(self._play(self.feed(self.step)))
                self.step += 1
                self.seconds = time.monotonic() - started
                if self._due(self.intervals.log):
                    self._log()
                due = time.monotonic() - saved > self.training.checkpoint_seconds
                if due and self.good["step"] == self.step:
                    self._save(self.good)
                    saved = time.monotonic()
                if requests:
                    self._save(self._state())
                    raise Stopped(requests[0], f"stopped at step {self.step:,}; all is saved")
        if self.training.keep_state:
            self._save(self._state())
        self.method.eval()

    def _due(self, interval: int) -> bool:
        return self.step % interval == 0 or self.step == self.training.steps

    def _play(self, batch: Batch) -> Scalars:
        """One batch: resume the method's moves and step each mover."""
        scalars: Scalars = {}
        progress = self.step / self.training.steps
        moves = self.method.moves(batch, progress)
        with_gradients = (self.step + 1) % self.intervals.gradients == 0
        while move := self._next(moves):
            gradients = self.players[move.player].step(move.loss, self.monitor.rate)
            scalars["losses", move.player] = move.loss.detach()
            scalars |= {("terms", name): value.detach() for name, value in move.terms.items()}
            if with_gradients:
                scalars["gradients", move.player] = get_total_norm(gradients)
            del gradients  # as large as the player: not to be held through the next move
        self.method.stepped(progress)
        averages.update(self.method, self.step)
        return scalars

    def _next(self, moves: Iterator[Move]) -> Move | None:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            return next(moves, None)

    def _log(self) -> None:
        """Write a row and look at it: keep this state to go back to, or go back."""
        row = self._row()
        if trouble := self.monitor.examine(self.step, row):
            self._go_back(trouble)
            return
        images, seconds = self.step * self.training.batch_size, round(self.seconds, 3)
        about = {"step": self.step, "images": images, "seconds": seconds}
        self.log.append(about | {name: group for name, group in vars(row).items() if group})
        self.watch(self._status(row))
        if self.monitor.well and self._due(self.intervals.restore):
            self.good = self._state()

    def _row(self) -> Row:
        """The means since the last row; one wait for the device."""
        columns: dict[tuple[str, str], list[Tensor]] = {}
        for scalars in self.unlogged:
            for key, value in scalars.items():
                columns.setdefault(key, []).append(value)
        self.unlogged = []
        means = torch.stack([torch.stack(column).mean() for column in columns.values()]).tolist()
        groups: dict[str, dict[str, float]] = {"losses": {}, "terms": {}, "gradients": {}}
        for (group, name), value in zip(columns, means, strict=True):
            groups[group][name] = value
        with self.method.evaluated():
            return Row(**groups, measures=self.observe(self.step))

    def _status(self, row: Row) -> Status:
        # A stopped training may go on under another load: only this session's speed counts here.
        begun, seconds = self.since
        speed = (self.step - begun) / max(self.seconds - seconds, 1e-9)
        steps, batch = self.training.steps, self.training.batch_size
        left = (steps - self.step) / speed
        losses, words = dict(row.losses), health(self.monitor.events)
        return Status(self.step, steps, speed * batch, left, losses, words)

    def _go_back(self, trouble: str) -> None:
        """Return to the last good state; TrainingFailed where that is not wanted or was in vain."""
        failed = f"{self.folder.name}: {trouble} at step {self.step}"
        if not self.training.rescue:
            raise TrainingFailed(f"{failed}; {self._last_row()}; try a lower learning rate")
        goes_on = self.monitor.go_back(self.step, self.good["step"], trouble)
        self._apply(self.good | {"monitor": self.monitor.state()})
        self.log.cut(self.step)
        if not goes_on:
            self.method.eval()
            raise TrainingFailed(
                f"{failed}, after {self.monitor.rollbacks} rollbacks, the last to step "
                f"{self.step}; try a lower learning rate or another seed"
            )
        torch.manual_seed(int(torch.randint(2**62, ())) + self.monitor.rollbacks)
        self.since = self.step, self.seconds
        self.good = self._state()
        self._save(self.good)

    def _last_row(self) -> str:
        if not (rows := self.log.rows()):
            return "no row of the log was finite"
        losses = ", ".join(f"{player} {loss:.3g}" for player, loss in rows[-1]["losses"].items())
        return f"the last finite losses, at step {rows[-1]['step']}: {losses}"

    def _state(self) -> State:
        """All that training needs to go on bit for bit, as copies."""
        state: State = {
            "step": self.step,
            "seconds": self.seconds,
            "method": self.method.state_dict(),
            "buffers": {n: b.detach() for n, b in self.method.named_buffers()},  # `of_training` too
            "averages": {name: mean.state_dict() for name, mean in self.method.average.items()},
            "optimizers": {name: p.optimizer.state_dict() for name, p in self.players.items()},
            "unlogged": self.unlogged,
            "monitor": self.monitor.state(),
            "random": runtime.random_state(self.device),
        }
        return copy.deepcopy(state)

    def _apply(self, state: State) -> None:
        """Be where `state` is; the wall clock alone goes on."""
        self.step = state["step"]
        self.method.load_state_dict(state["method"])
        for name, buffer in self.method.named_buffers():
            buffer.copy_(state["buffers"][name])
        for name, mean in self.method.average.items():
            mean.load_state_dict(state["averages"][name])
        for name, player in self.players.items():
            # An optimizer would take over the tensors themselves, and change them.
            player.optimizer.load_state_dict(copy.deepcopy(state["optimizers"][name]))
        self.unlogged = list(state["unlogged"])
        self.monitor.restore(state["monitor"])
        runtime.restore_random_state(self.device, state["random"])

    def _save(self, present: State) -> None:
        # Both states: a resumed training must go back to the same state as one never stopped.
        self.log.sync()
        state = {"present": present, "good": self.good}
        self.checkpoints.save(state, self.monitor.rollbacks, present["step"])

    def _resume(self) -> None:
        """Go on from the last saved state, or be ready to go back to the beginning."""
        self.good = self._state()
        if saved := self.checkpoints.load(self.device):
            try:
                self._apply(saved["present"])
                self.seconds, self.good = saved["present"]["seconds"], saved["good"]
            except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
                raise RequestError(
                    f"the saved state in {self.checkpoints.folder} does not fit: it is of another "
                    "version of sparring or another device; go on there, or remove that folder, "
                    "and this run starts anew"
                ) from error
        self.since = self.step, self.seconds
        self._write_events()
        self.log.cut(self.step)

    def _tell(self, event: Event) -> None:
        _log.warning("%s: %s at step %d: %s", self.folder.name, event.kind, event.step, event.what)
        self._write_events()

    def _write_events(self) -> None:
        path = self.folder / "events.json"
        if self.monitor.events:
            write_json(path, {"events": self.monitor.events})
        else:
            path.unlink(missing_ok=True)
