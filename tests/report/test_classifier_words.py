import pytest

from sparring.metrics.statistics import Detector, estimate, rate, summarise
from sparring.report.classifier_words import (
    about_alarm,
    about_labels,
    cell,
    correlation,
    gap,
    points,
)
from sparring.report.classifier_words import rate as rate_in_words
from sparring.report.without_labels import LabelReads


@pytest.mark.parametrize(
    ("values", "percent", "text"),
    [
        ([], True, "—"),
        ([0.256], True, "25.6"),
        ([0.256], False, "0.26"),
        ([0.5, 0.6], True, "55.0 ± 7.1"),
    ],
)
def test_cells(values: list[float], percent: bool, text: str) -> None:
    assert cell(summarise(values), percent) == text


def test_a_difference_has_its_sign_interval_and_n() -> None:
    assert points(estimate([])) == "—"
    assert points(estimate([-0.013])) == "-1.3"
    assert points(estimate([0.02, 0.04])) == "+3.0 [+2.0, +4.0] (n = 2)"


def test_a_star_needs_three_seeds_that_agree() -> None:
    clear = estimate([0.10, 0.11, 0.12, 0.11])
    assert points(clear).startswith("+11.0* [")
    assert "*" not in points(clear, starred=False)
    assert "*" not in points(estimate([0.10, 0.11]))
    assert "*" not in points(estimate([0.01, 0.20, 0.02]))


def test_a_share_of_the_gap() -> None:
    assert gap(estimate([0.25])) == "25.0"
    assert gap(estimate([0.2, 0.4])) == "30.0 ± 14.1 [20.0, 40.0] (n = 2)"


def test_rates_and_correlations() -> None:
    # Wilson's interval of 3 in 4: (3/4 + z²/8 ± z sqrt(3/64 + z²/64)) / (1 + z²/4), z = 1.96.
    assert rate_in_words(rate(3, 4)) == "3 of 4, 75 % [30, 95]"
    assert rate_in_words(None) == "no such case"
    assert (correlation(None), correlation(0.5), correlation(-1.0)) == ("—", "+0.50", "-1.00")


def test_what_the_records_say_of_labels() -> None:
    clean, leaky = LabelReads(0, 4, 0, 0), LabelReads(2, 4, 1, 3)
    words = "Target labels read before final evaluation"
    assert about_labels(clean) == [f"{words}: 0 (source-only and adapted runs with a record: 4)."]
    lines = about_labels(leaky)
    assert lines[0].startswith(f"{words}: 2 ")
    for part in ("no evidence", "no such record: 1.", "Not counted: 3"):
        assert any(part in line for line in lines)


def test_what_the_alarm_is_worth() -> None:
    counted, rates = about_alarm(Detector(caught=3, missed=1, false_alarms=0, quiet=0))
    assert counted.startswith("Pairs of an adapted run and its source-only twin: 4; 3 caught")
    assert "Caught of those that were worse: 3 of 4, 75 % [30, 95]." in rates
    assert "Quiet where it was not worse: no such case." in rates
