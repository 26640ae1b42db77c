"""How numbers are written: shares, intervals, differences, times; the filters of the templates.

Knows numbers; knows no run and no HTML. Shares are fractions, written in percent; a number that
does not exist is a dash.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sparring.metrics.statistics import Estimate, Interval, Summary

NONE = "—"


def method(name: str) -> str:
    """A method's name as a title: "DCGAN", "Mean teacher", "Projection GAN"."""
    if "-" not in name:
        return name.upper()
    words = name.replace("-", " ").capitalize().split()
    return " ".join("GAN" if word == "gan" else word for word in words)


def number(value: float | None, digits: int = 2) -> str:
    """`value` with `digits` decimals."""
    return NONE if value is None else f"{value:.{digits}f}"


def short(value: float | None) -> str:
    """Three digits that count, and no more than three decimals."""
    if value is None:
        return NONE
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # no -0.000


def interval(found: Interval | None) -> str:
    """`value [low, high]`."""
    return f"{short(found.value)} [{short(found.low)}, {short(found.high)}]" if found else NONE


def percent(value: float | None, digits: int = 1) -> str:
    """A share."""
    return NONE if value is None else f"{100 * value:.{digits}f}"


def shares(found: Interval) -> str:
    """A share with its interval."""
    return f"{percent(found.value)} [{percent(found.low)}, {percent(found.high)}]"


def points(value: float | None) -> str:
    """A difference of shares, in points with its sign."""
    return NONE if value is None else f"{100 * value:+.1f}"


def cell(summary: Summary, share: bool = True) -> str:
    """Mean, and sd where there are several runs. share: whether they are shares."""
    values = [v for v in (summary.mean, summary.sd) if v is not None]
    return " ± ".join(percent(v) if share else number(v) for v in values) or NONE


def spread(summary: Summary) -> str:
    """Mean of shares, with sd and n where there are several."""
    return cell(summary) + (f" (n = {summary.n})" if summary.sd is not None else "")


def difference(found: Estimate, starred: bool = True) -> str:
    """A mean difference of shares in points, its interval, n, and a star where it is clear.

    starred: whether to mark it; not for runs that share more than chance, or what has one sign.
    """
    star = "*" if starred and found.sign else ""
    return f"{points(found.summary.mean)}{star}{_ends(found, points)}"


def gap(found: Estimate) -> str:
    """A share of the gap: mean, sd, interval and n; the mean alone for one seed."""
    return f"{cell(found.summary)}{_ends(found, percent)}"


def _ends(found: Estimate, written: Callable[[float], str]) -> str:
    if found.interval is None:
        return ""
    low, high = map(written, found.interval)
    return f" [{low}, {high}] (n = {found.summary.n})"


def rate(found: Interval | None) -> str:
    """`3 of 4, 75 % [30, 95]`; says so where there was no case."""
    if found is None:
        return "no such case"
    ends = ", ".join(percent(end, 0) for end in (found.low, found.high))
    return f"{round(found.value * found.n)} of {found.n}, {percent(found.value, 0)} % [{ends}]"


def joined(words: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return " and ".join([part for part in (", ".join(words[:-1]), *words[-1:]) if part])


def duration(seconds: float) -> str:
    """`seconds` as h, min or s, whichever reads best."""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 120 else f"{seconds:.0f} s"


def moment(text: str) -> str:
    """An ISO 8601 time, to the minute in UTC: `2026-01-02 03:04 UTC`."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


FILTERS = {
    filter.__name__: filter
    for filter in (
        *(cell, difference, duration, gap, interval, joined, moment, method, number),
        *(percent, points, rate, shares, short, spread),
    )
}
"""What templates may use, as `{{ value | percent }}`."""
