import copy
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from sparring.checkpoints import Checkpoints, weights_of
from sparring.errors import RequestError, Stopped, TrainingFailed
from sparring.game import Batch, Labelled, Limits, Method, Move, Pair, Shape, Unlabelled
from sparring.methods import ACGAN, DANN, DCGAN, DSN
from sparring.methods.losses import bce
from sparring.runtime import Precision
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


def test_the_trainer_equals_a_hand_written_loop_bit_for_bit(tmp_path: Path) -> None:
    method = small_dcgan()
    generator, discriminator = method.generator, method.discriminator
    optimizers = [
        torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True)
        for net in (discriminator, generator)
    ]
    for net in (generator, discriminator):
        for parameter in net.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.to(memory_format=torch.channels_last)
    for step in range(6):
        real = feed(step).image
        fake = generator(torch.randn(8, 8))
        discriminator.zero_grad()
        judged = discriminator(torch.cat([real, fake.detach()]))[0]
        on_real, on_fake = bce(judged[: len(real)], 1.0), bce(judged[len(real) :], 0.0)
        (on_real + on_fake).backward()
        optimizers[0].step()
        generator.zero_grad()
        bce(discriminator(fake)[0], 1.0).backward()
        optimizers[1].step()
    trained = train(tmp_path / "run")
    for name, value in method.state_dict().items():
        assert torch.equal(trained[name], value), name


@dataclass(eq=False, kw_only=True)
class Transposed(Method):
    """A player whose gradient comes in another memory layout than its weights."""

    learning_rate: float = 0.1
    batch_type = Unlabelled

    def build(self, shape: Shape) -> None:
        self.weight = nn.Parameter(torch.zeros(4, 3, 3, 3))

    def players(self) -> dict[str, nn.Module]:
        return {"it": self}

    def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
        yield Move("it", (self.weight.contiguous() * self.push).sum())

    push = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0))


def test_every_weight_steps_against_its_own_gradient(tmp_path: Path) -> None:
    method = Transposed()
    method.build(Shape(1))
    run(tmp_path, method, Training(1, 8, "float32"))
    assert method.weight.stride() != method.push.stride()
    assert torch.equal(method.weight.sign(), -method.push.sign())


def test_convolutions_of_dann_step_as_plain_adam_steps(tmp_path: Path) -> None:
    def pair(step: int) -> Pair:
        random = torch.Generator().manual_seed(step)
        images = torch.rand(2, 4, 3, 32, 32, generator=random) * 2 - 1
        return Pair(Labelled(images[0], torch.arange(4)), Unlabelled(images[1]))

    torch.manual_seed(0)
    method = DANN()
    method.build(Shape(32, tuple("abcd"), "classes"))
    plain = copy.deepcopy(method)
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3, betas=(0.9, 0.999), foreach=False)
    (move,) = plain.moves(pair(0), 0.0)
    move.loss.backward()
    optimizer.step()
    before = {name: value.clone() for name, value in method.named_parameters()}
    run(tmp_path, method, Training(1, 4, "float32"), pair)
    theirs = dict(plain.named_parameters())
    for name, value in method.named_parameters():
        if value.ndim < 4:
            continue
        step, expected = value - before[name], theirs[name] - before[name]
        # The sign of a gradient that is all but zero, which Adam steps by, is a matter of rounding;
        # of steps that belong to other weights, this would be the square root of 2.
        assert (step - expected).norm() < 0.5 * expected.norm(), name


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    first = train(tmp_path / "a", seed=1)
    assert same(first, train(tmp_path / "b", seed=1))
    assert not same(first, train(tmp_path / "c", seed=2))


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


def test_a_move_steps_its_player_alone_before_the_next_move(tmp_path: Path) -> None:
    method = Duel()
    method.build(Shape(1))
    run(tmp_path, method, Training(1, 8, "float32"))
    # Adam's first step is the learning rate, against the gradient's sign.
    assert method.seen == pytest.approx([-0.1, 0, 0, -0.1], abs=1e-6)
    assert all(parameter.grad is None for parameter in method.parameters())


