"""What one training leaves in its folder: log.jsonl, events.json and checkpoints/.

Of ranks that train together the first one writes, for all. Knows files; knows no game.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring import ranks
from sparring.checkpoints import Checkpoints, State
from sparring.divergence import Event
from sparring.storage import RowLog, write_json

_log = logging.getLogger(__name__)


class Diary:
    """The diary of the training in `folder`, which must exist where anything is written.

    Writing raises RequestError where the system refuses it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        self._rows = RowLog(folder / "log.jsonl")
        self.checkpoints = Checkpoints(folder / "checkpoints")

    @ranks.by_first
    def append(self, row: Mapping[str, Any]) -> None:
        self._rows.append(row)

    @ranks.by_first
    def cut(self, step: int) -> None:
        """Drop the rows after `step`."""
        self._rows.cut(step)

    def last_row(self) -> str:
        """The last row's losses in words."""
        if not (rows := self._rows.rows()):
            return "no row of the log was finite"
        losses = ", ".join(f"{player} {loss:.3g}" for player, loss in rows[-1]["losses"].items())
        return f"the last finite losses, at step {rows[-1]['step']}: {losses}"

    @ranks.by_first
    def tell(self, event: Event) -> None:
        """Have a person read of `event`."""
        _log.warning("%s: %s at step %d: %s", self.name, event.kind, event.step, event.what)

    @ranks.by_first
    def write_events(self, events: Sequence[Event]) -> None:
        """Write down all that happened so far."""
        path = self.folder / "events.json"
        if events:
            write_json(path, {"events": events})
        else:
            path.unlink(missing_ok=True)

    @ranks.by_first
    def save(self, state: State, rollbacks: int, step: int) -> None:
        """Save a state, with all rows before it."""
        self._rows.sync()
        self.checkpoints.save(state, rollbacks, step)
