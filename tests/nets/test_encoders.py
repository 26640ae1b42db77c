from itertools import pairwise
from typing import get_args

import pytest
import torch

from sparring.errors import RequestError
from sparring.nets import encoders
from sparring.nets.encoders import ENCODERS, build_encoder
from sparring.nets.summary import count_parameters


@pytest.mark.parametrize("size", [24, 32, 48, 64])
@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_takes_images_of_every_size(name: str, size: int) -> None:
    network, length = build_encoder(name, size)
    assert network(torch.zeros(2, 3, size, size)).shape == (2, length)


@pytest.mark.parametrize(("size", "features"), [(28, 768), (32, 1200)])
def test_the_small_encoder_is_the_papers(size: int, features: int) -> None:
    network, length = build_encoder("small", size)
    assert length == features  # 48 maps of 4 x 4 on the paper's 28 pixels
    assert count_parameters(network) == 32 * 76 + 48 * 801


def test_the_fast_encoder_has_the_size_that_was_measured() -> None:
    network, length = build_encoder("fast", 32)
    channels = [3, 32, 32, 64, 64, 128, 128]
    weights = sum(9 * a * b for a, b in pairwise(channels))
    assert count_parameters(network) == weights + 2 * sum(channels[1:]) + (128 * 16 + 1) * 256
    assert length == 256


def test_resnet18_has_512_features_with_either_stem() -> None:
    original, small = (build_encoder(name, 32) for name in ("resnet18", "resnet18-3x3"))
    assert original[1] == small[1] == 512
    assert (original[0].conv1.kernel_size, small[0].conv1.kernel_size) == ((7, 7), (3, 3))


def test_what_an_encoder_cannot_take_is_refused_in_one_line() -> None:
    with pytest.raises(RequestError, match="small takes images of at least 16 pixels, not 15"):
        build_encoder("small", 15)
    assert build_encoder("small", 16)[0](torch.zeros(1, 3, 16, 16)).shape == (1, 48)
    with pytest.raises(RequestError, match="unknown encoder 'resnet19': did you mean 'resnet18'"):
        build_encoder("resnet19", 32)


def test_the_command_line_offers_all_of_them() -> None:
    assert get_args(encoders.EncoderName) == tuple(ENCODERS)
