"""Small games and trainings that the tests of the trainer share."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from sparring.checkpoints import weights_of
from sparring.game import Batch, Method, Move, Shape, Unlabelled
from sparring.methods import DCGAN
from sparring.storage import RowLog
from sparring.trainer import Trainer, Training

CPU = torch.device("cpu")


def feed(step: int) -> Unlabelled:
    random = torch.Generator().manual_seed(step)
    return Unlabelled(torch.rand(8, 3, 16, 16, generator=random) * 2 - 1)


def small_dcgan(seed: int = 0, kind: type[DCGAN] = DCGAN) -> DCGAN:
    torch.manual_seed(seed)
    method = kind(width=4, noise_size=8)
    method.build(Shape(16))
    return method


def run(
    path: Path,
    method: Method,
    training: Training,
    feed: Callable[[int], Batch] = feed,
    **options: Any,
) -> Trainer:
    path.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(method, feed, training, path, CPU, **options)
    trainer.run()
    return trainer


def train(
    path: Path,
    *,
    steps: int = 6,
    seed: int = 0,
    checkpoint_seconds: float = 1e9,
    feed: Callable[[int], Batch] = feed,
    keep_state: bool = False,
    kind: type[DCGAN] = DCGAN,
) -> dict[str, torch.Tensor]:
    """Train a small DCGAN; returns its weights."""
    method = small_dcgan(seed, kind)
    options = Training(steps, 8, "float32", checkpoint_seconds, keep_state=keep_state)
    run(path, method, options, feed)
    return method.state_dict() | {f"mean {k}": v for k, v in weights_of(method).items()}


def rows(path: Path) -> list[dict[str, Any]]:
    return RowLog(path / "log.jsonl").rows()


def events(path: Path) -> list[dict[str, Any]]:
    return list(json.loads((path / "events.json").read_text())["events"])


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@dataclass(eq=False, kw_only=True)
class Duel(Method):
    """Two numbers; each move's loss depends on both, and the second sees the first's step."""

    learning_rate: float = 0.1
    batch_type = Unlabelled

    def build(self, shape: Shape) -> None:
        self.left, self.right = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        self.seen: list[float] = []

    def players(self) -> dict[str, nn.Module]:
        return {"left": self.left, "right": self.right}

    def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
        for player in ("left", "right"):
            before = [net.weight.item() for net in (self.left, self.right)]
            yield Move(player, (self.left.weight * 3 + self.right.weight * 5).sum())
            after = [net.weight.item() for net in (self.left, self.right)]
            self.seen += [a - b for a, b in zip(after, before, strict=True)]


def crash(path: Path, at: int, **options: Any) -> None:
    """Train until the process seems to die in step `at`, having saved after every step."""

    def killed(step: int) -> Unlabelled:
        if step == at:
            raise KeyError("as if the process had died here")
        return feed(step)

    with pytest.raises(KeyError):
        train(path, feed=killed, checkpoint_seconds=0, **options)


NAN_AT = 12


def poison(
    times: int, value: float = float("nan"), at: int = NAN_AT
) -> Callable[[int], Unlabelled]:
    """A feed whose batch `at` is bad the first `times` times that it is asked for."""
    left = [times]

    def poisoned(step: int) -> Unlabelled:
        if step == NAN_AT and left[0]:
            left[0] -= 1
            return Unlabelled(feed(step).image * value)
        return feed(step)

    return poisoned


class Averaged(DCGAN):
    """A DCGAN of whose generator a running mean is kept."""

    averaged: ClassVar = {"generator": 0.8}


@dataclass(eq=False, kw_only=True)
class Taught(Method):
    """A student that runs away from the running mean of itself."""

    batch_type = Unlabelled
    averaged: ClassVar = {"student": 0.5}

    def build(self, shape: Shape) -> None:
        self.student = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.student.weight)

    def players(self) -> dict[str, nn.Module]:
        return {"student": self.student}

    def optimizer(self, player: str, parameters: list[torch.Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=1.0)

    def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
        teacher = self.average["student"].weight
        yield Move("student", (1 + teacher * self.student.weight).sum() - self.student.weight.sum())
