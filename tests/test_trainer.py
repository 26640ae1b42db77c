import copy
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from sparring.checkpoints import Checkpoints
from sparring.errors import RequestError, Stopped, TrainingFailed
from sparring.game import Batch, Labelled, Method, Move, Pair, Shape, Unlabelled
from sparring.methods import DANN, DCGAN
from sparring.methods.losses import bce
from sparring.nets.resnet import Stem
from sparring.runs.folder import RunFolder
from sparring.trainer import Trainer, Training

CPU = torch.device("cpu")


def feed(step: int) -> Unlabelled:
    random = torch.Generator().manual_seed(step)
    return Unlabelled(torch.rand(8, 3, 16, 16, generator=random) * 2 - 1)


def small_dcgan(seed: int = 0) -> DCGAN:
    torch.manual_seed(seed)
    method = DCGAN(width=4, noise_size=8)
    method.build(Shape(16))
    return method


def folder(path: Path) -> RunFolder:
    run = RunFolder(path)
    run.open({"seed": 0})
    return run


def train(
    path: Path,
    *,
    steps: int = 6,
    seed: int = 0,
    checkpoint_seconds: float = 1e9,
    feed: Callable[[int], Batch] = feed,
) -> dict[str, torch.Tensor]:
    method = small_dcgan(seed)
    training = Training(steps, 8, "float32", checkpoint_seconds)
    Trainer(method, feed, training, folder(path), CPU).run()
    return load_file(path / "weights.safetensors")


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
    Trainer(method, feed, Training(1, 8, "float32"), folder(tmp_path / "run"), CPU).run()
    assert method.weight.stride() != method.push.stride()
    assert torch.equal(method.weight.sign(), -method.push.sign())


@pytest.mark.parametrize("stem", ["7x7", "3x3"])
def test_convolutions_of_dann_step_as_plain_adam_steps(tmp_path: Path, stem: Stem) -> None:
    def pair(step: int) -> Pair:
        random = torch.Generator().manual_seed(step)
        images = torch.rand(2, 4, 3, 32, 32, generator=random) * 2 - 1
        return Pair(Labelled(images[0], torch.arange(4)), Unlabelled(images[1]))

    torch.manual_seed(0)
    method = DANN(stem=stem)
    method.build(Shape(32, tuple("abcd")))
    plain = copy.deepcopy(method)
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3, betas=(0.9, 0.999), foreach=False)
    (move,) = plain.moves(pair(0), 0.0)
    move.loss.backward()
    optimizer.step()
    before = {name: value.clone() for name, value in method.named_parameters()}
    Trainer(method, pair, Training(1, 4, "float32"), folder(tmp_path / "run"), CPU).run()
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
    Trainer(method, feed, Training(1, 8, "float32"), folder(tmp_path / "run"), CPU).run()
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

    def rows(name: str) -> list[dict[str, object]]:
        lines = (tmp_path / name / "log.jsonl").read_text().splitlines()
        return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]

    assert rows("parts") == rows("whole")
    assert [row["step"] for row in rows("whole")] == [1, 2, 3, 4, 5, 6]


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
    assert [row["step"] for row in RunFolder(tmp_path / "parts").log()] == list(range(1, 9))
    assert same(whole, train(tmp_path / "parts", steps=12))
    assert [row["step"] for row in RunFolder(tmp_path / "parts").log()] == list(range(1, 13))


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
        lambda state: state["present"].pop("health"),
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
    run = RunFolder(tmp_path / "rolled")
    assert [row["step"] for row in run.log()] == list(range(1, 21))
    (event,) = run.read("events")
    # Twenty steps: a pulse a step, and a state to go back to every five.
    assert (event["step"], event["kind"]) == (13, "rollback")
    assert event["what"] == (
        "the discriminator's loss is nan; went back to step 10: "
        "learning rate x 0.5, new noise (1 of 3)"
    )
    assert event["what"] in caplog.text
    assert not (tmp_path / "whole/events.json").exists()


