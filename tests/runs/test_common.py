import pytest
import torch

from sparring.game import Labelled, Method, Shape
from sparring.methods import ACGAN, DSN
from sparring.runs.common import architecture, build, preset_of
from tests.conftest import CPU


@pytest.mark.parametrize(
    ("method", "preset"), [(DSN(), "report2019"), (DSN(alpha=0.3), "own"), (ACGAN(), "report2019")]
)
def test_only_unchanged_settings_are_called_those_of_a_preset(method: Method, preset: str) -> None:
    assert preset_of(method) == preset


def test_a_run_builds_a_fresh_copy_each_time() -> None:
    asked = ACGAN(width=4)
    shape = Shape(16, ("a",), "attributes")
    first, second, other = (build(asked, shape, seed) for seed in (0, 0, 1))
    assert not list(asked.named_children())
    assert first.width == 4
    weight = "embedding.weight"
    assert torch.equal(first.state_dict()[weight], second.state_dict()[weight])
    assert not torch.equal(first.state_dict()[weight], other.state_dict()[weight])


def test_the_architecture_is_that_of_the_actual_modules() -> None:
    method = build(ACGAN(width=4, noise_size=8), Shape(16, ("a", "b"), "attributes"), 0)
    batch = Labelled(torch.zeros(3, 3, 16, 16, device=CPU), torch.zeros(3, 2))
    found = architecture(method, batch)
    assert found.about.startswith("ACGAN")
    networks = found.networks
    assert [network.title for network in networks] == ["Embedding", "Generator", "Discriminator"]
    total = sum(network.parameters for network in networks)
    assert total == sum(parameter.numel() for parameter in method.parameters())
    assert networks[0].summary == ""
    assert networks[1].summary.startswith("Code float [N, inputs] to images")
