from functools import partial

import pytest
import torch
from torch import Tensor, nn

from sparring.batch_norm import _forward

# Over several ranks it is tested with every method's networks in test_ranks.py.


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layer", [nn.BatchNorm1d, nn.BatchNorm2d])
@pytest.mark.parametrize("options", [{}, {"affine": False}, {"momentum": None}], ids=str)
def test_of_one_rank_it_is_torchs_own(
    layer: type[nn.BatchNorm1d], options: dict[str, bool], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    shape = (6, 4) if layer is nn.BatchNorm1d else (6, 4, 3, 3)
    plain, ours = layer(4, **options), layer(4, **options)
    x = (3 + 2 * torch.randn(shape)).to(dtype).requires_grad_()
    upstream = torch.randn(shape).to(dtype)

    def played(network: nn.Module, forward: partial[Tensor] | nn.Module) -> list[Tensor]:
        results = []
        for _ in range(2):
            y = forward(x)
            results += [y, *torch.autograd.grad(y, [x, *network.parameters()], upstream)]
        return results + [buffer.float() for buffer in network.buffers()]

    both = zip(played(plain, plain), played(ours, partial(_forward, ours)), strict=True)
    for true, found in both:
        assert found.dtype == true.dtype
        close = 1e-5 if dtype == torch.float32 else 2e-2
        assert torch.allclose(found, true, rtol=close, atol=close)
    ours.eval()
    assert torch.equal(_forward(ours, x), ours(x))
