"""Every registered method keeps the promises of a method, and is trained, stopped and resumed."""

import os
import signal
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sparring.errors import Stopped
from sparring.game import AdaptationMethod, Batch, Labelled, Method, Pair, Shape, Unlabelled
from sparring.methods import ACGAN, DANN, DCGAN, DSN, METHODS, name_of
from sparring.trainer import Trainer, Training

CPU = torch.device("cpu")
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


def built(name: str, kind: str) -> Method:
    torch.manual_seed(0)
    cls = METHODS[name]
    method = cls(**{f.name: TINY[f.name] for f in fields(cls) if f.name in TINY})
    method.build(Shape(16, NAMES if kind != "none" else (), kind))  # type: ignore[arg-type]
    return method


def batches(batch_type: Any, kind: str) -> Callable[[int], Batch]:
    """Batch number k: eight random images a domain."""

    def images(random: torch.Generator) -> Tensor:
        return torch.rand(8, 3, 16, 16, generator=random) * 2 - 1

    def feed(step: int) -> Batch:
        random = torch.Generator().manual_seed(step)
        if kind == "none":
            return Unlabelled(images(random))
        if kind == "classes":
            labelled = Labelled(images(random), torch.randint(3, (8,), generator=random))
        else:
            bits = torch.randint(2, (8, 3), generator=random).float()
            labelled = Labelled(images(random), bits)
        return Pair(labelled, Unlabelled(images(random))) if batch_type is Pair else labelled

    return feed


def trainer(method: Method, feed: Callable[[int], Batch], folder: Path, steps: int = 12) -> Trainer:
    folder.mkdir(exist_ok=True)
    return Trainer(method, feed, Training(steps, 8, "float32"), folder, CPU)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_stopped_and_resumed_it_ends_as_one_never_stopped(
    name: str, kind: str, tmp_path: Path
) -> None:
    whole = built(name, kind)
    begun = {key: value.clone() for key, value in whole.state_dict().items()}
    feed = batches(whole.batch_type, kind)
    trainer(whole, feed, tmp_path / "whole").run()

    def stopping(step: int) -> Batch:
        if step == 6:
            os.kill(os.getpid(), signal.SIGTERM)
        return feed(step)

    with pytest.raises(Stopped):
        trainer(built(name, kind), stopping, tmp_path / "parts").run()
    resumed = built(name, kind)
    second = trainer(resumed, feed, tmp_path / "parts")
    second.run()
    assert second.step == 12
    state = whole.state_dict()
    assert all(torch.equal(state[key], value) for key, value in resumed.state_dict().items())
    assert sum(not torch.equal(state[key], value) for key, value in begun.items()) > 5
    buffers = dict(whole.named_buffers())
    assert all(torch.equal(buffers[key], value) for key, value in resumed.named_buffers())
    rows = [(tmp_path / part / "log.jsonl").read_text().count("\n") for part in ("whole", "parts")]
    assert rows[0] == rows[1] > 0


def test_in_source_only_training_an_adaptation_method_resumes_too(tmp_path: Path) -> None:
    for name in ("dann", "dsn", "mean-teacher"):
        method = built(name, "classes")
        trainer(method, batches(Labelled, "classes"), tmp_path / name).run()
        assert method.classify(method.features(torch.zeros(2, 3, 16, 16))).isfinite().all()


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_method_plays_its_batches(name: str, kind: str) -> None:
    method = built(name, kind)
    moves = list(method.moves(batches(method.batch_type, kind)(0), 0.5))
    assert {move.player for move in moves} == set(method.players())
    for move in moves:
        assert move.loss.shape == ()
        assert move.loss.dtype == torch.float32
        assert move.loss.isfinite()
        parameters = list(method.players()[move.player].parameters())
        gradients = torch.autograd.grad(move.loss, parameters, allow_unused=True, retain_graph=True)
        assert all(gradient is not None for gradient in gradients)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_players_share_no_parameter_and_own_them_all(name: str, kind: str) -> None:
    method = built(name, kind)
    owned = [id(p) for player in method.players().values() for p in player.parameters()]
    assert len(owned) == len(set(owned))
    assert set(owned) == {id(parameter) for parameter in method.parameters()}


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_seed_decides_the_weights_and_settings_show_in_the_repr(name: str, kind: str) -> None:
    first, second = built(name, kind), built(name, kind)
    weights = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert "learning_rate=" in repr(first)
    assert name_of(first) == name


@pytest.mark.parametrize("method", METHODS.values())
def test_the_first_preset_names_the_defaults(method: type[Method]) -> None:
    of_2019 = method in (DCGAN, ACGAN, DANN, DSN)
    assert next(iter(method.PRESETS)) == ("report2019" if of_2019 else "modern")
    assert next(iter(method.PRESETS.values())) == {}
    for settings in method.PRESETS.values():
        method(**settings)


def test_an_unlabelled_batch_has_no_field_for_a_label() -> None:
    assert set(Unlabelled.__dataclass_fields__) == {"image"}
    adaptation = [m for m in METHODS.values() if issubclass(m, AdaptationMethod)]
    assert adaptation
    assert all(method.batch_type is Pair for method in adaptation)
