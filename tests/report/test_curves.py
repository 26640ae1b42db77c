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


def steps(values: np.ndarray) -> np.ndarray:
    """A row each step."""
    return np.arange(1, len(values) + 1)


@pytest.mark.parametrize(("rows", "start", "end"), [(20, 0.5, 18.5), (29, 0.5, 27.5), (5, 0, 4)])
def test_levels_are_means_of_the_outer_tenths(rows: int, start: float, end: float) -> None:
    values = np.arange(float(rows))
    assert start_level(values, steps(values)) == start
    assert end_level(values, steps(values)) == end


def test_a_curve_that_is_lost_at_its_end_has_no_level_there() -> None:
    lost = np.array([1.0, np.nan])
    assert np.isnan(end_level(lost, steps(lost)))


def test_a_prolonged_training_is_measured_in_steps_not_in_rows() -> None:
    # A row every 5 of the first 2,000 steps, and every 50 of the next 18,000.
    step = np.array([*range(5, 2001, 5), *range(2050, 20001, 50)])
    losses = np.where(step <= 1000, 6.0, np.where(step <= 15000, 4.0, 2.0))
    rows = [
        LogRow(step=s, images=s, seconds=0.0, losses={"critic": loss})
        for s, loss in zip(step.tolist(), losses.tolist(), strict=True)
    ]
    log = Log.of(rows)
    assert log.levels == {"critic": (5.0, 2.0)}
    assert log.settled == pytest.approx(0.75, abs=0.05)
    # The first tenth of this one has rows of both kinds.
    short, value = np.array([1, 2, 3, 4, 12, 120]), np.array([1.0, 1.0, 1.0, 1.0, 4.0, 9.0])
    assert start_level(value, short) == pytest.approx((4 * 1.0 + 8 * 4.0) / 12)


@pytest.mark.parametrize("jump", [20, 50, 80])
def test_settling_is_where_the_curve_stops_moving(jump: int) -> None:
    values = np.where(np.arange(100) < jump, 5.0, 1.0)
    assert settling(values, steps(values)) == pytest.approx(jump / 100, abs=0.03)


def test_a_curve_that_never_moves_is_settled_at_once() -> None:
    still = np.ones(50)
    assert settling(still, steps(still)) == 0.0


def test_a_curve_that_keeps_rising_settles_late() -> None:
    rising = np.linspace(0, 1, 100)
    late = settling(rising, steps(rising))
    assert late is not None
    assert late > 0.75


def test_short_or_broken_curves_have_no_settling_time() -> None:
    for values in (np.ones(9), np.full(50, np.nan)):
        assert settling(values, steps(values)) is None


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
            [LogRow(step=k, images=k, seconds=0.0, losses=one) for k, one in enumerate(named, 1)]
        )

    early, late = ([5.0] * jump + [1.0] * (100 - jump) for jump in (20, 60))
    assert log(early, late).settled == settling(np.array(late), steps(np.array(late)))
    assert log(early, late).levels == {"0": (5.0, 1.0), "1": (5.0, 1.0)}
    lost = log(early, [5.0] * 80 + [float("nan")] * 20)
    assert (lost.settled, list(lost.levels)) == (None, ["0"])
    assert log().settled is None
