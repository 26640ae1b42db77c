from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sparring.errors import RequestError
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


def test_published_weights_load(tmp_path: Path) -> None:
    published = {k: torch.full_like(v, 2) for k, v in ResNet18().state_dict().items()}
    published |= {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    save_file(published, tmp_path / "resnet18.safetensors")
    network = ResNet18()
    network.load_published(tmp_path / "resnet18.safetensors")
    assert network.layer3[0].downsample[0].weight.unique().tolist() == [2.0]


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "part.safetensors")
    with pytest.raises(RequestError, match="119 names differ, the first is bn1"):
        ResNet18().load_published(tmp_path / "part.safetensors")
    network = ResNet18()
    whole = {k: torch.full_like(v, 2) for k, v in network.state_dict().items()}
    for wrong, told in (
        (torch.zeros(64, 3, 3, 3), r"conv1.weight is torch.float32 \(64, 3, 3, 3\), not"),
        (torch.zeros(64, 3, 7, 7, dtype=torch.int8), "conv1.weight is torch.int8"),
        (torch.zeros(64, 3, 7, 7, dtype=torch.complex64), "conv1.weight is torch.complex64"),
    ):
        save_file(whole | {"conv1.weight": wrong}, tmp_path / "wrong.safetensors")
        with pytest.raises(RequestError, match=told):
            network.load_published(tmp_path / "wrong.safetensors")
    assert not (network.layer1[0].conv1.weight == 2).any()  # nothing was changed
    (tmp_path / "wrong.safetensors").write_bytes(b"\xff" * 100)
    for name in ("wrong.safetensors", "missing.safetensors"):
        with pytest.raises(RequestError, match=f"{name} does not hold the weights"):
            network.load_published(tmp_path / name)


@pytest.mark.parametrize(("stem", "last"), [("7x7", 1), ("3x3", 4)])
def test_stems_differ_in_resolution(stem: str, last: int) -> None:
    network = ResNet18(stem).eval()
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
