import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from sparring.nets.dcgan import Discriminator, Generator
from sparring.nets.decoder import Decoder
from sparring.nets.heads import Head

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_shapes_and_ranges(size: int) -> None:
    image = Generator(12, size, 4)(torch.randn(5, 12))
    assert image.shape == (5, 3, size, size)
    assert image.dtype == torch.float32
    assert image.abs().max() <= 1
    validity, attributes = Discriminator(size, 4, attributes=3)(image)
    assert validity.shape == (5,)
    assert attributes.shape == (5, 3)


def test_sizes_that_no_doubling_reaches_are_refused() -> None:
    with pytest.raises(ValueError, match="not 48"):
        Generator(8, 48)


def test_every_convolution_of_both_nets_is_spectrally_normalised() -> None:
    for network in (Generator(8, 64, 4), Discriminator(64, 4, 2)):
        layers = [m for m in network.modules() if isinstance(m, CONVOLUTIONS)]
        assert len(layers) >= 5
        assert all(is_parametrized(layer, "weight") for layer in layers)


def test_spectral_norm_brings_the_largest_singular_value_to_one() -> None:
    layer = Discriminator(16, 8).layers[2]
    with torch.no_grad():
        layer.parametrizations.weight.original.mul_(50)
        for _ in range(50):
            weight = layer.weight
    assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-3)


def test_discriminator_has_no_batch_norm_and_biases_everywhere() -> None:
    modules = list(Discriminator(64, 4, 2).modules())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in modules)
    assert all(m.bias is not None for m in modules if isinstance(m, nn.Conv2d))


def test_generator_normalises_after_every_hidden_layer() -> None:
    kinds = [type(layer).__name__ for layer in Generator(8, 64, 4).layers]
    hidden = ["ParametrizedConvTranspose2d", "BatchNorm2d", "ReLU"]
    assert kinds == hidden * 4 + ["ParametrizedConvTranspose2d", "Tanh"]


def test_power_iteration_and_logits_stay_float32_under_bfloat16() -> None:
    network = Discriminator(16, 8, 2)
    with torch.autocast("cpu", torch.bfloat16):
        validity, attributes = network(torch.randn(2, 3, 16, 16))
        assert network.layers[0].weight.dtype == torch.float32
    assert validity.dtype == attributes.dtype == torch.float32


def test_decoder_and_head_shapes() -> None:
    assert Decoder(7, 32, 5)(torch.randn(4, 7)).shape == (4, 3, 32, 32)
    assert Head(7, 10)(torch.randn(4, 7)).shape == (4, 10)