@pytest.mark.parametrize("stop_at", [1, 3, 5])
def test_a_stopped_training_goes_on_bit_for_bit(tmp_path: Path, stop_at: int) -> None:
    def interrupted(step: int) -> Unlabelled:
        if step == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return feed(step)

    whole = train(tmp_path / "whole")
    with pytest.raises(Stopped) as stopped:
        train(tmp_path / "parts", feed=interrupted)
    assert stopped.value.signal == signal.SIGTERM
    assert len(list((tmp_path / "parts/checkpoints").iterdir())) == 1
    assert same(whole, train(tmp_path / "parts"))

    def timeless(name: str) -> list[dict[str, Any]]:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in rows(tmp_path / name)]

    assert timeless("parts") == timeless("whole")
    assert [row["step"] for row in timeless("whole")] == [1, 2, 3, 4, 5, 6]


def crash(path: Path, at: int, **options: Any) -> None:
    """Train until the process seems to die in step `at`, having saved after every step."""

    def killed(step: int) -> Unlabelled:
        if step == at:
            raise KeyError("as if the process had died here")
        return feed(step)

    with pytest.raises(KeyError):
        train(path, feed=killed, checkpoint_seconds=0, **options)


def test_rows_after_the_last_save_are_written_once(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", steps=12)
    crash(tmp_path / "parts", at=8, steps=12)
    (newest,) = (tmp_path / "parts/checkpoints").iterdir()
    assert torch.load(newest, weights_only=True)["present"]["step"] == 5
    assert [row["step"] for row in rows(tmp_path / "parts")] == list(range(1, 9))
    assert same(whole, train(tmp_path / "parts", steps=12))
    assert [row["step"] for row in rows(tmp_path / "parts")] == list(range(1, 13))


def test_a_damaged_newest_state_gives_way_to_the_one_before_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = train(tmp_path / "whole", steps=20)
    crash(tmp_path / "parts", at=13, steps=20)
    older, newest = sorted((tmp_path / "parts/checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:5000])
    assert same(whole, train(tmp_path / "parts", steps=20))
    assert "going on from the state before it" in caplog.text
    assert newest.name in caplog.text
    assert older.name not in caplog.text


def test_a_whole_state_of_another_version_is_told(tmp_path: Path) -> None:
    crash(tmp_path / "run", at=8, steps=12)
    for change in (
        lambda state: state["present"].pop("monitor"),
        lambda state: state["present"]["method"].pop(next(iter(state["present"]["method"]))),
        lambda state: state.update(present=[]),
    ):
        (newest,) = (tmp_path / "run/checkpoints").iterdir()
        state = torch.load(newest, weights_only=True)
        change(state)
        newest.unlink()
        Checkpoints(newest.parent).save(state, 0, 5)
        with pytest.raises(RequestError, match="does not fit: it is of another version"):
            train(tmp_path / "run", steps=12)


# A rollback needs a step to go back from, and a row of the log in which it shows.
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


def test_a_loss_that_is_not_finite_sends_the_training_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = train(tmp_path / "whole", steps=20)
    rolled = train(tmp_path / "rolled", steps=20, feed=poison(1))
    assert not same(whole, rolled)
    assert all(value.isfinite().all() for value in rolled.values())
    assert [row["step"] for row in rows(tmp_path / "rolled")] == list(range(1, 21))
    (event,) = events(tmp_path / "rolled")
    # Twenty steps: a pulse a step, and a state to go back to every five.
    assert (event["step"], event["kind"]) == (13, "rollback")
    assert event["what"] == (
        "the discriminator's loss is nan; went back to step 10: "
        "learning rate x 0.5, new noise (1 of 3)"
    )
    assert event["what"] in caplog.text
    assert not (tmp_path / "whole/events.json").exists()


@dataclass(eq=False, kw_only=True)
class Scheduled(Method):
    """A number that runs downhill, at a rate that the method itself schedules."""

    batch_type = Unlabelled
    scheduled = True

    def build(self, shape: Shape) -> None:
        self.number = nn.Parameter(torch.zeros(()))

    def players(self) -> dict[str, nn.Module]:
        return {"it": self}

    def optimizer(self, player: str, parameters: list[torch.Tensor]) -> torch.optim.Optimizer:
        self.own = torch.optim.SGD(parameters, lr=1.0)
        return self.own

    def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
        yield Move("it", self.number * batch.image.mean().sign().abs())

    def stepped(self, progress: float) -> None:
        self.own.param_groups[0]["lr"] = 1.0 - progress


def test_a_scheduled_rate_survives_rollbacks_which_halve_it(tmp_path: Path) -> None:
    seen: list[tuple[int, float, float]] = []

    def spy(step: int) -> dict[str, float]:
        state = torch.get_rng_state()
        seen.append((step, method.number.item(), torch.rand(()).item()))
        torch.set_rng_state(state)
        return {}

    method = Scheduled()
    method.build(Shape(1))
    run(tmp_path, method, Training(20, 8, "float32"), poison(2), observe=spy)
    where = {step: number for step, number, _ in seen[:10]}
    steps = [where[10] - number for step, number, _ in seen if step == 11]
    # The rate was set by the method after step 10, of 20.
    assert steps == pytest.approx([0.55, 0.275, 0.1375], abs=1e-6)
    later = [number for step, number, _ in seen if step in (19, 20)]
    assert later[0] - later[1] == pytest.approx((1 - 18 / 20) / 4, abs=1e-6)
    assert len({noise for step, _, noise in seen if step == 11}) == 3


@pytest.mark.parametrize("at", [11, 14, 18])
def test_a_training_that_rolled_back_and_was_killed_ends_the_same(tmp_path: Path, at: int) -> None:
    whole = train(tmp_path / "whole", steps=20, feed=poison(1))
    bad = poison(1)

    def killed(step: int) -> Unlabelled:
        if step == at and not dead:
            dead.append(step)
            raise KeyError("as if the process had died here")
        return bad(step)

    dead: list[int] = []
    with pytest.raises(KeyError):
        train(tmp_path / "parts", steps=20, feed=killed, checkpoint_seconds=0)
    again = train(tmp_path / "parts", steps=20, feed=bad)
    assert same(whole, again)
    names = ("whole", "parts")
    assert len({(tmp_path / name / "events.json").read_bytes() for name in names}) == 1


def test_a_training_that_diverges_again_and_again_keeps_its_last_healthy_state(
    tmp_path: Path,
) -> None:
    method = small_dcgan()
    with pytest.raises(TrainingFailed) as failure:
        run(tmp_path / "run", method, Training(20, 8, "float32"), poison(99))
    assert str(failure.value) == (
        "run: the discriminator's loss is nan at step 13, after 3 rollbacks, the last to step 10; "
        "try a lower learning rate or another seed"
    )
    assert all(value.isfinite().all() for value in method.state_dict().values())
    assert not method.training
    kinds = [event["kind"] for event in events(tmp_path / "run")]
    assert kinds == ["rollback"] * 3 + ["gave up"]
    assert rows(tmp_path / "run")[-1]["step"] == 10


def test_without_rescue_the_first_nan_ends_the_training(tmp_path: Path) -> None:
    training = Training(20, 8, "float32", rescue=False)
    with pytest.raises(TrainingFailed) as failure:
        run(tmp_path / "run", small_dcgan(), training, poison(1))
    losses = rows(tmp_path / "run")[-1]["losses"]
    assert str(failure.value) == (
        "run: the discriminator's loss is nan at step 13; the last finite losses, at step 12: "
        f"discriminator {losses['discriminator']:.3g}, generator {losses['generator']:.3g}; "
        "try a lower learning rate"
    )
    assert not (tmp_path / "run/events.json").exists()


def test_without_rescue_and_without_a_finite_row(tmp_path: Path) -> None:
    def bad(step: int) -> Unlabelled:
        return Unlabelled(feed(step).image * float("nan"))

    training = Training(20, 8, "float32", rescue=False)
    with pytest.raises(TrainingFailed, match="at step 1; no row of the log was finite; try"):
        run(tmp_path, small_dcgan(), training, bad)


def test_without_rescue_no_finite_loss_is_too_large(tmp_path: Path) -> None:
    method = small_dcgan()
    training = Training(20, 8, "float32", rescue=False)
    run(tmp_path, method, training, poison(1, value=1e12))
    assert len(rows(tmp_path)) == 20
    assert max(row["losses"]["discriminator"] for row in rows(tmp_path)) > 1e4


class Wide(DCGAN):
    """A game whose losses may be large, as those of a Wasserstein critic are."""

    limits = Limits(loss=1e30)


def test_a_method_sets_its_own_limits(tmp_path: Path) -> None:
    train(tmp_path, steps=20, feed=poison(1, value=1e12), kind=Wide)
    assert not (tmp_path / "events.json").exists()


def test_an_exploding_loss_sends_the_training_back(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=20, feed=poison(1, value=1e12))
    (event,) = events(tmp_path / "run")
    assert "loss has exploded" in event["what"]


@dataclass(eq=False, kw_only=True)
class DeadDiscriminator(DCGAN):
    """A discriminator that stops learning at half time."""

    def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
        for move in super().moves(batch, progress):
            dead = progress >= 0.5 and move.player == "discriminator"
            yield move._replace(loss=move.loss * (0.0 if dead else 1.0))


def test_a_dead_discriminator_rings_and_sends_the_training_back(tmp_path: Path) -> None:
    method = small_dcgan(kind=DeadDiscriminator)
    with pytest.raises(TrainingFailed, match="the discriminator learns nothing any more"):
        run(tmp_path, method, Training(60, 8, "float32"))
    kinds = [(event["step"], event["kind"]) for event in events(tmp_path)]
    # Dead from step 31 on: told at the third bad pulse, gone back at the tenth.
    assert kinds[:3] == [(33, "alarm"), (40, "rollback"), (33, "alarm")]
    assert kinds[-1] == (40, "gave up")


def test_a_collapse_sends_the_training_back(tmp_path: Path) -> None:
    seen: set[int] = set()

    def diversity(step: int) -> dict[str, float]:
        """Good until step 30, then lost; after the way back it is good."""
        lost = step > 30 and step not in seen
        seen.add(step)
        return {"diversity": 0.05 if lost else 0.8}

    run(tmp_path, small_dcgan(), Training(60, 8, "float32"), observe=diversity)
    kinds = [(event["step"], event["kind"]) for event in events(tmp_path)]
    assert kinds[:2] == [(33, "alarm"), (40, "rollback")]
    assert events(tmp_path)[1]["what"] == (
        "collapse: the diversity has fallen to 0.05, from 0.80; went back to step 30: "
        "learning rate x 0.5, new noise (1 of 3)"
    )
    assert rows(tmp_path)[-1]["step"] == 60


def test_gradient_norms_are_logged_at_each_pulse(tmp_path: Path) -> None:
    train(tmp_path, steps=200)
    with_gradients = [row for row in rows(tmp_path) if "gradients" in row]
    assert [row["step"] for row in with_gradients] == list(range(4, 201, 4))
    assert with_gradients[0]["gradients"].keys() == {"discriminator", "generator"}


def test_the_log_has_the_mean_of_the_steps_since_the_last_row(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=6)
    first = rows(tmp_path / "run")[0]
    assert first["images"] == 8
    assert first["losses"]["discriminator"] == pytest.approx(
        first["terms"]["real"] + first["terms"]["fake"]
    )


def test_bfloat16_trains_to_nearly_the_same_losses(tmp_path: Path) -> None:
    losses = {}
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    for precision in precisions:
        run(tmp_path / precision, small_dcgan(), Training(3, 8, precision))
        found = [row["losses"]["discriminator"] for row in rows(tmp_path / precision)]
        losses[precision] = found
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    assert losses["bfloat16"] != losses["float32"]


class Averaged(DCGAN):
    """A DCGAN of whose generator a running mean is kept."""

    averaged: ClassVar = {"generator": 0.8}


def test_the_mean_of_a_generator_follows_after_each_batch(tmp_path: Path) -> None:
    followed: list[torch.Tensor] = []

    def spy(step: int) -> dict[str, float]:
        followed.append(method.generator.layers[0].parametrizations.weight.original.clone())
        assert not method.generator.training
        return {}

    method = small_dcgan(kind=Averaged)
    seen: list[torch.Tensor] = []

    def fed(step: int) -> Unlabelled:
        seen.append(method.generator.layers[0].parametrizations.weight.original.detach().clone())
        return feed(step)

    run(tmp_path, method, Training(6, 8, "float32"), fed, observe=spy)
    seen.append(method.generator.layers[0].parametrizations.weight.original.detach())
    mean = seen[0].clone()
    for value, found in zip(seen[1:], followed, strict=True):
        mean.lerp_(value, 1 - 0.8)
        assert torch.equal(found, mean)
    assert method.generator.training is False


@pytest.mark.parametrize("stop_at", [1, 4])
def test_a_mean_goes_on_bit_for_bit(tmp_path: Path, stop_at: int) -> None:
    def interrupted(step: int) -> Unlabelled:
        if step == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return feed(step)

    whole = train(tmp_path / "whole", kind=Averaged)
    with pytest.raises(Stopped):
        train(tmp_path / "parts", feed=interrupted, kind=Averaged)
    assert same(whole, train(tmp_path / "parts", kind=Averaged))
    name = "generator.layers.0.parametrizations.weight.original"
    assert not torch.equal(whole[name], whole[f"mean {name}"])


def test_a_mean_goes_back_with_its_module(tmp_path: Path) -> None:
    rolled = train(tmp_path, steps=20, feed=poison(1), kind=Averaged)
    assert all(value.isfinite().all() for value in rolled.values())


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


def test_moves_may_ask_the_running_mean(tmp_path: Path) -> None:
    method = Taught()
    method.build(Shape(1))
    run(tmp_path, method, Training(3, 8, "float32"))
    student = teacher = 0.0
    for _ in range(3):
        student -= teacher - 1
        teacher += (student - teacher) / 2
    assert method.student.weight.item() == student == 1.75
    assert method.average["student"].weight.item() == teacher == 1.25


class TwoRates(Duel):
    """Two players with rates of their own, the second by plain gradient descent."""

    def optimizer(self, player: str, parameters: list[torch.Tensor]) -> torch.optim.Optimizer:
        if player == "left":
            return torch.optim.Adam(parameters, lr=0.01)
        return torch.optim.SGD(parameters, lr=0.1)


def test_each_player_has_its_own_optimizer(tmp_path: Path) -> None:
    method = TwoRates()
    method.build(Shape(1))
    run(tmp_path, method, Training(1, 8, "float32"))
    assert method.seen == pytest.approx([-0.01, 0, 0, -0.5], abs=1e-6)


@dataclass(eq=False, kw_only=True)
class Frozen(Duel):
    """A player a part of which does not learn."""

    def build(self, shape: Shape) -> None:
        super().build(shape)
        self.left.requires_grad_(False)

    def players(self) -> dict[str, nn.Module]:
        return {"both": self}

    def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
        yield Move("both", (self.left.weight + self.right.weight).sum())


def test_frozen_parameters_stay(tmp_path: Path) -> None:
    method = Frozen()
    method.build(Shape(1))
    before = [net.weight.item() for net in (method.left, method.right)]
    run(tmp_path, method, Training(1, 8, "float32"))
    assert method.left.weight.item() == before[0]
    assert method.right.weight.item() == pytest.approx(before[1] - 0.1, abs=1e-6)


def test_stepped_is_called_once_a_batch_after_its_last_move(tmp_path: Path) -> None:
    class Clipped(Taught):
        def stepped(self, progress: float) -> None:
            calls.append((progress, self.student.weight.item()))
            self.student.weight.data.clamp_(max=0.5)

    calls: list[tuple[float, float]] = []
    method = Clipped()
    method.build(Shape(1))
    run(tmp_path, method, Training(2, 8, "float32"))
    # The mean follows what `stepped` has left: 0.25 after the first batch.
    assert calls == [(0.0, 1.0), (0.5, 0.5 - (0.25 - 1))]
    assert method.average["student"].weight.item() == 0.25 + (0.5 - 0.25) / 2


def test_terms_may_begin_late(tmp_path: Path) -> None:
    class Late(Duel):
        def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
            for move in super().moves(batch, progress):
                yield move._replace(terms={"late": move.loss} if progress > 0.5 else {})

    method = Late()
    method.build(Shape(1))
    run(tmp_path, method, Training(4, 8, "float32"))
    assert [list(row.get("terms", {})) for row in rows(tmp_path)] == [[], [], [], ["late"]]


def test_a_finished_training_goes_on_to_more_steps_bit_for_bit(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", steps=12, kind=Averaged)
    train(tmp_path / "parts", steps=6, keep_state=True, kind=Averaged)
    assert same(whole, train(tmp_path / "parts", steps=12, kind=Averaged))
    assert [row["step"] for row in rows(tmp_path / "parts")] == list(range(1, 13))


def test_no_state_is_kept_unasked(tmp_path: Path) -> None:
    train(tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_a_library_may_train_in_a_thread(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(train, tmp_path).result()
    assert len(rows(tmp_path)) == 6


SETTINGS = """
import sys, tempfile, torch
from pathlib import Path
from sparring import runtime
from sparring.game import Shape, Unlabelled
from sparring.methods import DCGAN
from sparring.trainer import Trainer, Training

changed = []
runtime.keep_freed_memory = lambda: changed.append("mallopt")
torch.set_num_threads = lambda count: changed.append("threads")
torch.set_float32_matmul_precision = lambda precision: changed.append("TF32")
method = DCGAN(width=4, noise_size=8)
method.build(Shape(16))
feed = lambda step: Unlabelled(torch.zeros(2, 3, 16, 16))
Trainer(method, feed, Training(1, 2), Path(tempfile.mkdtemp()), torch.device("cpu")).run()
print(changed)
"""


def test_a_trainer_sets_nothing_for_the_whole_process() -> None:
    done = subprocess.run([sys.executable, "-c", SETTINGS], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


class Crossings(TorchDispatchMode):
    """Names of the operations between the main memory and the device `meta`."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None):  # type: ignore[no-untyped-def]
        result = operation(*args, **(kwargs or {}))
        tensors = [tensor for tensor in (*args, result) if isinstance(tensor, torch.Tensor)]
        if len({tensor.device for tensor in tensors}) > 1:
            self.seen.append(str(operation))
        return result


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """A device that has no numbers, so that none can be waited for: `.item()` raises there."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda *_: False)
    # Fused Adam is for real devices alone.
    monkeypatch.setattr(Method, "optimizer", lambda self, player, ps: torch.optim.SGD(ps, lr=0.1))
    return torch.device("meta")


@pytest.mark.parametrize(
    ("method", "shape"),
    [
        (DCGAN(width=4), Shape(16)),
        (ACGAN(width=4), Shape(16, ("a", "b"), "attributes")),
        (DANN(), Shape(32, tuple("abcd"), "classes")),
        (DSN(), Shape(32, tuple("abcd"), "classes")),
    ],
    ids=["dcgan", "acgan", "dann", "dsn"],
)
def test_a_step_copies_nothing_to_the_device_and_does_not_wait_for_it(
    method: Method, shape: Shape, meta: torch.device, tmp_path: Path
) -> None:
    with meta:
        method.build(shape)
        image = torch.rand(4, 3, shape.size, shape.size)
        label = torch.zeros(4, 2) if shape.kind == "attributes" else torch.arange(4)
        batches: dict[type, Batch] = {
            Unlabelled: Unlabelled(image),
            Labelled: Labelled(image, label),
            Pair: Pair(Labelled(image, label), Unlabelled(image)),
        }
    trainer = Trainer(
        method, lambda step: batches[method.batch_type], Training(9, 4, "float32"), tmp_path, meta
    )
    with Crossings() as crossings:
        for step in range(2):
            trainer._play(trainer.feed(step))
    assert crossings.seen == []


def test_a_copy_to_the_device_is_seen(meta: torch.device) -> None:
    with Crossings() as crossings:
        torch.zeros(3).to(meta)
    assert crossings.seen == ["aten._to_copy.default"]
    with pytest.raises(RuntimeError):
        torch.zeros((), device=meta).item()
