"""What a training step sends to its device, and whether it waits for it."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sparring.game import Batch, Labelled, Method, Pair, Shape, Unlabelled
from sparring.methods import ACGAN, DANN, DSN, MeanTeacher, ProjectionGAN
from sparring.trainer import Trainer, Training
from tests.training import Averaged


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
    for kind in (Method, ProjectionGAN):
        monkeypatch.setattr(kind, "optimizer", lambda self, player, ps: torch.optim.SGD(ps, lr=0.1))
    return torch.device("meta")


@pytest.mark.parametrize(
    ("method", "shape"),
    [
        (Averaged(width=4), Shape(16)),
        (ACGAN(width=4), Shape(16, ("a", "b"), "attributes")),
        (DANN(), Shape(32, tuple("abcd"), "classes")),
        (DSN(), Shape(32, tuple("abcd"), "classes")),
        (MeanTeacher(), Shape(32, tuple("abcd"), "classes")),
        (ProjectionGAN(width=4), Shape(16, ("a", "b"), "attributes")),
        (ProjectionGAN(width=4), Shape(16, ("a", "b", "c", "d"), "classes")),
        (ProjectionGAN(width=4), Shape(16)),
    ],
    ids=["dcgan", "acgan", "dann", "dsn", "mean-teacher", "attributes", "classes", "no labels"],
)
def test_a_step_copies_nothing_to_the_device_and_does_not_wait_for_it(
    method: Method, shape: Shape, meta: torch.device, tmp_path: Path
) -> None:
    with meta:
        method.build(shape)
        image = torch.rand(4, 3, shape.size, shape.size)
        label = torch.zeros(4, 2) if shape.kind == "attributes" else torch.arange(4)
        batch: Batch = Labelled(image, label)
        if shape.kind == "none":
            batch = Unlabelled(image)
        elif method.batch_type is Pair:
            batch = Pair(Labelled(image, label), Unlabelled(image))
    trainer = Trainer(method, lambda step: batch, Training(9, 4, "float32"), tmp_path, meta)
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
