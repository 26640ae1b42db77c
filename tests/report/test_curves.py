import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.report.curves import Log, end_level, settling, smooth, start_level
from sparring.runs.records import LogRow

curves = st.lists(st.floats(-100, 100), min_size=1, max_size=200).map(np.array)


@given(curves)
def test_smooth_stays_within_the_values(values: np.ndarray) -> None:
    line = smooth(values)
    assert line.shape == values.shape
    assert line.min() >= values.min() - 1e-9
    assert line.max() <= values.max() + 1e-9


def test_smooth_leaves_a_straight_line_straight_inside() -> None:
    values = np.arange(100.0)
    np.testing.assert_allclose(smooth(values)[2:-2], values[2:-2])


def test_smooth_takes_the_noise_away() -> None:
    noise = np.random.default_rng(0).normal(size=400)
    assert smooth(noise).std() < 0.4 * noise.std()


def test_smooth_skips_what_is_missing() -> None:
    values = np.full(100, 3.0)
    values[::2] = np.nan
    np.testing.assert_allclose(smooth(values), 3.0)


def test_levels_are_means_of_the_outer_tenths() -> None:
    values = np.arange(20.0)
    assert start_level(values) == 0.5
    assert end_level(values) == 18.5
    assert np.isnan(end_level(np.array([1.0, np.nan])))


@pytest.mark.parametrize("jump", [20, 50, 80])
def test_settling_is_where_the_curve_stops_moving(jump: int) -> None:
    values = np.where(np.arange(100) < jump, 5.0, 1.0)
    assert settling(values) == pytest.approx(jump / 100, abs=0.03)


def test_a_curve_that_never_moves_is_settled_at_once() -> None:
    assert settling(np.ones(50)) == 0.0


def test_a_curve_that_keeps_rising_settles_late() -> None:
    late = settling(np.linspace(0, 1, 100))
    assert late is not None
    assert late > 0.75


def test_short_or_broken_curves_have_no_settling_time() -> None:
    assert settling(np.ones(9)) is None
    assert settling(np.full(50, np.nan)) is None


def test_a_log_comes_as_columns_with_nan_where_a_row_lacks_a_term() -> None:
    log = Log.of(
        [
            LogRow(step=1, images=2, seconds=0.1, losses={"a": 1.0}),
            LogRow(step=2, images=4, seconds=0.2, losses={"a": None, "b": 3.0}),
        ]
    )
    np.testing.assert_array_equal(log.losses["a"], [1.0, np.nan])
    np.testing.assert_array_equal(log.losses["b"], [np.nan, 3.0])
    assert (len(log), log.images_per_step, log.terms) == (2, 2.0, {})
    assert len(Log.of([])) == 0


def test_all_have_settled_when_the_last_has() -> None:
    def log(*losses: list[float]) -> Log:
        named = [{str(k): loss[row] for k, loss in enumerate(losses)} for row in range(100)]
        return Log.of(
            [LogRow(step=k, images=k, seconds=0.0, losses=one) for k, one in enumerate(named)]
        )

    early, late = ([5.0] * jump + [1.0] * (100 - jump) for jump in (20, 60))
    assert log(early, late).settled == settling(np.array(late))
    assert log(early, late).levels == {"0": (5.0, 1.0), "1": (5.0, 1.0)}
    lost = log(early, [5.0] * 80 + [float("nan")] * 20)
    assert (lost.settled, list(lost.levels)) == (None, ["0"])
    assert log().settled is None
