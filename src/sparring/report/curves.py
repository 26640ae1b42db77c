"""Training logs as curves: columns, a smooth line, where it starts and ends, when it settles.

Knows rows of the log and arrays; knows no figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sparring.runs.records import LogRow

Array = np.ndarray[Any, np.dtype[Any]]

BAND = 0.15
"""A curve has settled once it stays within this share of its final level."""
FEWEST = 10
"""Shorter curves have no settling time."""


@dataclass(frozen=True)
class Log:
    """A run's log as columns of equal length L.

    step, images: int64 [L], images seen so far. losses, terms, gradients (norms by player) and
    measures: float64 [L] by name, NaN where a row lacks it.
    """

    step: Array
    images: Array
    losses: dict[str, Array]
    terms: dict[str, Array]
    gradients: dict[str, Array]
    measures: dict[str, Array]

    @classmethod
    def of(cls, rows: Sequence[LogRow]) -> "Log":
        """The columns of `rows`."""
        return cls(
            step=np.array([row.step for row in rows], int),
            images=np.array([row.images for row in rows], int),
            losses=_columns([row.losses for row in rows]),
            terms=_columns([row.terms for row in rows]),
            gradients=_columns([row.gradients for row in rows]),
            measures=_columns([row.measures for row in rows]),
        )

    def __len__(self) -> int:
        return len(self.step)

    @property
    def images_per_step(self) -> float:
        """Images seen in each step; 0 where that is not known."""
        return float(self.images[-1] / self.step[-1]) if len(self) and self.step[-1] else 0.0

    @property
    def levels(self) -> dict[str, tuple[float, float]]:
        """Where each loss starts and ends; without those that are not finite there."""
        step, losses = self.step, self.losses
        found = {name: (start_level(v, step), end_level(v, step)) for name, v in losses.items()}
        return {name: ends for name, ends in found.items() if np.isfinite(ends).all()}

    @property
    def settled(self) -> float | None:
        """The share of training after which the last loss has settled; None where one never."""
        times = [settling(values, self.step) for values in self.losses.values()]
        known = [time for time in times if time is not None]
        return max(known) if known and len(known) == len(times) else None


def _columns(rows: list[dict[str, float | None]]) -> dict[str, Array]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: np.array([row.get(name) for row in rows], float) for name in names}


def smooth(values: Array) -> Array:
    """Centred moving average of float [L] over a twentieth of the curve; skips NaN.

    The window is cut at both ends, so that the line begins and ends where the curve does.
    """
    half = len(values) // 40
    if half == 0:
        return values
    known = np.isfinite(values)
    window = np.ones(2 * half + 1)
    total = np.convolve(np.where(known, values, 0.0), window, mode="same")
    count = np.convolve(known.astype(float), window, mode="same")
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0.5)


def start_level(values: Array, step: Array) -> float:
    """Mean over the first tenth of the training; NaN where nothing there is finite.

    step: int64 [L], the last step of each row. Rows need not be equally far apart: a training that
    was prolonged has them further apart from there on.
    """
    return _mean(values, step, slice(max(1, int(np.searchsorted(10 * step, step[-1], "right")))))


def end_level(values: Array, step: Array) -> float:
    """Mean over the last tenth of the training; NaN where nothing there is finite."""
    first = 1 + int(np.searchsorted(10 * step[:-1], 9 * step[-1]))  # a row begins where one ends
    return _mean(values, step, slice(min(first, len(step) - 1), None))


def _mean(values: Array, step: Array, part: slice) -> float:
    """Of the rows in `part`, each by its steps."""
    some, steps = values[part], np.diff(step, prepend=0)[part]
    known = np.isfinite(some)
    return float(np.average(some[known], weights=steps[known])) if known.any() else float("nan")


def settling(values: Array, step: Array) -> float | None:
    """The share of training, in [0, 1], after which a curve stays within BAND of its final level.

    Of the smooth line; above 0.9 it had not settled before its end. None for fewer than FEWEST
    rows, or a curve that is not finite at its end.
    """
    final = end_level(values, step)
    if len(values) < FEWEST or not np.isfinite(final):
        return None
    outside = np.flatnonzero(~(np.abs(smooth(values) - final) <= BAND * abs(final)))
    return float(step[outside[-1]] / step[-1]) if len(outside) else 0.0
