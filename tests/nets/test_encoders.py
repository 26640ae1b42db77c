import pytest
import torch

from sparring.nets.encoders import SmallNet, encoder


@pytest.mark.parametrize(("size", "features"), [(28, 768), (32, 1200)])
def test_the_small_net_is_the_papers(size: int, features: int) -> None:
    network, length = encoder("small", "7x7", size)
    assert length == features  # 48 maps of 4 x 4 on the paper's 28 pixels
    assert network(torch.zeros(2, 3, size, size)).shape == (2, features)
    assert sum(p.numel() for p in SmallNet().parameters()) == 32 * 76 + 48 * 801


def test_resnet18_has_512_features() -> None:
    network, length = encoder("resnet18", "7x7", 32)
    assert length == 512
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 512)