def test_a_rollback_halves_the_rate_and_draws_new_noise(tmp_path: Path) -> None:
    seen: list[tuple[int, float, float]] = []

    def spy(step: int) -> dict[str, float]:
        rate = trainer.optimizers["generator"].param_groups[0]["lr"]
        state = torch.get_rng_state()
        seen.append((step, rate, torch.rand(()).item()))
        torch.set_rng_state(state)
        return {}

    run = folder(tmp_path / "run")
    training = Training(20, 8, "float32")
    trainer = Trainer(small_dcgan(), poison(2), training, run, CPU, observe=spy)
    trainer.run()
    at_11 = [(rate, noise) for step, rate, noise in seen if step == 11]
    assert [rate for rate, _ in at_11] == [2e-4, 1e-4, 5e-5]
    assert len({noise for _, noise in at_11}) == 3


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
    healthy = train(tmp_path / "healthy", steps=20, feed=feed)
    with pytest.raises(TrainingFailed) as failure:
        train(tmp_path / "run", steps=20, feed=poison(99))
    assert str(failure.value) == (
        "run: the discriminator's loss is nan at step 13, after 3 rollbacks; the weights of step "
        "10 are kept; try a lower --learning-rate or another --seed"
    )
    kept = load_file(tmp_path / "run/weights.safetensors")
    assert kept.keys() == healthy.keys()
    assert all(value.isfinite().all() for value in kept.values())
    events = RunFolder(tmp_path / "run").read("events")
    assert [event["kind"] for event in events] == ["rollback"] * 3 + ["gave up"]
    assert list(RunFolder(tmp_path / "run").log())[-1]["step"] == 10


def test_an_exploding_loss_sends_the_training_back(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=20, feed=poison(1, value=1e12))
    (event,) = RunFolder(tmp_path / "run").read("events")
    assert "loss has exploded" in event["what"]


@dataclass(eq=False, kw_only=True)
class DeadDiscriminator(DCGAN):
    """A discriminator that stops learning at half time."""

    def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
        for move in super().moves(batch, progress):
            dead = progress >= 0.5 and move.player == "discriminator"
            yield move._replace(loss=move.loss * (0.0 if dead else 1.0))


def test_a_dead_discriminator_rings_and_sends_the_training_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    method = DeadDiscriminator(width=4, noise_size=8)
    method.build(Shape(16))
    with pytest.raises(TrainingFailed, match="the discriminator learns nothing any more"):
        Trainer(method, feed, Training(60, 8, "float32"), folder(tmp_path), CPU).run()
    kinds = [(event["step"], event["kind"]) for event in RunFolder(tmp_path).read("events")]
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

    training = Training(60, 8, "float32")
    run = folder(tmp_path)
    Trainer(small_dcgan(), feed, training, run, CPU, observe=diversity).run()
    events = [(event["step"], event["kind"]) for event in run.read("events")]
    assert events[:2] == [(33, "alarm"), (40, "rollback")]
    assert run.read("events")[1]["what"] == (
        "collapse: the diversity has fallen to 0.05, from 0.80; went back to step 30: "
        "learning rate x 0.5, new noise (1 of 3)"
    )
    assert list(run.log())[-1]["step"] == 60


def test_gradient_norms_are_logged_at_each_pulse(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=200)
    rows = list(RunFolder(tmp_path / "run").log())
    assert [row["step"] for row in rows if "gradients" in row] == list(range(4, 201, 4))
    assert rows[3]["gradients"].keys() == {"discriminator", "generator"}


def test_the_log_has_the_mean_of_the_steps_since_the_last_row(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=6)
    first = next(RunFolder(tmp_path / "run").log())
    assert first["images"] == 8
    assert first["losses"]["discriminator"] == pytest.approx(
        first["terms"]["real"] + first["terms"]["fake"]
    )


def test_bfloat16_trains_to_nearly_the_same_losses(tmp_path: Path) -> None:
    losses = {}
    for precision in ("float32", "bfloat16"):
        run = folder(tmp_path / precision)
        Trainer(small_dcgan(), feed, Training(3, 8, precision), run, CPU).run()
        losses[precision] = [row["losses"]["discriminator"] for row in run.log()]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    assert losses["bfloat16"] != losses["float32"]
