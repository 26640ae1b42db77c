"""Whether a training is well, and what is done when it is not.

Knows rows of the log; knows no networks and no files. A training that has diverged, or whose alarm
does not stop, goes back to its last healthy state with a lower learning rate and new noise, at most
MAX_ROLLBACKS times; then it stops.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from sparring.game import Row

MAX_ROLLBACKS = 3
RATE_FACTOR = 0.5
"""What each rollback multiplies the learning rate by."""
EXPLODED = 1e4
"""Losses beyond this have left the range of every loss here by orders of magnitude."""
SILENT = 1e-8
"""A player whose gradient is shorter than this learns nothing."""
ONCE, LEFT = 0.3, 0.2
"""A measure that has reached ONCE and of which less than this share is left has collapsed."""
ALARM_AFTER, LOST_AFTER = 3, 10
"""Pulses in a row that must be bad before it is told, and before the training goes back."""


@dataclass(frozen=True)
class Rhythm:
    """At which steps what happens; a function of the number of steps alone.

    log: steps between two rows of the log (some 400 rows, and a row every 50 steps at the least).
    pulse: steps between two looks at gradients (some 50, and one every 50 steps at the least).
    restore: steps between two states that the training may go back to.
    """

    log: int
    pulse: int
    restore: int

    @classmethod
    def of(cls, steps: int) -> Self:
        log = min(50, max(1, steps // 400))
        pulse = log * max(1, min(50, steps // 50) // log)
        return cls(log, pulse, 5 * pulse)


Kind = Literal["alarm", "all clear", "rollback", "gave up"]


@dataclass(frozen=True)
class Event:
    """Something that happened at a step, in plain words."""

    step: int
    kind: Kind
    what: str


class Health:
    """Watches the rows of one training. All it remembers is in `state`.

    alarm: the method's own judgement of a row. tell: called with each event.
    """

    def __init__(
        self, alarm: Callable[[Row], str | None], tell: Callable[[Event], None] = lambda event: None
    ) -> None:
        self.alarm, self.tell = alarm, tell
        self.rollbacks = 0
        self.bad_pulses = 0
        self.best: dict[str, float] = {}
        self.events: list[Event] = []

    @property
    def well(self) -> bool:
        """Whether the last pulse was good, so that the state may serve to go back to."""
        return self.bad_pulses == 0

    @property
    def rate(self) -> float:
        """What the learning rate is multiplied by after the rollbacks so far."""
        return float(RATE_FACTOR**self.rollbacks)

    def examine(self, step: int, row: Row) -> str | None:
        """Plain words where the training must not go on from here; None where it may."""
        if words := diverged(row):
            return words
        if not row.gradients:
            return None
        words = silent(row) or faded(row, self.best) or self.alarm(row)
        self.best |= {k: max(v, self.best.get(k, v)) for k, v in row.measures.items()}
        if words is None:
            if self.bad_pulses >= ALARM_AFTER:
                self._note(step, "all clear", "the alarm has stopped")
            self.bad_pulses = 0
            return None
        self.bad_pulses += 1
        if self.bad_pulses == ALARM_AFTER:
            self._note(step, "alarm", words)
        return words if self.bad_pulses >= LOST_AFTER else None

    def go_back(self, step: int, healthy: int, words: str) -> bool:
        """Count and note a rollback from `step` to `healthy`; False where it is one too many."""
        if self.rollbacks == MAX_ROLLBACKS:
            self._note(step, "gave up", f"{words}; the state of step {healthy} is kept")
            return False
        self.rollbacks += 1
        self.bad_pulses = 0
        done = f"learning rate x {self.rate:g}, new noise ({self.rollbacks} of {MAX_ROLLBACKS})"
        self._note(step, "rollback", f"{words}; went back to step {healthy}: {done}")
        return True

    def _note(self, step: int, kind: Kind, what: str) -> None:
        event = Event(step, kind, what)
        self.events.append(event)
        self.tell(event)

    def state(self) -> dict[str, Any]:
        """All that is remembered, as plain values."""
        return {
            "rollbacks": self.rollbacks,
            "bad_pulses": self.bad_pulses,
            "best": dict(self.best),
            "events": [asdict(event) for event in self.events],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what `state` says, and nothing else."""
        self.rollbacks, self.bad_pulses = state["rollbacks"], state["bad_pulses"]
        self.best = dict(state["best"])
        self.events = [Event(**event) for event in state["events"]]


def diverged(row: Row) -> str | None:
    """Words where anything is not finite, or a loss is beyond EXPLODED."""
    for player, loss in row.losses.items():
        if not math.isfinite(loss):
            return f"the {player}'s loss is {loss}"
        if abs(loss) > EXPLODED:
            return f"the {player}'s loss has exploded: {loss:.3g}"
    for player, norm in row.gradients.items():
        if not math.isfinite(norm):
            return f"the {player}'s gradient is {norm}"
    for name, value in row.measures.items():
        if not math.isfinite(value):
            return f"the {name} is {value}"
    return None


def silent(row: Row) -> str | None:
    """Words where a player's gradient has vanished."""
    for player, norm in row.gradients.items():
        if norm < SILENT:
            return f"the {player} learns nothing any more: its gradient is {norm:.1g}"
    return None


def faded(row: Row, best: Mapping[str, float]) -> str | None:
    """Words where something measured was good once and is lost; `best` has the best so far."""
    for name, value in row.measures.items():
        if (before := best.get(name, 0.0)) >= ONCE and value < before * LEFT:
            return f"collapse: the {name} has fallen to {value:.2f}, from {before:.2f}"
    return None
