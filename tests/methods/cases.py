"""Every registered method with each kind of labels that it takes, small enough for tests."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from sparring.game import Batch, Labelled, Method, Pair, Shape, Unlabelled
from sparring.methods import METHODS

NAMES = ("a", "b", "c")
TINY = {"width": 4, "noise_size": 8, "encoder": "fast", "decoder_width": 4}
"""Settings that make networks small, for the methods that have them."""

KINDS = {
    Unlabelled: ("none",),
    Labelled: ("classes", "attributes"),
    Unlabelled | Labelled: ("none", "classes", "attributes"),
    Pair: ("classes",),
}
CASES = [(name, kind) for name, method in METHODS.items() for kind in KINDS[method.batch_type]]
"""Every method with every kind of labels that it takes."""


def built(name: str, kind: str, **settings: Any) -> Method:
    torch.manual_seed(0)
    cls = METHODS[name]
    tiny = {f.name: TINY[f.name] for f in fields(cls) if f.name in TINY}
    method = cls(**(tiny | settings))
    method.build(Shape(16, NAMES if kind != "none" else (), kind))  # type: ignore[arg-type]
    return method


def batches(batch_type: Any, kind: str, rows: int = 8) -> Callable[[int], Batch]:
    """Batch number k: so many random images a domain."""

    def images(random: torch.Generator) -> Tensor:
        return torch.rand(rows, 3, 16, 16, generator=random) * 2 - 1

    def feed(step: int) -> Batch:
        random = torch.Generator().manual_seed(step)
        if kind == "none":
            return Unlabelled(images(random))
        if kind == "classes":
            labelled = Labelled(images(random), torch.randint(3, (rows,), generator=random))
        else:
            bits = torch.randint(2, (rows, 3), generator=random).float()
            labelled = Labelled(images(random), bits)
        return Pair(labelled, Unlabelled(images(random))) if batch_type is Pair else labelled

    return feed
