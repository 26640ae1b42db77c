import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.divergence import (
    ALARM_AFTER,
    LOST_AFTER,
    MAX_ROLLBACKS,
    Event,
    LogIntervals,
    Monitor,
    health,
)
from sparring.game import Limits, Row
from sparring.methods import DCGAN


class Game(DCGAN):
    """A game that is lost where the term `lost` says so."""

    limits = Limits()

    def alarm(self, row: Row) -> str | None:
        return "the game is lost" if row.terms.get("lost") else None


def row(
    loss: float = 1.0,
    gradient: float | None = 1.0,
    diversity: float | None = None,
    lost: bool = False,
) -> Row:
    return Row(
        {"generator": loss},
        {"lost": float(lost)} if lost else {},
        {} if gradient is None else {"generator": gradient},
        {} if diversity is None else {"diversity": diversity},
    )


def watch(rescue: bool = True) -> Monitor:
    return Monitor(Game(), rescue)


def test_the_intervals_of_a_training() -> None:
    assert LogIntervals.of(1) == LogIntervals(1, 1, 5)
    assert LogIntervals.of(300) == LogIntervals(1, 6, 30)
    assert LogIntervals.of(4000) == LogIntervals(10, 50, 250)
    assert LogIntervals.of(10**6) == LogIntervals(50, 50, 250)


@given(st.integers(1, 10**7))
def test_what_is_rarer_falls_together_with_what_is_more_frequent(steps: int) -> None:
    intervals = LogIntervals.of(steps)
    assert intervals.gradients % intervals.log == 0
    assert intervals.restore % intervals.gradients == 0
    assert intervals.log <= intervals.gradients <= 50


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (row(math.nan), "the generator's loss is nan"),
        (row(-math.inf), "the generator's loss is -inf"),
        (row(2e4), "the generator's loss has exploded: 2e+04"),
        (row(-2e4), "the generator's loss has exploded: -2e+04"),
        (row(gradient=math.nan), "the generator's gradient is nan"),
        (row(diversity=math.nan), "the diversity is nan"),
    ],
)
def test_divergence_is_told_at_once(bad: Row, words: str) -> None:
    assert watch().examine(5, bad) == words


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (row(gradient=1e-9), "the generator learns nothing any more: its gradient is 1e-09"),
        (row(lost=True), "the game is lost"),
        (row(diversity=0.1), "collapse: the diversity has fallen to 0.10, from 0.80"),
    ],
)
def test_an_alarm_must_last(bad: Row, words: str) -> None:
    told: list[Event] = []
    monitor = Monitor(Game(), tell=told.append)
    monitor.examine(0, row(diversity=0.8))
    for step in range(1, LOST_AFTER):
        assert monitor.examine(step, bad) is None
        assert not monitor.well
        assert len(told) == (step >= ALARM_AFTER)
    assert monitor.examine(LOST_AFTER, bad) == words
    assert told == [Event(ALARM_AFTER, "alarm", words)]


def test_an_alarm_that_stops_changes_nothing() -> None:
    monitor = watch()
    for step in range(LOST_AFTER - 1):
        monitor.examine(step, row(lost=True))
    assert monitor.examine(20, row()) is None
    assert monitor.well
    assert [event.kind for event in monitor.events] == ["alarm", "all clear"]
    for step in range(LOST_AFTER - 1):
        assert monitor.examine(30 + step, row(lost=True)) is None


@pytest.mark.parametrize(
    "fine",
    [
        row(gradient=1e-7),
        row(diversity=0.17),
        row(gradient=None, lost=True),
    ],
)
def test_a_healthy_training_rings_no_alarm(fine: Row) -> None:
    monitor = watch()
    monitor.examine(0, row(diversity=0.8))
    for step in range(1, 50):
        assert monitor.examine(step, fine) is None
    assert monitor.well
    assert monitor.events == []


def test_without_rescue_only_what_is_not_finite_ends_a_training() -> None:
    monitor = watch(rescue=False)
    assert monitor.examine(5, row(math.nan)) == "the generator's loss is nan"
    assert monitor.examine(5, row(2e9)) is None
    for step in range(50):
        assert monitor.examine(step, row(lost=True)) is None
    assert [event.kind for event in monitor.events] == ["alarm"]


def test_limits_are_those_of_the_method() -> None:
    class Critic(Game):
        limits = Limits(loss=1e6, gradient=1e-12, reached=0.9, left=0.5)

    monitor = Monitor(Critic())
    monitor.examine(0, row(diversity=0.8))
    for fine in (row(2e4), row(gradient=1e-9), row(diversity=0.1)):
        assert monitor.examine(1, fine) is None
        assert monitor.well
    assert monitor.examine(2, row(-2e6)) == "the generator's loss has exploded: -2e+06"
    monitor.examine(3, row(diversity=1.0))
    monitor.examine(4, row(diversity=0.4))
    assert not monitor.well


def test_images_that_were_never_varied_have_not_collapsed() -> None:
    monitor = watch()
    for step in range(50):
        assert monitor.examine(step, row(diversity=0.29 if step < 10 else 0.01)) is None
    assert monitor.well


def test_rollbacks_are_counted_and_end() -> None:
    monitor = watch()
    rates = []
    for _ in range(MAX_ROLLBACKS):
        assert monitor.go_back(50, 40, "the loss is nan")
        rates.append(monitor.rate)
    assert rates == [0.5, 0.25, 0.125]
    assert not monitor.go_back(50, 40, "the loss is nan")
    assert monitor.events[-1] == Event(50, "gave up", "the loss is nan; back at step 40")


def test_what_is_remembered_survives_a_restart() -> None:
    monitor, again = watch(), watch()
    monitor.examine(0, row(diversity=0.8))
    monitor.go_back(5, 0, "the loss is nan")
    for step in range(LOST_AFTER - 1):
        monitor.examine(step, row(diversity=0.1))
    again.restore(monitor.state())
    assert again.state() == monitor.state()
    assert again.rate == 0.5
    lost = monitor.examine(20, row(diversity=0.1))
    assert lost == "collapse: the diversity has fallen to 0.10, from 0.80"
    assert again.examine(20, row(diversity=0.1)) == lost


def test_health_is_what_happened_last() -> None:
    assert health([]) == "well"
    events = [Event(1200, "alarm", "the game is lost"), Event(1500, "all clear", "it has stopped")]
    assert health(events[:1]) == "alarm at step 1,200: the game is lost"
    assert health(events) == "all clear at step 1,500: it has stopped"
