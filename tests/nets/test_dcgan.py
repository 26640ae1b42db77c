import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from sparring.errors import RequestError
from sparring.nets.dcgan import Discriminator, Generator

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_shapes_and_ranges(size: int) -> None:
    image = Generator(12, size, 4)(torch.randn(5, 12))
    assert image.shape == (5, 3, size, size)
    assert image.dtype == torch.float32
    assert image.abs().max() <= 1
    validity, attributes = Discriminator(size, 4, labels=3)(image)
    assert validity.shape == (5,)
    assert attributes.shape == (5, 3)


def test_sizes_that_no_doubling_reaches_are_refused() -> None:
    for size in (1, 2, 4, 48):
        with pytest.raises(RequestError, match=f"not {size}: choose a power of two"):
            Generator(8, size)


def test_every_convolution_of_both_nets_is_spectrally_normalised() -> None:
    for network in (Generator(8, 64, 4), Discriminator(64, 4, 2)):
        layers = [m for m in network.modules() if isinstance(m, CONVOLUTIONS)]
        assert len(layers) >= 5
        assert all(is_parametrized(layer, "weight") for layer in layers)


def test_spectral_norm_brings_the_largest_singular_value_to_one() -> None:
    layer = Discriminator(16, 8).layers[2]
    with torch.no_grad():
        layer.parametrizations.weight.original.mul_(50)
        for _ in range(500):  # slow where two singular values are close
            weight = layer.weight
    assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-5)


def test_discriminator_has_no_batch_norm_and_biases_everywhere() -> None:
    modules = list(Discriminator(64, 4, 2).modules())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in modules)
    assert all(m.bias is not None for m in modules if isinstance(m, nn.Conv2d))


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_batch_norm_bias_and_spectral_norm_can_be_chosen(batch_norm: bool, bias: bool) -> None:
    network = Discriminator(32, 4, 2, spectral=False, batch_norm=batch_norm, bias=bias)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 5
    assert not any(is_parametrized(layer) for layer in convolutions)
    assert all((layer.bias is not None) == bias for layer in convolutions)
    # The first layer has none, as in DCGAN.
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 2 * batch_norm
    plain = Generator(8, 32, 4, spectral=False)
    assert not any(is_parametrized(m) for m in plain.modules())


def test_batch_norm_never_mixes_real_and_generated_images() -> None:
    network = Discriminator(16, 4, 1, batch_norm=True)
    real, fake = torch.randn(4, 3, 16, 16), 5 + torch.randn(4, 3, 16, 16)
    (on_real, seen_real), (on_fake, seen_fake) = network.both(real, fake)
    copy = Discriminator(16, 4, 1, batch_norm=True)
    copy.load_state_dict(network.state_dict())
    assert torch.allclose(on_real, copy.both(real, real)[0][0], atol=1e-3)
    assert on_fake.shape == on_real.shape == (4,)
    assert seen_real.shape == seen_fake.shape == (4, 1)


def test_without_batch_norm_one_pass_judges_as_two_do() -> None:
    network = Discriminator(16, 4, 2).eval()
    real, fake = torch.randn(4, 3, 16, 16), torch.randn(4, 3, 16, 16)
    for one, two in zip(network.both(real, fake), (network(real), network(fake)), strict=True):
        assert torch.allclose(one[0], two[0], atol=1e-6)
        assert torch.allclose(one[1], two[1], atol=1e-6)


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
