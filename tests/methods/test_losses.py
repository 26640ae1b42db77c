import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import mse_loss

from sparring.methods.losses import bce, difference_loss, domain_loss, scale_invariant_error


def images(seed: int, count: int = 4) -> torch.Tensor:
    return torch.randn(count, 3, 5, 5, generator=torch.Generator().manual_seed(seed))


def test_bce_by_hand() -> None:
    logits = torch.tensor([0.0, math.log(3)])
    # -ln(1/2) and -ln(3/4), averaged; against zero -ln(1/2) and -ln(1/4).
    assert bce(logits, 1.0).item() == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)
    assert bce(logits, 0.0).item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_domain_loss_takes_the_first_rows_for_the_source() -> None:
    logits = torch.tensor([[-9.0], [-9.0], [9.0]])
    loss, accuracy = domain_loss(logits, 2)
    assert loss.item() == pytest.approx(math.log1p(math.exp(-9)), rel=1e-2)
    assert accuracy.item() == 1
    assert domain_loss(-logits, 2)[0].item() == pytest.approx(9 + math.log1p(math.exp(-9)))
    assert domain_loss(logits, 1)[1].item() == pytest.approx(2 / 3)


@given(offset=st.floats(-3, 3), seed=st.integers(0, 1000))
def test_scale_invariant_error_ignores_a_constant_offset(offset: float, seed: int) -> None:
    truth = images(seed)
    assert scale_invariant_error(truth + offset, truth).item() == pytest.approx(0, abs=1e-5)


@given(seed=st.integers(0, 1000))
def test_scale_invariant_error_is_mse_less_the_squared_mean_error_of_each_image(seed: int) -> None:
    prediction, truth = images(seed), images(seed + 1)
    # Offsets that differ by image would cancel in a mean over the whole batch.
    prediction = prediction + torch.tensor([1.0, -1.0, 2.0, -2.0])[:, None, None, None]
    by_hand = sum(
        mse_loss(p, t).item() - (p - t).mean().item() ** 2
        for p, t in zip(prediction, truth, strict=True)
    )
    assert scale_invariant_error(prediction, truth).item() == pytest.approx(by_hand / 4, rel=1e-4)


def test_difference_loss_by_hand() -> None:
    code = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    other = torch.tensor([[0.0, 5.0], [0.0, -5.0]])
    # Rows have unit length after centring; the product with itself is [[2, 0], [0, 0]].
    assert difference_loss(code, code).item() == pytest.approx(4 / 4)
    # With the other it is [[0, 2], [0, 0]].
    assert difference_loss(code, other).item() == pytest.approx(4 / 4)
    uncorrelated = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    balanced = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, -1.0], [0.0, -1.0]])
    assert difference_loss(uncorrelated, balanced).item() == pytest.approx(0, abs=1e-7)


@given(shift=st.floats(-5, 5), scale=st.floats(0.1, 10), seed=st.integers(0, 100))
def test_difference_loss_is_centred_and_scale_free(shift: float, scale: float, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    private, shared = torch.randn(2, 16, 6, generator=random)
    moved = difference_loss(private * scale + shift, shared).item()
    assert moved == pytest.approx(difference_loss(private, shared).item(), rel=1e-3)


def test_difference_loss_stays_float32_under_bfloat16() -> None:
    private, shared = torch.randn(2, 16, 6, generator=torch.Generator().manual_seed(0))
    exact = difference_loss(private, shared)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(difference_loss(private, shared), exact)
