import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.metrics.statistics import (
    beyond_sampling,
    bootstrap_interval,
    detector,
    estimate,
    gaps,
    holm,
    of_mean,
    of_share,
    paired_difference,
    rank_correlation,
    summarise,
    t_test,
)

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


@pytest.mark.parametrize(
    ("values", "p"),
    [
        ([], None),
        ([5.0, 5.1], None),
        # With 2 degrees of freedom p = 1 - t / sqrt(t^2 + 2): t = sqrt(3), and t = 3 / 1.6 sqrt(3).
        ([0.0, 1.0, 2.0], 1 - (3 / 5) ** 0.5),
        ([-0.2, -1.0, -1.8], 1 - 2.165064 / (2.165064**2 + 2) ** 0.5),
        ([2.0, 2.0, 2.0], 0),
        ([0.0, 0.0, 0.0], 1),
    ],
)
def test_students_test_by_hand(values: list[float], p: float | None) -> None:
    found = t_test(values)
    assert found == (None if p is None else pytest.approx(p, abs=1e-6))


def test_holms_correction_by_hand() -> None:
    # In order 0.01 x 4, 0.02 x 3, 0.03 x 2, 0.04 x 1, and none below one before it.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_a_spread_beyond_that_of_the_test_images_by_hand() -> None:
    # Variance by chance 0.25 / 1000; sum of squares 0.02: chi-square 80 of 2 degrees: e^-40.
    assert beyond_sampling([0.4, 0.5, 0.6], 1000) == pytest.approx(math.exp(-40))
    assert beyond_sampling([0.4, 0.6], 1000) is None
    assert beyond_sampling([1.0, 1.0, 1.0], 1000) is None


def test_a_bootstrap_interval_of_two_is_the_two() -> None:
    # A quarter of the resamples are the lower value alone, a quarter the upper alone.
    assert bootstrap_interval([1.0, 3.0]) == (1, 3)


def test_a_bootstrap_interval_holds_the_mean_and_repeats() -> None:
    values = [0.3, 0.5, 0.4, 0.7, 0.6]
    low, high = bootstrap_interval(values)
    # Percentiles of the mean of five: 0.5 -+ 1.96 x 0.141 / sqrt(5) = 0.124, nearly.
    assert low == pytest.approx(0.376, abs=0.03)
    assert high == pytest.approx(0.624, abs=0.03)
    assert bootstrap_interval(values) == (low, high)


@pytest.mark.parametrize(
    ("values", "interval"),
    [([], None), ([0.4], None), ([0.4] * 3, (0.4, 0.4))],
)
def test_where_there_is_no_interval_and_where_it_is_a_point(values, interval) -> None:
    assert bootstrap_interval(values) == interval


def test_paired_difference_is_over_common_seeds() -> None:
    difference = paired_difference({0: 0.6, 1: 0.7, 2: 0.8, 9: 0.1}, {2: 0.5, 1: 0.5, 0: 0.3, 7: 1})
    assert difference.summary.runs == pytest.approx((0.3, 0.2, 0.3))
    assert difference.summary.mean == pytest.approx(0.8 / 3)
    assert difference.interval == pytest.approx((0.2, 0.3))
    assert difference.sign == 1
    assert difference.as_dict()["n"] == 3


def test_three_differences_of_one_sign_are_not_always_clear() -> None:
    # The bootstrap's interval of these leaves zero out, Student's does not: n is too small.
    unclear = estimate([0.2, 1.0, 1.8])
    assert unclear.interval[0] > 0
    assert unclear.sign == 0
    assert estimate([-1.0, -1.1, -0.9]).sign == -1
    assert estimate([]).as_dict() == {
        "mean": None, "sd": None, "n": 0, "runs": [], "interval": None, "p": None, "sign": 0
    }  # fmt: skip


def test_a_difference_whose_bootstrap_interval_holds_zero_is_not_clear() -> None:
    # One bad seed in eight: Student's interval leaves zero out, the skewed bootstrap's does not.
    differences = [0.9, 0.9, 0.9, 0.6, -0.8, 0.5, 0.7, 0.8]
    unclear = estimate(differences)
    assert unclear.p < 0.05
    assert unclear.interval[0] < 0 < unclear.interval[1]
    assert unclear.sign == 0


def test_gap_closed_by_hand() -> None:
    found = gaps({0: 0.4, 1: 0.5, 2: 0.6}, {0: 0.6, 1: 0.5, 2: 0.9}, {0: 0.8, 1: 0.9, 2: 0.6})
    # Seed 2 has no gap to close.
    assert found == pytest.approx({0: 0.5, 1: 0.0})
    assert estimate(found.values()).interval == pytest.approx((0.0, 0.5))


def test_rank_correlation_by_hand() -> None:
    # One swap of neighbours among four: 1 - 6 x 2 / (4 x 15) = 0.8.
    assert rank_correlation([1, 2, 3, 4], [10, 30, 20, 40]) == pytest.approx(0.8)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("scores", "truth"),
    [([], []), ([1.0], [2.0]), ([1, 1, 1], [1, 2, 3]), ([1, 2], [5, 5]), ([1, math.nan], [1, 2])],
)
def test_rank_correlation_may_not_exist(scores: list[float], truth: list[float]) -> None:
    assert rank_correlation(scores, truth) is None


def test_a_detector_by_hand() -> None:
    alarms = [True, True, False, True, False, False, False]
    truths = [True, True, True, False, False, False, False]
    found = detector(alarms, truths)
    assert (found.caught, found.missed, found.false_alarms, found.quiet) == (2, 1, 1, 3)
    assert found.sensitivity.value == pytest.approx(2 / 3)
    assert found.specificity.value == pytest.approx(3 / 4)
    assert found.right.value == pytest.approx(5 / 7)
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 3 / 4) / 2)


def test_a_detector_without_true_cases_has_no_sensitivity() -> None:
    found = detector([False, True], [False, False])
    assert found.sensitivity is None
    assert found.balanced_accuracy is None
    assert found.specificity.value == 0.5


def test_interval_of_a_mean_by_hand() -> None:
    # sd 1, t(0.975, 2 degrees of freedom) = 4.3027
    found = of_mean([1.0, 2.0, 3.0])
    assert (found.value, found.n) == (2.0, 3)
    assert found.high - 2 == pytest.approx(4.3027 / 3**0.5, abs=1e-4)
    assert 2 - found.low == pytest.approx(found.high - 2)


def test_interval_of_a_share_by_hand() -> None:
    # Wilson: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) at p = 0.5, n = 10, z = 1.96
    found = of_share(5, 10)
    assert (found.value, found.n) == (0.5, 10)
    assert (found.low, found.high) == pytest.approx((0.23659, 0.76341), abs=1e-5)
    assert of_share(0, 4).low == 0
    assert of_share(4, 4).high == pytest.approx(1)
