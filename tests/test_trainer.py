import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from sparring.errors import RequestError, Stopped, TrainingFailed
from sparring.game import Batch, Method, Move, Shape, Unlabelled
from sparring.methods import DCGAN
from sparring.methods.losses import bce
from sparring.run import RunFolder
from sparring.trainer import Trainer, Training, log_interval, resolve_precision

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
        on_real = bce(discriminator(real)[0], 1.0)
        on_fake = bce(discriminator(fake.detach())[0], 0.0)
        (on_real + on_fake).backward()
        optimizers[0].step()
        generator.zero_grad()
        bce(discriminator(fake)[0], 1.0).backward()
        optimizers[1].step()
    trained = train(tmp_path / "run")
    for name, value in method.state_dict().items():
        assert torch.equal(trained[name], value), name


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
    assert (tmp_path / "parts/state.pt").is_file()
    assert same(whole, train(tmp_path / "parts"))

    def rows(name: str) -> list[dict[str, object]]:
        lines = (tmp_path / name / "log.jsonl").read_text().splitlines()
        return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]

    assert rows("parts") == rows("whole")
    assert [row["step"] for row in rows("whole")] == [1, 2, 3, 4, 5, 6]


def test_rows_after_the_last_save_are_written_once(tmp_path: Path) -> None:
    def killed(step: int) -> Unlabelled:
        if step == 4:
            raise KeyError("as if the process had died here")
        return feed(step)

    whole = train(tmp_path / "whole")
    with pytest.raises(KeyError):
        train(tmp_path / "parts", feed=killed, checkpoint_seconds=0)
    state = tmp_path / "parts/state.pt"
    assert torch.load(state, weights_only=True)["step"] == 4
    folder(tmp_path / "parts").append_log({"step": 5, "losses": {}})
    assert same(whole, train(tmp_path / "parts"))
    assert [row["step"] for row in RunFolder(tmp_path / "parts").log()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("keep", [0, 10, 5000])
def test_a_damaged_state_is_told(tmp_path: Path, keep: int) -> None:
    def killed(step: int) -> Unlabelled:
        if step == 2:
            raise KeyError("as if the process had died here")
        return feed(step)

    with pytest.raises(KeyError):
        train(tmp_path, feed=killed, checkpoint_seconds=0)
    state = tmp_path / "state.pt"
    state.write_bytes(state.read_bytes()[:keep])
    with pytest.raises(RequestError, match="damaged; remove it, and this run starts anew"):
        train(tmp_path)


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path: Path) -> None:
    def poisoned(step: int) -> Unlabelled:
        return Unlabelled(feed(step).image * (float("nan") if step == 2 else 1))

    with pytest.raises(TrainingFailed, match="no longer finite at step 3"):
        train(tmp_path / "run", feed=poisoned)
    assert not (tmp_path / "run/weights.safetensors").exists()


def test_the_log_has_the_mean_of_the_steps_since_the_last_row(tmp_path: Path) -> None:
    assert [log_interval(steps) for steps in (3, 400, 4000, 10**6)] == [1, 1, 10, 50]
    train(tmp_path / "run", steps=6)
    first = next(RunFolder(tmp_path / "run").log())
    assert first["images"] == 8
    assert first["losses"]["discriminator"] == pytest.approx(
        first["terms"]["real"] + first["terms"]["fake"]
    )


@pytest.mark.parametrize(("found", "chosen"), [("avx512_bf16", "bfloat16"), ("avx2", "float32")])
def test_auto_precision_takes_bfloat16_where_the_machine_computes_with_it(
    found: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {found: True})
    assert resolve_precision("auto", CPU) == chosen
    assert resolve_precision("float32", CPU) == "float32"
    assert resolve_precision("bfloat16", CPU) == "bfloat16"


def test_bfloat16_trains_to_nearly_the_same_losses(tmp_path: Path) -> None:
    losses = {}
    for precision in ("float32", "bfloat16"):
        run = folder(tmp_path / precision)
        Trainer(small_dcgan(), feed, Training(3, 8, precision), run, CPU).run()
        losses[precision] = [row["losses"]["discriminator"] for row in run.log()]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    assert losses["bfloat16"] != losses["float32"]
