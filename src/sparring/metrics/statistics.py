"""What n values say together: mean, interval, whether a difference is clear, how good an alarm is.

Knows numbers alone. scipy.stats takes most of a second to import, and one seed never needs it: it
is imported where it is used.
"""

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean, stdev
from typing import Any

ALPHA = 0.05
"""A difference is clear where its p is below."""
FEWEST = 3
"""Fewer runs decide nothing."""


@dataclass(frozen=True)
class Interval:
    """value with its 95 % interval low .. high, from n trials or independent values."""

    value: float
    low: float
    high: float
    n: int


def of_mean(values: Sequence[float]) -> Interval:
    """The mean of at least two independent values, by Student's t."""
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    middle = fmean(values)
    return Interval(middle, middle - half, middle + half, len(values))


def of_share(count: int, n: int) -> Interval:
    """The share count / n of n >= 1 independent trials, with Wilson's interval (1927)."""
    from scipy.stats import binomtest

    found = binomtest(count, n).proportion_ci(0.95, "wilson")
    return Interval(count / n, float(found.low), float(found.high), n)


@dataclass(frozen=True)
class Summary:
    """One number over n runs. runs: the values, one a run, in the order given."""

    runs: tuple[float, ...]

    @property
    def n(self) -> int:
        return len(self.runs)

    @property
    def mean(self) -> float | None:
        """None where there is no run."""
        return fmean(self.runs) if self.runs else None

    @property
    def sd(self) -> float | None:
        """Sample standard deviation (n - 1); None for fewer than two runs."""
        return stdev(self.runs) if self.n > 1 else None

    def as_dict(self) -> dict[str, Any]:
        """`{"mean", "sd", "n", "runs"}`, as results.json has it."""
        return {"mean": self.mean, "sd": self.sd, "n": self.n, "runs": list(self.runs)}


def summarise(values: Iterable[float]) -> Summary:
    """The summary of finite `values`."""
    return Summary(tuple(float(value) for value in values))


@dataclass(frozen=True)
class Estimate:
    """A mean over n paired runs, with its `bootstrap_interval` and the p of its `t_test`."""

    summary: Summary
    interval: tuple[float, float] | None
    p: float | None

    @property
    def sign(self) -> int:
        """1 or -1 where both the t-test and the interval say above or below zero, else 0.

        The bootstrap alone would call any three differences of one sign clear.
        """
        if self.interval is None or self.p is None or self.p >= ALPHA:
            return 0
        return int(self.interval[0] > 0) - int(self.interval[1] < 0)

    def as_dict(self) -> dict[str, Any]:
        """The summary's, with `"interval"` ([low, high] or None), `"p"` and `"sign"`."""
        interval = self.interval and list(self.interval)
        return self.summary.as_dict() | {"interval": interval, "p": self.p, "sign": self.sign}


def bootstrap_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float] | None:
    """95 % bootstrap interval of the mean, of 9,999 resamples; None for fewer than two values.

    BCa (Efron 1987), or the plain percentiles where it is degenerate. Too narrow for few values:
    of normal ones it covered the mean in 74 % of samples of 3, 86 % of 5 and 88 % of 10.
    """
    if len(values) < 2:
        return None
    if min(values) == max(values):
        return values[0], values[0]
    import numpy as np
    from scipy.stats import bootstrap

    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it would warn of is looked at below
            random = np.random.default_rng(seed)
            found = bootstrap((values,), np.mean, method=method, rng=random).confidence_interval
        if math.isfinite(found.low) and math.isfinite(found.high):
            break
    return float(found.low), float(found.high)


def t_test(values: Sequence[float]) -> float | None:
    """The two-sided p of Student's t-test that the mean is zero; None for fewer than three."""
    if len(values) < FEWEST:
        return None
    if min(values) == max(values):
        return float(values[0] == 0)
    from scipy.stats import ttest_1samp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of values that are nearly equal
        return float(ttest_1samp(values, 0).pvalue)


