import pytest

from sparring.metrics.statistics import Interval, estimate, summarise
from sparring.report import words


def test_spread() -> None:
    assert words.spread(summarise([])) == "—"
    assert words.spread(summarise([0.591])) == "59.1"
    assert words.spread(summarise([0.5, 0.6])) == "55.0 ± 7.1 (n = 2)"


def test_a_difference_has_its_interval_and_a_star_where_it_is_clear() -> None:
    assert words.difference(estimate([])) == "—"
    assert words.difference(estimate([0.1])) == "+10.0"
    assert words.difference(estimate([0.1, 0.1, 0.1])) == "+10.0* [+10.0, +10.0] (n = 3)"
    assert words.difference(estimate([0.1] * 3), starred=False).startswith("+10.0 [")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "—"), (0.12345, "0.123"), (-0.0001, "0.000"), (42.04, "42.0"), (1234.5, "1,234")],
)
def test_short(value: float | None, text: str) -> None:
    assert words.short(value) == text


def test_intervals_and_rates() -> None:
    found = Interval(0.75, 0.301, 0.954, 4)
    assert words.interval(found) == "0.750 [0.301, 0.954]"
    assert words.shares(found) == "75.0 [30.1, 95.4]"
    assert words.rate(found) == "3 of 4, 75 % [30, 95]"
    assert words.rate(None) == "no such case"


@pytest.mark.parametrize(("seconds", "text"), [(12, "12 s"), (150, "2.5 min"), (5400, "1.5 h")])
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_a_time_is_told_to_the_minute() -> None:
    assert words.moment("2026-11-24T01:37:51+02:00") == "2026-11-23 23:37 UTC"


@pytest.mark.parametrize(
    ("parts", "text"),
    [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (list("ABC"), "A, B and C")],
)
def test_joined(parts: list[str], text: str) -> None:
    assert words.joined(parts) == text
