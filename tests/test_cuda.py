"""What only a card can show. Skipped where there is none."""

import os
import signal
from pathlib import Path

import pytest
import torch

from sparring.checkpoints import weights_of
from sparring.errors import Stopped
from sparring.game import Batch, Labelled, Method, Pair, Shape, Unlabelled
from sparring.methods import ACGAN, DANN, DCGAN, DSN, MeanTeacher, ProjectionGAN
from sparring.runtime import Machine, find_device
from sparring.trainer import Trainer, Training
from tests.training import Averaged, rows

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

CLASSES, ATTRIBUTES = Shape(32, tuple("abcd"), "classes"), Shape(32, ("a", "b"), "attributes")

every_method = pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (DCGAN, Shape(32)),
        (ACGAN, ATTRIBUTES),
        (ProjectionGAN, ATTRIBUTES),
        (DANN, CLASSES),
        (DSN, CLASSES),
        (MeanTeacher, CLASSES),
    ],
)


@pytest.fixture
def device() -> torch.device:
    """The card, set up as for every training."""
    Machine(torch.device("cuda"), 1, 1).set_up()
    return find_device("cuda")


def batch(method: Method, shape: Shape, step: int, device: torch.device) -> Batch:
    torch_random = torch.Generator(device).manual_seed(step)
    size = (8, 3, shape.size, shape.size)
    image = torch.rand(size, generator=torch_random, device=device) * 2 - 1
    if method.batch_type is Unlabelled:
        return Unlabelled(image)
    if shape.kind == "attributes":
        return Labelled(image, torch.ones(8, len(shape.labels), device=device))
    label = torch.arange(8, device=device) % len(shape.labels)
    return Pair(Labelled(image, label), Unlabelled(image.flip(0)))


def trainer(
    method: Method, shape: Shape, path: Path, device: torch.device, stop_at: int = -1
) -> Trainer:
    def feed(step: int) -> Batch:
        if step == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return batch(method, shape, step, device)

    torch.manual_seed(0)
    method.build(shape)
    path.mkdir(exist_ok=True)
    return Trainer(method, feed, Training(20, 8), path, device)


@every_method
def test_each_method_trains(
    kind: type[Method], shape: Shape, tmp_path: Path, device: torch.device
) -> None:
    method = kind()
    training = trainer(method, shape, tmp_path, device)
    training.run()
    assert [row["step"] for row in rows(tmp_path)] == list(range(1, 21))
    assert all(value.isfinite().all() for value in method.state_dict().values())
    assert {value.device.type for value in method.state_dict().values()} == {"cuda"}


def test_a_stopped_training_and_its_running_mean_go_on_bit_for_bit(
    tmp_path: Path, device: torch.device
) -> None:
    Machine(device, 1, 1).set_up(deterministic=True)
    whole, parts = Averaged(width=8), Averaged(width=8)
    trainer(whole, Shape(32), tmp_path / "whole", device).run()
    with pytest.raises(Stopped):
        trainer(Averaged(width=8), Shape(32), tmp_path / "parts", device, stop_at=7).run()
    trainer(parts, Shape(32), tmp_path / "parts", device).run()
    for ours, theirs in ((whole.state_dict(), parts.state_dict()), map(weights_of, (whole, parts))):
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
@every_method
def test_a_step_does_not_wait_for_the_card(
    kind: type[Method], shape: Shape, tmp_path: Path, device: torch.device
) -> None:
    training = trainer(kind(), shape, tmp_path, device)
    training._play(training.feed(0))  # optimizers make their moments in the first step
    batch = training.feed(1)
    try:
        torch.cuda.set_sync_debug_mode("error")
        training._play(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
