import pytest
import torch
from torch.nn.functional import conv2d

from sparring.nets.taps import Conv3x3


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_result_and_gradients_are_those_of_the_full_convolution(size: int, stride: int) -> None:
    torch.manual_seed(0)
    layer = Conv3x3(5, 7, stride).double()
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
    layer = Conv3x3(5, 7)
    layer.weight.data = layer.weight.data.to(memory_format=layout)
    (gradient,) = torch.autograd.grad(layer(torch.randn(3, 5, size, size)).sum(), layer.weight)
    assert gradient.stride() == layer.weight.stride()


@pytest.mark.parametrize("size", [1, 2])
def test_under_autocast_it_computes_in_bfloat16(size: int) -> None:
    torch.manual_seed(0)
    layer, x = Conv3x3(5, 7), torch.randn(3, 5, size, size)
    with torch.autocast("cpu", torch.bfloat16):
        ours, full = layer(x), conv2d(x, layer.weight, padding=1)
    assert ours.dtype == full.dtype == torch.bfloat16
    assert torch.allclose(ours, full, atol=0.05)
    (gradient,) = torch.autograd.grad(ours.float().sum(), layer.weight)
    assert gradient.dtype == torch.float32
