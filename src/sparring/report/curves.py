"""Numbers from loss curves: a smooth line, where it starts and ends, when it settles.

Knows arrays; knows no run and no figure.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

BAND = 0.15
"""A curve has settled once it stays within this share of its final level."""

FEWEST = 10
"""Shorter curves have no settling time."""


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


def start_level(values: Array) -> float:
    """Mean of the first tenth of the curve; NaN where nothing there is finite."""
    return _mean(values[: max(1, len(values) // 10)])


def end_level(values: Array) -> float:
    """Mean of the last tenth of the curve; NaN where nothing there is finite."""
    return _mean(values[-max(1, len(values) // 10) :])


def settling(values: Array) -> float | None:
    """The share of the curve, in [0, 1], after which it stays within BAND of its final level.

    Of the smooth line; above 0.9 it had not settled before its end. None for fewer than FEWEST
    rows, or a curve that is not finite at its end.
    """
    final = end_level(values)
    if len(values) < FEWEST or not np.isfinite(final):
        return None
    outside = np.flatnonzero(~(np.abs(smooth(values) - final) <= BAND * abs(final)))
    return (int(outside[-1]) + 1) / len(values) if len(outside) else 0.0


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
