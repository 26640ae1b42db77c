"""Every registered method keeps the promises of a method."""

import pytest
import torch

from sparring.game import AdaptationMethod, Labelled, Method, Pair, Shape, Unlabelled
from sparring.methods import METHODS, name_of

BATCHES = {
    Unlabelled: lambda image: Unlabelled(image),
    Labelled: lambda image: Labelled(image, torch.ones(len(image), 2)),
    Pair: lambda image: Pair(
        Labelled(image, torch.zeros(len(image), dtype=torch.long)), Unlabelled(image)
    ),
}


def built(name: str) -> tuple[Method, Shape]:
    torch.manual_seed(0)
    method = METHODS[name]()
    shape = Shape(32, ("a", "b"))
    method.build(shape)
    return method, shape


@pytest.mark.parametrize("name", METHODS)
def test_a_method_plays_its_batches(name: str) -> None:
    method, _ = built(name)
    batch = BATCHES[method.batch_type](torch.rand(4, 3, 32, 32) * 2 - 1)
    moves = list(method.moves(batch, 0.5))
    assert {move.player for move in moves} == set(method.players())
    for move in moves:
        assert move.loss.shape == ()
        assert move.loss.dtype == torch.float32
        assert move.loss.isfinite()
        parameters = list(method.players()[move.player].parameters())
        gradients = torch.autograd.grad(move.loss, parameters, allow_unused=True, retain_graph=True)
        assert all(gradient is not None for gradient in gradients)


@pytest.mark.parametrize("name", METHODS)
def test_players_share_no_parameter_and_own_them_all(name: str) -> None:
    method, _ = built(name)
    owned = [id(p) for player in method.players().values() for p in player.parameters()]
    assert len(owned) == len(set(owned))
    assert set(owned) == {id(parameter) for parameter in method.parameters()}


@pytest.mark.parametrize("name", METHODS)
def test_the_seed_decides_the_weights_and_settings_show_in_the_repr(name: str) -> None:
    (first, _), (second, _) = built(name), built(name)
    weights = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert "learning_rate=" in repr(first)
    assert name_of(first) == name


def test_an_unlabelled_batch_has_no_field_for_a_label() -> None:
    assert set(Unlabelled.__dataclass_fields__) == {"image"}
    adaptation = [m for m in METHODS.values() if issubclass(m, AdaptationMethod)]
    assert adaptation
    assert all(method.batch_type is Pair for method in adaptation)
