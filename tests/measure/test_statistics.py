import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.measure.statistics import clear_sign, summarise

numbers = st.floats(-1e6, 1e6)


@given(st.lists(numbers, min_size=2, max_size=20))
def test_mean_and_sample_sd_agree_with_numpy(values: list[float]) -> None:
    summary = summarise(values)
    assert summary.n == len(values)
    assert summary.mean == pytest.approx(np.mean(values), abs=1e-6)
    assert summary.sd == pytest.approx(np.std(values, ddof=1), rel=1e-6, abs=1e-6)


def test_one_run_has_no_sd() -> None:
    expected = {"mean": 0.25, "sd": None, "n": 1, "runs": [0.25]}
    assert summarise([0.25]).as_dict() == expected


def test_no_run_has_neither() -> None:
    assert summarise([]).as_dict() == {"mean": None, "sd": None, "n": 0, "runs": []}


def test_a_value_that_is_not_finite_shows() -> None:
    summary = summarise([1.0, math.inf])
    assert math.isnan(summary.mean)
    assert math.isnan(summary.sd)


@pytest.mark.parametrize(
    ("differences", "sign"),
    [
        ([], 0),
        ([5.0, 5.1], 0),
        ([1.0, 1.1, 0.9], 1),
        ([-1.0, -1.1, -0.9], -1),
        # mean 1, sd 0.8: t(0.975, 2) * 0.8 / sqrt(3) = 1.99 > 1; with four it is 1.18 > 1 still.
        ([0.2, 1.0, 1.8], 0),
        ([2.0, 2.0, 2.0], 1),
        ([0.0, 0.0, 0.0], 0),
    ],
)
def test_clear_sign(differences: list[float], sign: int) -> None:
    assert clear_sign(differences) == sign


@given(st.lists(numbers, max_size=8))
def test_clear_sign_is_odd(differences: list[float]) -> None:
    assert clear_sign(-value for value in differences) == -clear_sign(differences)
