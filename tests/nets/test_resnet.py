import pytest
import torch

from sparring.nets.resnet import ResNet18
from sparring.nets.summary import count_parameters


def published_names() -> set[str]:
    """The parameter names of published ResNet18 weights, without the last layer."""

    def normalised(prefix: str) -> set[str]:
        parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        return {f"{prefix}.{part}" for part in parts}

    names = {"conv1.weight"} | normalised("bn1")
    for layer in (1, 2, 3, 4):
        for block in (0, 1):
            at = f"layer{layer}.{block}"
            names |= {f"{at}.conv1.weight", f"{at}.conv2.weight"}
            names |= normalised(f"{at}.bn1") | normalised(f"{at}.bn2")
        if layer > 1:
            names |= {f"layer{layer}.0.downsample.0.weight"}
            names |= normalised(f"layer{layer}.0.downsample.1")
    return names


def test_names_and_size_are_those_of_published_weights() -> None:
    network = ResNet18()
    assert set(network.state_dict()) == published_names()
    # ResNet18 has 11,689,512 parameters, of which the last layer holds 512 x 1000 + 1000.
    assert count_parameters(network) == 11_689_512 - 513_000


@pytest.mark.parametrize(("small_stem", "last"), [(False, 1), (True, 4)])
def test_stems_differ_in_resolution(small_stem: bool, last: int) -> None:
    network = ResNet18(small_stem).eval()
    seen: list[torch.Size] = []
    network.layer4.register_forward_hook(lambda m, i, output: seen.append(output.shape))
    features = network(torch.zeros(2, 3, 32, 32))
    assert features.shape == (2, 512)
    assert seen == [(2, 512, last, last)]


def test_a_block_adds_its_shortcut() -> None:
    block = ResNet18().layer1[0].eval()
    torch.nn.init.zeros_(block.bn2.weight)
    x = torch.randn(1, 64, 4, 4)
    assert torch.equal(block(x), x.relu())
