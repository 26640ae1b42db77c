"""A measured number with its 95 % interval: a mean of independent values, a share of trials.

Knows numbers; knows no image and no network.
"""

import math
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class Interval:
    """value with its 95 % interval low .. high, from n trials or independent values."""

    value: float
    low: float
    high: float
    n: int


def of_mean(values: list[float]) -> Interval:
    """The mean of at least two independent values, by Student's t."""
    from scipy.stats import t  # takes most of a second to import

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    middle = fmean(values)
    return Interval(middle, middle - half, middle + half, len(values))


def of_share(count: int, n: int) -> Interval:
    """The share count / n of n >= 1 independent trials, with Wilson's interval (1927)."""
    from scipy.stats import binomtest

    found = binomtest(count, n).proportion_ci(0.95, "wilson")
    return Interval(count / n, float(found.low), float(found.high), n)