def estimate(values: Iterable[float]) -> Estimate:
    """What finite `values`, differences of pairs, say of their mean."""
    summary = summarise(values)
    return Estimate(summary, bootstrap_interval(summary.runs), t_test(summary.runs))


def paired_difference(a: Mapping[int, float], b: Mapping[int, float]) -> Estimate:
    """a - b over the seeds that both have. a, b: a score by seed."""
    return estimate(a[seed] - b[seed] for seed in sorted(a.keys() & b.keys()))


def gaps(
    source_only: Mapping[int, float], adapted: Mapping[int, float], target_only: Mapping[int, float]
) -> dict[int, float]:
    """(adapted - source only) / (target only - source only) by seed, where all three are known.

    0: no better than without adaptation; 1: as good as with target labels. A seed whose target
    only is not above its source only has no gap and is left out.
    """
    seeds = sorted(source_only.keys() & adapted.keys() & target_only.keys())
    return {
        seed: (adapted[seed] - source_only[seed]) / (target_only[seed] - source_only[seed])
        for seed in seeds
        if target_only[seed] > source_only[seed]
    }


def holm(ps: Sequence[float]) -> list[float]:
    """The p of several tests, in their order, corrected for their number (Holm 1979)."""
    order = sorted(range(len(ps)), key=ps.__getitem__)
    scaled = (min(1.0, (len(ps) - rank) * ps[place]) for rank, place in enumerate(order))
    corrected = dict(zip(order, accumulate(scaled, max), strict=True))
    return [corrected[place] for place in range(len(ps))]


def rank_correlation(scores: Sequence[float], truth: Sequence[float]) -> float | None:
    """Spearman's, in [-1, 1]; None where one side is constant or a value is not finite."""
    constant = min(len(set(scores)), len(set(truth))) < 2
    if constant or not all(map(math.isfinite, (*scores, *truth))):
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(scores, truth).statistic)


def beyond_sampling(accuracies: Sequence[float], images: int) -> float | None:
    """How likely accuracies spread as much if only the draw of `images` test images varied them.

    The p of a chi-square test against the binomial variance; an upper bound, since all saw the
    same images. None for fewer than three, or where the mean is 0 or 1.
    """
    mean = fmean(accuracies) if accuracies else 0.0
    if len(accuracies) < FEWEST or not 0 < mean < 1:
        return None
    from scipy.stats import chi2

    variance = mean * (1 - mean) / images
    return float(chi2.sf(sum((a - mean) ** 2 for a in accuracies) / variance, len(accuracies) - 1))


@dataclass(frozen=True)
class Detector:
    """How good an alarm is: counts of cases whose truth is known.

    caught, missed: cases that called for it. false_alarms, quiet: cases that did not.
    """

    caught: int
    missed: int
    false_alarms: int
    quiet: int

    @property
    def sensitivity(self) -> Interval | None:
        """Share of true cases that it caught; None where there was none."""
        return _share(self.caught, self.missed)

    @property
    def specificity(self) -> Interval | None:
        """Share of the other cases in which it kept quiet; None where there was none."""
        return _share(self.quiet, self.false_alarms)

    @property
    def right(self) -> Interval | None:
        """Share of all cases that it judged rightly; None where there was none."""
        return _share(self.caught + self.quiet, self.missed + self.false_alarms)

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of both: 0.5 for an alarm that always or never rings; None unless both exist."""
        yes, no = self.sensitivity, self.specificity
        return (yes.value + no.value) / 2 if yes and no else None


def _share(yes: int, no: int) -> Interval | None:
    return of_share(yes, yes + no) if yes + no else None


def detector(alarms: Sequence[bool], truths: Sequence[bool]) -> Detector:
    """Count an alarm's verdicts against the truths, pair by pair."""
    pairs = list(zip(alarms, truths, strict=True))
    cases = (True, True), (False, True), (True, False), (False, False)
    return Detector(*map(pairs.count, cases))
