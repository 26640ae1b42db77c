import pytest

from sparring.metrics.intervals import of_mean, of_share


def test_mean_by_hand() -> None:
    # sd 1, t(0.975, 2 degrees of freedom) = 4.3027
    found = of_mean([1.0, 2.0, 3.0])
    assert (found.value, found.n) == (2.0, 3)
    assert found.high - 2 == pytest.approx(4.3027 / 3**0.5, abs=1e-4)
    assert 2 - found.low == pytest.approx(found.high - 2)


def test_share_by_hand() -> None:
    # Wilson: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) at p = 0.5, n = 10, z = 1.96
    found = of_share(5, 10)
    assert (found.value, found.n) == (0.5, 10)
    assert (found.low, found.high) == pytest.approx((0.23659, 0.76341), abs=1e-5)
    assert of_share(0, 4).low == 0
    assert of_share(4, 4).high == pytest.approx(1)
