import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from sparring import runtime
from sparring.game import Labelled, Method, Move, Pair, Shape, Unlabelled
from sparring.methods import DANN
from sparring.methods.losses import bce
from sparring.runtime import Precision
from sparring.trainer import Training
from tests.training import Duel, Taught, feed, rows, run, same, small_dcgan, train


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


def test_a_move_steps_its_player_alone_before_the_next_move(tmp_path: Path) -> None:
    method = Duel()
    method.build(Shape(1))
    run(tmp_path, method, Training(1, 8, "float32"))
    # Adam's first step is the learning rate, against the gradient's sign.
    assert method.seen == pytest.approx([-0.1, 0, 0, -0.1], abs=1e-6)
    assert all(parameter.grad is None for parameter in method.parameters())


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
    # The mean follows what `stepped` has left: 0.45 after the first batch.
    assert calls == [(0.0, 1.0), (0.5, pytest.approx(0.5 - (0.45 - 1)))]
    mean = method.average["student"].weight.item()
    assert mean == pytest.approx(0.45 + (0.5 - 0.45) * 9 / 11)


def test_terms_may_begin_late(tmp_path: Path) -> None:
    class Late(Duel):
        def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
            for move in super().moves(batch, progress):
                yield move._replace(terms={"late": move.loss} if progress > 0.5 else {})

    method = Late()
    method.build(Shape(1))
    run(tmp_path, method, Training(4, 8, "float32"))
    assert [list(row.get("terms", {})) for row in rows(tmp_path)] == [[], [], [], ["late"]]


def test_a_library_may_train_in_a_thread(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(train, tmp_path).result()
    assert len(rows(tmp_path)) == 6


def test_a_trainer_sets_nothing_for_the_whole_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[str] = []
    monkeypatch.setattr(runtime, "_of_c_library", changed.append)  # mallopt and its like
    for name in ("set_num_threads", "set_float32_matmul_precision"):
        monkeypatch.setattr(torch, name, lambda _, name=name: changed.append(name))
    train(tmp_path)
    assert changed == []
