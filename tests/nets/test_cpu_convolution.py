import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.nn.utils.parametrize import register_parametrization

from sparring.nets import cpu_convolution
from sparring.nets.cpu_convolution import Conv2d, ConvTranspose2d

LAYERS = {  # plain layer, ours; sizes as in the networks that use them, and odd ones
    "block": (nn.Conv2d, Conv2d, (5, 7, 3, 1, 1), 4),
    "halving": (nn.Conv2d, Conv2d, (5, 7, 4, 2, 1), 8),
    "odd": (nn.Conv2d, Conv2d, (5, 7, 3, 2, 1), 7),
    "cut off": (nn.Conv2d, Conv2d, (5, 7, 3, 2, 0), 8),
    "shortcut": (nn.Conv2d, Conv2d, (5, 7, 1, 2), 4),
    "head": (nn.Conv2d, Conv2d, (5, 1, 4), 4),
    "first": (nn.ConvTranspose2d, ConvTranspose2d, (5, 7, 4, 1, 0), 1),
    "doubling": (nn.ConvTranspose2d, ConvTranspose2d, (5, 7, 4, 2, 1), 4),
}


@pytest.fixture(autouse=True)
def _narrow_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried here is narrow, to be fast."""
    monkeypatch.setattr(cpu_convolution, "MANY_CHANNELS", 1)


TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 2e-2}


def play(layer: nn.Module, x: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """Output, and gradients of a sum with random weights to the input and each parameter."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        y = layer(x)
    assert y.dtype == dtype
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    return [y, *torch.autograd.grad((y.float() * weights).sum(), [x, *layer.parameters()])]


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_a_product_is_the_convolution_and_so_are_its_gradients(
    name: str, bias: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, our_kind, sizes, side = LAYERS[name]
    torch.manual_seed(0)
    plain, ours = kind(*sizes, bias=bias), our_kind(*sizes, bias=bias)
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(6, 5, side, side)
    wanted = play(plain, x, dtype)
    for function in ("conv2d", "conv_transpose2d"):
        monkeypatch.setattr(
            cpu_convolution, function, lambda *_: pytest.fail("the plain way was used")
        )
    for expected, found in zip(wanted, play(ours, x, dtype), strict=True):
        assert found.dtype == expected.dtype
        scale = expected.abs().max().item()
        assert torch.allclose(found, expected, rtol=0, atol=TOLERANCES[dtype] * scale)


def test_a_convolution_by_hand() -> None:
    layer = Conv2d(1, 1, 3, padding=1)
    nn.init.zeros_(layer.bias)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(9.0).view(1, 1, 3, 3))
    # Only the kernel's middle and what lies right, below and beside it meet a 2x2 map of ones.
    assert layer(torch.ones(1, 1, 2, 2)).flatten().tolist() == [24, 20, 12, 8]


@pytest.mark.parametrize("name", ["block", "doubling"])
def test_larger_maps_go_the_plain_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, our_kind, sizes, _ = LAYERS[name]
    plain, ours, x = kind(*sizes), our_kind(*sizes), torch.randn(2, 5, 5, 5)
    ours.load_state_dict(plain.state_dict())
    for product in ("_ImageToPatches", "_PatchesToImage"):
        monkeypatch.setattr(cpu_convolution, product, None)
    assert torch.equal(ours(x), plain(x))  # and no product was called, which would fail


def test_narrow_ones_go_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_convolution, "MANY_CHANNELS", 8)  # block: 5 to 7 channels
    kind, our_kind, sizes, side = LAYERS["block"]
    plain, ours, x = kind(*sizes), our_kind(*sizes), torch.randn(2, 5, side, side)
    ours.load_state_dict(plain.state_dict())
    monkeypatch.setattr(cpu_convolution, "_ImageToPatches", None)
    assert torch.equal(ours(x), plain(x))


class Scaled(nn.Module):
    """A weight that is computed by a product, as in spectral norm's power iteration."""

    def forward(self, weight: Tensor) -> Tensor:
        rows = weight.flatten(1)
        product = rows @ rows.T
        assert product.dtype == torch.float32
        return weight / product.trace().sqrt()


@pytest.mark.parametrize("side", [4, 8])
@pytest.mark.parametrize("name", ["halving", "doubling"])
def test_a_computed_weight_is_computed_in_float32_under_autocast(name: str, side: int) -> None:
    _, our_kind, sizes, _ = LAYERS[name]
    layer = our_kind(*sizes)
    register_parametrization(layer, "weight", Scaled())
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(2, 5, side, side)).dtype == torch.bfloat16


def padded(stride: int = 1) -> Conv2d:
    """The convolution of ResNet18, of which 1x1 and 2x2 maps meet a part alone."""
    torch.manual_seed(0)
    return Conv2d(5, 7, 3, stride, 1, bias=False)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_without_the_padding_result_and_gradients_are_the_same(size: int, stride: int) -> None:
    layer = padded(stride).double()
    x = torch.randn(3, 5, size, size, dtype=torch.double, requires_grad=True)
    ours, full = layer(x), conv2d(x, layer.weight, stride=stride, padding=1)
    assert ours.shape == full.shape
    assert torch.allclose(ours, full, atol=1e-12)
    weights = torch.randn_like(full)
    for mine, theirs in zip(
        torch.autograd.grad((ours * weights).sum(), (x, layer.weight)),
        torch.autograd.grad((full * weights).sum(), (x, layer.weight)),
        strict=True,
    ):
        assert torch.allclose(mine, theirs, atol=1e-12)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [1, 2])
def test_the_gradient_lies_in_memory_as_the_weight_does(
    size: int, layout: torch.memory_format
) -> None:
    layer = padded()
    layer.weight.data = layer.weight.data.to(memory_format=layout)
    (gradient,) = torch.autograd.grad(layer(torch.randn(3, 5, size, size)).sum(), layer.weight)
    assert gradient.stride() == layer.weight.stride()


@pytest.mark.parametrize("size", [1, 2])
def test_without_the_padding_it_computes_in_bfloat16_under_autocast(size: int) -> None:
    layer, x = padded(), torch.randn(3, 5, size, size)
    with torch.autocast("cpu", torch.bfloat16):
        ours, full = layer(x), conv2d(x, layer.weight, padding=1)
    assert ours.dtype == full.dtype == torch.bfloat16
    assert torch.allclose(ours, full, atol=0.05)
    (gradient,) = torch.autograd.grad(ours.float().sum(), layer.weight)
    assert gradient.dtype == torch.float32


@pytest.mark.parametrize("name", ["block", "shortcut", "first"])
def test_other_devices_go_the_plain_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, our_kind, sizes, side = LAYERS[name]
    for product in ("_ImageToPatches", "_PatchesToImage", "_WeightsOverMap"):
        monkeypatch.setattr(cpu_convolution, product, None)
    # Autocast knows no meta device.
    monkeypatch.setattr(cpu_convolution, "_weight", lambda layer, device: layer.weight)
    for bias, size in ((True, side), (False, min(side, 2))):
        layer = our_kind(*sizes, bias=bias).to("meta")
        assert layer(torch.randn(2, 5, size, size, device="meta")).device.type == "meta"
