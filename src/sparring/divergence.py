"""Whether a training goes well, and what is done when it does not.

Knows rows of the log; no networks and no files. A training that has diverged, or whose alarm does
not stop, goes back to its last good state with a lower learning rate and new noise, at most
MAX_ROLLBACKS times; then it stops.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from sparring.game import Method, Row

MAX_ROLLBACKS = 3
RATE_FACTOR = 0.5
"""What each rollback multiplies the learning rate by."""
ALARM_AFTER, LOST_AFTER = 3, 10
"""Bad rows in a row (of those with gradients) before it is told, and before the way back."""


@dataclass(frozen=True)
class LogIntervals:
    """Every how many steps what happens; a function of the length of the training alone.

    log: a row of the log (some 400 rows, and a row every 50 steps at the least).
    gradients: a row with the norms of gradients (some 50, and one every 50 steps at the least).
    restore: a state that the training may go back to.
    """

    log: int
    gradients: int
    restore: int

    @classmethod
    def of(cls, steps: int) -> Self:
        log = min(50, max(1, steps // 400))
        gradients = log * max(1, min(50, steps // 50) // log)
        return cls(log, gradients, 5 * gradients)


Kind = Literal["alarm", "all clear", "rollback", "gave up"]


@dataclass(frozen=True)
class Event:
    """Something that happened at a step, in plain words."""

    step: int
    kind: Kind
    what: str


def health(events: Sequence[Event]) -> str:
    """How a training is, in words, by what happened to it last."""
    return f"{events[-1].kind} at step {events[-1].step:,}: {events[-1].what}" if events else "well"


class Monitor:
    """Watches the rows of one training. All it remembers is in `state`.

    rescue: whether the training may go back; else only a number that is not finite ends it.
    tell: called with each event.
    """

    def __init__(
        self,
        method: Method,
        rescue: bool = True,
        tell: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.method, self.rescue, self.tell = method, rescue, tell
        self.rollbacks = 0
        self.bad_rows = 0
        self.best: dict[str, float] = {}
        self.events: list[Event] = []

    @property
    def well(self) -> bool:
        """Whether the last row was good, so that the state may serve to go back to."""
        return self.bad_rows == 0

    @property
    def rate(self) -> float:
        """What learning rates are multiplied by after the rollbacks so far."""
        return float(RATE_FACTOR**self.rollbacks)

    def examine(self, step: int, row: Row) -> str | None:
        """Plain words where the training must not go on from here; None where it may."""
        if words := self._diverged(row):
            return words
        if not row.gradients:
            return None
        words = self._standing_still(row) or self.method.alarm(row)
        self.best |= {k: max(v, self.best.get(k, v)) for k, v in row.measures.items()}
        if words is None:
            if self.bad_rows >= ALARM_AFTER:
                self._note(step, "all clear", "the alarm has stopped")
            self.bad_rows = 0
            return None
        self.bad_rows += 1
        if self.bad_rows == ALARM_AFTER:
            self._note(step, "alarm", words)
        return words if self.rescue and self.bad_rows >= LOST_AFTER else None

    def _diverged(self, row: Row) -> str | None:
        """Words where a number is not finite or, if that is looked at, a loss is too large."""
        groups = {"'s loss": row.losses, "'s gradient": row.gradients, "": row.measures}
        for kind, group in groups.items():
            for name, value in group.items():
                if not math.isfinite(value):
                    return f"the {name}{kind} is {value}"
        for player, loss in row.losses.items():
            if self.rescue and abs(loss) > self.method.limits.loss:
                return f"the {player}'s loss has exploded: {loss:.3g}"
        return None

    def _standing_still(self, row: Row) -> str | None:
        """Words where a gradient has vanished, or a measure was good once and is lost."""
        limits = self.method.limits
        for player, norm in row.gradients.items():
            if norm < limits.gradient:
                return f"the {player} learns nothing any more: its gradient is {norm:.1g}"
        for name, value in row.measures.items():
            before = self.best.get(name, 0.0)
            if before >= limits.reached and value < before * limits.left:
                return f"collapse: the {name} has fallen to {value:.2f}, from {before:.2f}"
        return None

    def go_back(self, step: int, good: int, words: str) -> bool:
        """Count and note a rollback from `step` to `good`; False where it is one too many."""
        if self.rollbacks == MAX_ROLLBACKS:
            self._note(step, "gave up", f"{words}; back at step {good}")
            return False
        self.rollbacks += 1
        self.bad_rows = 0
        done = f"learning rate x {self.rate:g}, new noise ({self.rollbacks} of {MAX_ROLLBACKS})"
        self._note(step, "rollback", f"{words}; went back to step {good}: {done}")
        return True

    def _note(self, step: int, kind: Kind, what: str) -> None:
        self.events.append(Event(step, kind, what))
        self.tell(self.events[-1])

    def state(self) -> dict[str, Any]:
        """All that is remembered, as plain values of its own."""
        events = [asdict(event) for event in self.events]
        counts = {"rollbacks": self.rollbacks, "bad_rows": self.bad_rows}
        return {**counts, "best": dict(self.best), "events": events}

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what `state` says, and nothing else."""
        self.rollbacks, self.bad_rows = state["rollbacks"], state["bad_rows"]
        self.best = dict(state["best"])
        self.events = [Event(**event) for event in state["events"]]
