import hashlib
from pathlib import Path

import pytest
import torch

from sparring.errors import RequestError
from sparring.nets.inception import InceptionV3, load_published, resize_tensorflow1


@pytest.fixture(scope="module")
def network() -> InceptionV3:
    with torch.device("meta"):
        return InceptionV3()


def test_the_names_and_shapes_are_those_of_the_published_file(network: InceptionV3) -> None:
    weights = network.state_dict()
    # 94 convolutions with 5 batch norm tensors each, and the last layer's two.
    assert len(weights) == 94 * 6 + 2
    assert sum(p.numel() for p in network.parameters()) == 23_850_960
    shapes = {
        "Conv2d_2b_3x3.conv.weight": (64, 32, 3, 3),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_5d.branch_pool.conv.weight": (64, 288, 1, 1),
        "Mixed_6a.branch3x3.conv.weight": (384, 288, 3, 3),
        "Mixed_6c.branch7x7dbl_3.conv.weight": (160, 160, 1, 7),
        "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
        "Mixed_7b.branch3x3_2b.conv.weight": (384, 384, 3, 1),
        "Mixed_7c.branch3x3dbl_3a.bn.running_var": (384,),
        "fc.weight": (1008, 2048),
    }
    assert {name: tuple(weights[name].shape) for name in shapes} == shapes


def waves() -> InceptionV3:
    """The network with weights that anybody can make."""
    network = InceptionV3()
    for number, (name, tensor) in enumerate(network.state_dict().items()):
        if tensor.is_floating_point():
            phase = torch.arange(tensor.numel(), dtype=torch.float64) * 1.7 + number
            wave = torch.sin(phase).reshape(tensor.shape)
            if tensor.ndim > 1:
                tensor.copy_(wave * (3 / tensor[0].numel()) ** 0.5)
            else:
                around_one = name.endswith(("bn.weight", "var"))
                tensor.copy_(wave / 5 + around_one)
    return network.eval()


@torch.inference_mode()
def test_features_are_those_of_torch_fidelity() -> None:
    # The numbers are torch-fidelity 0.4.0's, from its own network with these weights.
    phase = torch.arange(3 * 20 * 20) * 0.37
    pixels = (torch.sin(phase) * 127 + 128).to(torch.uint8).reshape(1, 3, 20, 20)
    network, seen = waves(), []
    network.Conv2d_1a_3x3.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    found = network.features(pixels)
    assert pixels[0, 0, 0, 0] == 128
    assert seen[0][0, 0, 0, 0] == 0
    assert seen[0].shape == (1, 3, 299, 299)
    assert found.shape == (1, 2048)
    assert found.dtype == torch.float32
    branches = [part.mean().item() for part in found[0].split([320, 768, 768, 192])]
    expected = [1.0215106, 0.0987583, 0.0744909, 1.2004539]
    assert branches == pytest.approx(expected, rel=1e-4)
    assert found[0, [700, 2000]].tolist() == pytest.approx([0.2005944, 0.9878361], rel=1e-4)


def test_resizing_by_hand() -> None:
    # From 2 to 4 pixels: places 0, 0.5, 1 and 1.5, of which the last is past the end.
    row = torch.tensor([0.0, 8.0]).expand(1, 1, 2, 2)
    assert resize_tensorflow1(row, 4)[0, 0, 0].tolist() == [0, 4, 8, 8]
    assert resize_tensorflow1(row.transpose(2, 3), 4)[0, 0, :, 3].tolist() == [0, 4, 8, 8]


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"abc")
    with pytest.raises(RequestError, match=r"SHA-256 ba7816bf\.\.\., not 6726825d.*https://"):
        load_published(path)


def test_a_missing_file_is_refused_with_the_address(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"No such file.*pt_inception-2015-12-05-6726825d\.pth"):
        load_published(tmp_path / "weights.pth")


def test_the_right_file_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.pth"
    torch.manual_seed(0)
    network = InceptionV3()
    torch.save(network.state_dict(), path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr("sparring.nets.inception.SHA256", found)
    loaded = load_published(path)
    assert not loaded.training
    assert torch.equal(loaded.fc.weight, network.fc.weight)
