import pytest
import torch

from sparring.game import Labelled, Method, Shape
from sparring.methods import ACGAN, DSN
from sparring.runs.common import architecture, base_config, build
from sparring.trainer import Training
from tests.conftest import CPU


@pytest.mark.parametrize(
    ("method", "preset"), [(DSN(), "report2019"), (DSN(alpha=0.3), "own"), (ACGAN(), "report2019")]
)
def test_only_unchanged_settings_are_called_those_of_the_report(
    method: Method, preset: str
) -> None:
    config = base_config(method, 0, Training(1), CPU)
    assert config["preset"] == preset


def test_a_job_builds_a_fresh_copy_each_time() -> None:
    asked = ACGAN(width=4)
    shape = Shape(16, ("a",))
    first, second, other = (build(asked, shape, seed) for seed in (0, 0, 1))
    assert not list(asked.named_children())
    assert first.width == 4
    weight = "embedding.weight"
    assert torch.equal(first.state_dict()[weight], second.state_dict()[weight])
    assert not torch.equal(first.state_dict()[weight], other.state_dict()[weight])


def test_the_architecture_is_that_of_the_actual_modules() -> None:
    method = build(ACGAN(width=4, noise_size=8), Shape(16, ("a", "b")), 0)
    networks = architecture(method, Labelled(torch.zeros(3, 3, 16, 16), torch.zeros(3, 2)))
    assert [network["title"] for network in networks] == [
        "Embedding",
        "Generator",
        "Discriminator",
    ]
    total = sum(network["parameters"] for network in networks)
    assert total == sum(parameter.numel() for parameter in method.parameters())
    assert networks[0]["summary"] == ""
    assert networks[1]["summary"].startswith("Code float [N, inputs] to images")
    assert networks[2]["layers"][-1]["output"] == (2, 1, 1)
