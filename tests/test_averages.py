from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring import averages
from sparring.averages import Averaged
from sparring.checkpoints import weights_of

MEMORY = 0.9


class Pair(Averaged):
    """Two small networks with batch norm; a mean of the first alone."""

    averaged: ClassVar = {"left": MEMORY}

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = (
            nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)) for _ in range(2)
        )


def walk(pair: Pair) -> None:
    """Change all that a training step changes."""
    pair.left(torch.randn(4, 2, 3, 3))
    with torch.no_grad():
        for parameter in pair.parameters():
            parameter += torch.randn(parameter.shape)


def test_a_mean_follows_bit_for_bit_as_by_hand() -> None:
    torch.manual_seed(0)
    pair = Pair()
    pair.left[0].weight.data = pair.left[0].weight.data.to(memory_format=torch.channels_last)
    averages.begin(pair)
    expected = {name: value.clone() for name, value in pair.left.state_dict().items()}
    for batch, memory in [(0, 1 / 10), (1, 2 / 11), (79, 80 / 89), (81, MEMORY), (999, MEMORY)]:
        walk(pair)
        averages.update(pair, batch)
        for name, value in pair.left.state_dict().items():
            if value.is_floating_point():
                expected[name].lerp_(value, 1 - memory)
            else:
                expected[name] = value.clone()
    mean = pair.average["left"]
    assert pair.average.keys() == {"left"}
    assert all(torch.equal(value, expected[name]) for name, value in mean.state_dict().items())
    assert expected["1.num_batches_tracked"] == 5
    assert not torch.equal(expected["1.running_var"], pair.left[1].running_var)
    assert mean[0].weight.stride() == pair.left[0].weight.stride()  # type: ignore[index]
    assert not mean.training
    assert not any(parameter.requires_grad for parameter in mean.parameters())


def test_a_mean_under_spectral_norm_is_divided_by_its_own_norm() -> None:
    pair = Pair()
    pair.left = nn.Sequential(spectral_norm(nn.Linear(3, 3, bias=False)))
    averages.begin(pair)
    weight = pair.left[0].parametrizations.weight.original  # type: ignore[union-attr]
    for axis in torch.eye(3):  # the direction that is stretched most wanders
        with torch.no_grad():
            weight.copy_((1 + 4 * axis).diag())
        for _ in range(20):
            pair.left(torch.ones(1, 3))
            averages.update(pair, 999)
        longest = torch.linalg.matrix_norm(pair.average["left"][0].weight, 2)  # type: ignore[index]
        assert longest.item() == pytest.approx(1, abs=0.02)
    assert not any(module.training for module in pair.average["left"].modules())


def test_a_mean_of_no_memory_is_its_part() -> None:
    pair = Pair()
    pair.averaged = {"left": 0.0, "right": 1.0}  # type: ignore[misc]
    before = {name: value.clone() for name, value in pair.right.named_parameters()}
    averages.begin(pair)
    walk(pair)
    averages.update(pair, 10**9)
    for name, value in pair.average["left"].named_parameters():
        assert torch.equal(value, dict(pair.left.named_parameters())[name])
    for name, value in pair.average["right"].named_parameters():
        assert torch.allclose(value, before[name], atol=1e-6)


def test_what_is_evaluated_and_saved_are_the_means() -> None:
    pair = Pair()
    averages.begin(pair)
    walk(pair)
    averages.update(pair, 0)
    left, right, mean = pair.left, pair.right, pair.average["left"]
    with pair.evaluated():
        with pair.evaluated():
            assert (pair.left, pair.right) == (mean, right)
        assert (pair.left, pair.right) == (mean, right)
        assert not any(module.training for module in pair.modules())
    assert (pair.left, pair.right) == (left, right)
    assert left.training
    assert right.training
    assert not mean.training
    weights, plain = weights_of(pair), pair.state_dict()
    assert list(weights) == list(plain)

    def same(name: str, other: Tensor) -> bool:
        return torch.equal(weights[name], other)

    assert same("left.0.weight", mean.state_dict()["0.weight"])
    assert not same("left.0.weight", plain["left.0.weight"])
    assert same("right.0.weight", plain["right.0.weight"])


def test_a_mean_beside_is_evaluated_when_asked_and_never_saved() -> None:
    pair = Pair()
    pair.beside = {"right": MEMORY}  # type: ignore[misc]
    averages.begin(pair)
    walk(pair)
    averages.update(pair, 0)
    left, right, means = pair.left, pair.right, pair.average
    with pair.evaluated():
        assert (pair.left, pair.right) == (means["left"], right)
    with pair.evaluated(beside=True):
        with pair.evaluated():
            assert (pair.left, pair.right) == (means["left"], means["right"])
        assert (pair.left, pair.right) == (means["left"], means["right"])
    assert (pair.left, pair.right) == (left, right)
    assert torch.equal(weights_of(pair)["right.0.weight"], right[0].weight)
    assert not torch.equal(means["right"][0].weight, right[0].weight)


def test_a_part_that_is_used_by_its_mean_has_no_other_beside_it() -> None:
    pair = Pair()
    pair.beside = {"left": 0.5}  # type: ignore[misc]
    averages.begin(pair)
    before = pair.average["left"][0].weight.clone()  # type: ignore[index, operator]
    walk(pair)
    averages.update(pair, 999)
    moved = before.lerp(pair.left[0].weight, 1 - MEMORY)
    assert torch.allclose(pair.average["left"][0].weight, moved)  # type: ignore[index, arg-type]


def test_the_parts_come_back_after_an_error() -> None:
    pair = Pair()
    averages.begin(pair)
    left = pair.left
    try:
        with pair.evaluated():
            raise KeyError
    except KeyError:
        pass
    assert pair.left is left
    assert pair.training
