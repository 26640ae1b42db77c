"""What n runs say together: mean, sample standard deviation, and whether a difference is clear.

Knows numbers; knows no run, no file and no method.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any


@dataclass(frozen=True)
class Summary:
    """One number over n runs.

    runs: the values, one a run, in the order given.
    mean: None where there is no run.
    sd: sample standard deviation (n - 1); None for fewer than two runs.
    """

    runs: tuple[float, ...]
    mean: float | None
    sd: float | None

    @property
    def n(self) -> int:
        return len(self.runs)

    def as_dict(self) -> dict[str, Any]:
        """`{"mean", "sd", "n", "runs"}`, as results.json has it."""
        return {"mean": self.mean, "sd": self.sd, "n": self.n, "runs": list(self.runs)}


def summarise(values: Iterable[float]) -> Summary:
    """The summary of `values`; a value that is not finite makes mean and sd not finite too."""
    runs = tuple(float(value) for value in values)
    finite = all(math.isfinite(value) for value in runs)
    mean = (fmean(runs) if finite else math.nan) if runs else None
    sd = (stdev(runs) if finite else math.nan) if len(runs) > 1 else None
    return Summary(runs, mean, sd)


def clear_sign(differences: Iterable[float]) -> int:
    """1 or -1 where the mean difference is clearly above or below zero, else 0.

    Clear: at least three paired differences, and the 95 % interval of their mean (Student's t)
    leaves zero out.
    """
    summary = summarise(differences)
    if summary.n < 3 or summary.mean is None or summary.sd is None:
        return 0
    # scipy.stats takes most of a second to import, and one seed never needs it.
    from scipy.stats import t

    half = float(t.ppf(0.975, summary.n - 1)) * summary.sd / math.sqrt(summary.n)
    if not abs(summary.mean) > half:
        return 0
    return 1 if summary.mean > 0 else -1
