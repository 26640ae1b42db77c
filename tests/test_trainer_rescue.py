from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from sparring.errors import TrainingFailed
from sparring.game import Limits, Method, Move, Shape, Unlabelled
from sparring.methods import DCGAN
from sparring.trainer import Training
from tests.training import events, feed, poison, rows, run, same, small_dcgan, train


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
        yield Move("it", self.number * (batch.image.mean() * 0 + 1))

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
