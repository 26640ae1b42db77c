import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.divergence import ALARM_AFTER, LOST_AFTER, MAX_ROLLBACKS, Event, Health, Rhythm
from sparring.game import Row
from sparring.methods import DCGAN


def row(
    loss: float = 1.0,
    gradient: float | None = 1.0,
    diversity: float | None = None,
    hits: float = 0.7,
) -> Row:
    return Row(
        {"generator": loss},
        {"hits_real": hits, "hits_fake": 1.0},
        {} if gradient is None else {"generator": gradient},
        {} if diversity is None else {"diversity": diversity},
    )


def watch() -> Health:
    return Health(DCGAN().alarm)


def test_the_rhythm_of_a_training() -> None:
    assert Rhythm.of(1) == Rhythm(1, 1, 5)
    assert Rhythm.of(300) == Rhythm(1, 6, 30)
    assert Rhythm.of(4000) == Rhythm(10, 50, 250)
    assert Rhythm.of(10**6) == Rhythm(50, 50, 250)


@given(st.integers(1, 10**7))
def test_what_is_rarer_falls_together_with_what_is_more_frequent(steps: int) -> None:
    rhythm = Rhythm.of(steps)
    assert rhythm.pulse % rhythm.log == 0
    assert rhythm.restore % rhythm.pulse == 0
    assert rhythm.log <= rhythm.pulse <= 50


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
        (
            row(7.5, hits=1.0),
            "the discriminator has won: it tells 100.0% of real and generated images apart, "
            "and the generator's loss is 7.5",
        ),
        (row(diversity=0.1), "collapse: the diversity has fallen to 0.10, from 0.80"),
    ],
)
def test_an_alarm_must_last(bad: Row, words: str) -> None:
    told: list[Event] = []
    health = Health(DCGAN().alarm, told.append)
    health.examine(0, row(diversity=0.8))
    for pulse in range(1, LOST_AFTER):
        assert health.examine(pulse, bad) is None
        assert not health.well
        assert len(told) == (pulse >= ALARM_AFTER)
    assert health.examine(LOST_AFTER, bad) == words
    assert told == [Event(ALARM_AFTER, "alarm", words)]


def test_an_alarm_that_stops_changes_nothing() -> None:
    health = watch()
    for pulse in range(LOST_AFTER - 1):
        health.examine(pulse, row(7.5, hits=1.0))
    assert health.examine(20, row()) is None
    assert health.well
    assert [event.kind for event in health.events] == ["alarm", "all clear"]
    for pulse in range(LOST_AFTER - 1):
        assert health.examine(30 + pulse, row(7.5, hits=1.0)) is None


@pytest.mark.parametrize(
    "fine",
    [
        row(6.9, hits=1.0),
        row(7.5, hits=0.99),
        row(gradient=1e-7),
        row(diversity=0.17),
        row(9.0, gradient=None, hits=1.0),
    ],
)
def test_a_healthy_training_rings_no_alarm(fine: Row) -> None:
    health = watch()
    health.examine(0, row(diversity=0.8))
    for pulse in range(1, 50):
        assert health.examine(pulse, fine) is None
    assert health.well
    assert health.events == []


def test_images_that_were_never_varied_have_not_collapsed() -> None:
    health = watch()
    for pulse in range(50):
        assert health.examine(pulse, row(diversity=0.29 if pulse < 10 else 0.01)) is None
    assert health.well


def test_rollbacks_are_counted_and_end() -> None:
    health = watch()
    rates = []
    for _ in range(MAX_ROLLBACKS):
        assert health.go_back(50, 40, "the loss is nan")
        rates.append(health.rate)
    assert rates == [0.5, 0.25, 0.125]
    assert not health.go_back(50, 40, "the loss is nan")
    assert health.events[-1] == Event(
        50, "gave up", "the loss is nan; the state of step 40 is kept"
    )


def test_what_is_remembered_survives_a_restart() -> None:
    health, again = watch(), watch()
    health.examine(0, row(diversity=0.8))
    health.go_back(5, 0, "the loss is nan")
    for pulse in range(LOST_AFTER - 1):
        health.examine(pulse, row(diversity=0.1))
    again.restore(health.state())
    assert again.state() == health.state()
    assert again.rate == 0.5
    lost = health.examine(20, row(diversity=0.1))
    assert lost == "collapse: the diversity has fallen to 0.10, from 0.80"
    assert again.examine(20, row(diversity=0.1)) == lost
