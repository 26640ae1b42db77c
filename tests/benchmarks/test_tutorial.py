"""The references are the same functions as our methods: same weights, same batch, same losses."""

from typing import Any

import pytest
import torch
from benchmarks.speed.tutorial import TUTORIALS, History
from torch import Tensor, nn

from sparring.game import Labelled, Method, Pair, Shape, Unlabelled
from sparring.methods import ACGAN, DANN, DCGAN, DSN

CPU = torch.device("cpu")


def copy_weights(ours: nn.Module, theirs: nn.Module) -> None:
    """By order: both register weights, biases and statistics in the order of the layers."""
    for kind in ("parameters", "buffers"):
        pairs = zip(getattr(theirs, kind)(), getattr(ours, kind)(), strict=True)
        for to, given in pairs:
            assert to.shape == given.shape
            to.data.copy_(given.data)


def built(method: Method, shape: Shape) -> tuple[Method, nn.Module]:
    """Ours and the reference with the same weights, in evaluation mode: batch norm then sees
    source and target alike whether they pass together or apart.
    """
    torch.manual_seed(0)
    method.build(shape)
    network = TUTORIALS[type(method)].network(method, shape)
    copy_weights(method, network)
    return method.eval(), network.eval()


def play(method: Method, network: nn.Module, batches: list[Any]) -> History:
    torch.manual_seed(7)
    return TUTORIALS[type(method)].train(network, iter(batches), method, CPU)


def image(count: int, size: int, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, size, size, generator=random) * 2 - 1


@pytest.mark.parametrize("kind", [DCGAN, ACGAN])
def test_a_gans_losses_are_ours(kind: type[DCGAN] | type[ACGAN]) -> None:
    settings = kind(width=4, noise_size=8, learning_rate=0.0)
    labels = ("a", "b") if kind is ACGAN else ()
    method, network = built(settings, Shape(16, labels, "attributes" if labels else "none"))
    pixels, label = image(6, 16, 1), torch.tensor([[0, 1], [1, 0], [1, 1]] * 2)
    history = play(method, network, [(pixels, label)])
    torch.manual_seed(7)
    batch = Labelled(pixels, label.float()) if kind is ACGAN else Unlabelled(pixels)
    ours = {move.player: move.loss.item() for move in method.moves(batch, 0.0)}
    assert history[0] == pytest.approx(ours, rel=1e-5)


@pytest.mark.parametrize("encoder", ["resnet18", "resnet18-3x3"])
@pytest.mark.parametrize("kind", [DANN, DSN])
def test_an_adaptations_losses_are_ours(kind: type[DANN] | type[DSN], encoder: Any) -> None:
    method, network = built(
        kind(encoder=encoder, learning_rate=0.0), Shape(32, tuple("abc"), "classes")
    )
    source, target, label = image(4, 32, 1), image(4, 32, 2), torch.tensor([0, 1, 2, 0])
    history = play(method, network, [((source, label), (target, label))])
    (move,) = method.moves(Pair(Labelled(source, label), Unlabelled(target)), 0.0)
    terms = {name: move.terms[name].item() for name in history[0]}
    assert history[0] == pytest.approx(terms, rel=1e-4)


@pytest.mark.parametrize("kind", [DANN, DSN])
def test_an_adaptations_gradients_are_ours(kind: type[DANN] | type[DSN]) -> None:
    method, network = built(kind(learning_rate=0.0), Shape(32, tuple("abc"), "classes"))
    source, target, label = image(4, 32, 1), image(4, 32, 2), torch.tensor([0, 1, 2, 0])
    play(method, network, [((source, label), (target, label))])
    (move,) = method.moves(Pair(Labelled(source, label), Unlabelled(target)), 0.0)
    move.loss.backward()
    theirs = next(iter(network.parameters())).grad
    ours = next(iter(method.parameters())).grad
    assert theirs is not None
    assert ours is not None
    assert (theirs - ours).norm() < 1e-3 * ours.norm()


@pytest.mark.parametrize("settings", [DANN(), DSN(), ACGAN(width=4, learning_rate=0.01)])
def test_a_reference_learns_a_batch(settings: Method) -> None:
    adapts = isinstance(settings, DANN | DSN)
    size, labels = (32, tuple("ab")) if adapts else (16, ("a",))
    torch.manual_seed(0)
    network = TUTORIALS[type(settings)].network(settings, Shape(size, labels))
    classes = torch.arange(8) % 2
    pixels = image(8, size, 1) + classes[:, None, None, None]
    batch: Any = (pixels, classes) if adapts else (pixels, classes[:, None])
    history = play(settings, network, [(batch, batch) if adapts else batch] * 6)
    key = "task" if adapts else "discriminator"
    assert history[-1][key] < 0.8 * history[0][key]
