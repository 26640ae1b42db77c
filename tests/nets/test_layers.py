import torch

from sparring.nets.layers import Decoder, Head, reverse


def test_forward_is_the_identity_and_the_gradient_comes_back_reversed() -> None:
    x = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
    y = reverse(x, 0.25)
    assert torch.equal(y, x)
    (y * torch.tensor([4.0, 8.0, -12.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [-1.0, -2.0, 3.0]


def test_decoder_and_head_shapes() -> None:
    for size in (24, 32, 64):
        assert Decoder(7, size, 5)(torch.randn(4, 7)).shape == (4, 3, size, size)
    assert Head(7, 10)(torch.randn(4, 7)).shape == (4, 10)
