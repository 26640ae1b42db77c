"""Two contenders in turns, A/B/A/B, and what their turns say: medians, spreads, ratios.

A machine's speed drifts and is shared; a round has one turn of each, so that a ratio compares
what ran within the same seconds.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.speed.contender import Contender, Finish, Turn

TURN_SECONDS = 1.0
"""A turn has as many whole steps as fill this."""
LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Spread:
    """Median and quartiles."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles (linear interpolation) of at least one value."""
    low, median, high = np.percentile(values, [25, 50, 75]).tolist()
    return Spread(median, low, high)


@dataclass(frozen=True)
class Side:
    """One contender's turns and what it told at its end."""

    turns: tuple[Turn, ...]
    finish: Finish

    def images_per_second(self, batch_size: int) -> list[float]:
        """Of every turn; of two domains the source is counted, as in the log."""
        return [turn.steps * batch_size / turn.seconds for turn in self.turns]

    @property
    def step_seconds(self) -> float:
        """Median over the turns, all of a step included."""
        return spread([turn.seconds / turn.steps for turn in self.turns]).median

    def outside(self, checkpoint_every: float) -> float | None:
        """Share of time outside the steps, in [0, 1]: data, log, and checkpoints.

        checkpoint_every: seconds of training between two checkpoints. None where unknown.
        """
        inside = [turn.inside for turn in self.turns if turn.inside is not None]
        if len(inside) < len(self.turns):
            return None
        total = sum(turn.seconds for turn in self.turns)
        saving = total / checkpoint_every * self.finish.checkpoint_seconds
        return 1 - sum(inside) / (total + saving)


def ratios(ours: Side, reference: Side) -> list[float]:
    """How many times faster ours trained, of every round."""
    rounds = zip(ours.turns, reference.turns, strict=True)
    return [(b.seconds / b.steps) / (a.seconds / a.steps) for a, b in rounds]


def contest(
    reference: Contender,
    ours: Contender,
    seconds: float,
    show: Callable[[int, float], None] = lambda rounds, ratio: None,
) -> tuple[Side, Side]:
    """Let both train in turns for about `seconds`, three rounds at the least.

    show: called after each round with how many there were, and its ratio.
    Returns reference and ours.
    """
    end = time.monotonic() + seconds
    sides = reference, ours
    for side in sides:
        side.turn(1)  # the first step also starts workers, threads and optimizers
    steps = [_steps(side.turn(1).seconds, seconds) for side in sides]
    turns: list[list[Turn]] = [[], []]
    longest = 0.0
    while len(turns[0]) < LEAST_ROUNDS or time.monotonic() + longest < end:
        began = time.monotonic()
        for side, count, taken in zip(sides, steps, turns, strict=True):
            taken.append(side.turn(count))
        longest = max(longest, time.monotonic() - began)
        before, after = (taken[-1].seconds / taken[-1].steps for taken in turns)
        show(len(turns[0]), before / after)
    first, second = (
        Side(tuple(taken), side.finish()) for side, taken in zip(sides, turns, strict=True)
    )
    return first, second


def _steps(step_seconds: float, seconds: float) -> int:
    """Whole steps in a turn; shorter turns where there is little time in all."""
    turn = min(TURN_SECONDS, seconds / (3 * LEAST_ROUNDS))
    return max(1, math.ceil(turn / step_seconds))
