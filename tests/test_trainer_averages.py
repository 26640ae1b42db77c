import os
import signal
from pathlib import Path

import pytest
import torch

from sparring.errors import Stopped
from sparring.game import Shape, Unlabelled
from sparring.trainer import Training
from tests.training import Averaged, Taught, feed, poison, run, same, small_dcgan, train


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
    for batch, (value, found) in enumerate(zip(seen[1:], followed, strict=True)):
        mean.lerp_(value, 1 - min(0.8, (1 + batch) / (10 + batch)))
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


def test_moves_may_ask_the_running_mean(tmp_path: Path) -> None:
    method = Taught()
    method.build(Shape(1))
    run(tmp_path, method, Training(3, 8, "float32"))
    student = teacher = 0.0
    for memory in (1 / 10, 2 / 11, 3 / 12):
        student -= teacher - 1
        teacher += (student - teacher) * (1 - memory)
    assert method.student.weight.item() == pytest.approx(student)
    assert method.average["student"].weight.item() == pytest.approx(teacher)
