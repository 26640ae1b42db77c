"""The saved states of one training: written whole or not at all, checked before they are used.

Knows files and torch's container format; of what a state means it knows the running means alone.
The name of a saved state holds its place in time and the SHA-256 of its bytes, so damage is seen
and an older state is taken. No code in a file is ever run (`weights_only`).
"""

import hashlib
import io
import logging
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring import ranks
from sparring.averages import Averaged
from sparring.errors import RequestError
from sparring.storage import write_atomically, writing

KEPT = 2
"""Files kept: the newest, and the one before it in case the newest is damaged."""

State = dict[str, Any]
"""What `torch.load(weights_only=True)` can read: tensors, numbers, text, lists and dicts."""

_log = logging.getLogger(__name__)


def weights_of(method: Averaged) -> dict[str, Tensor]:
    """The state dict with running means in place of their modules: what a trained method is.

    Shares its memory with the method: copy it, or write it, before training goes on.
    """
    with method.evaluated():
        return method.state_dict()


class Checkpoints:
    """The checkpoints in one folder, named `state-ROLLBACKS-STEP-SHA256.pt`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _files(self) -> list[Path]:
        """Oldest first. What follows a rollback is newer than all before it."""
        return sorted(self.folder.glob("state-*.pt"))

    @property
    def step(self) -> int:
        """Steps done in the newest state; 0 where nothing was saved."""
        return int(self._files()[-1].stem.split("-")[2]) if self._files() else 0

    def save(self, state: State, rollbacks: int, step: int) -> None:
        """Write `state`, then drop all but the newest KEPT.

        Raises RequestError where it cannot be written; the older files are then untouched.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
        with writing(self.folder):
            self.folder.mkdir(exist_ok=True)
            path = self.folder / f"state-{rollbacks}-{step:09d}-{digest}.pt"
            write_atomically(path, buffer.getbuffer())
            for old in self._files()[:-KEPT]:
                old.unlink()

    def load(self, device: torch.device) -> State | None:
        """The newest state that is whole; None where nothing was saved.

        Of ranks that train together the first one reads, for all. Warns of each damaged file, and
        removes it where an older one is whole. Raises RequestError where every file is damaged.
        """
        data = ranks.same(self._newest() if ranks.first() else None)
        if data is None:
            return None
        state: State = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
        return state

    def _newest(self) -> bytes | None:
        """The bytes of the newest state that is whole."""
        files = self._files()
        for path in reversed(files):
            data = _whole(path)
            if data is not None:
                for damaged in files[files.index(path) + 1 :]:
                    damaged.unlink()
                return data
            _log.warning("%s is damaged; going on from the state before it", path)
        if files:
            raise RequestError(
                f"every saved state in {self.folder} is damaged; "
                "remove that folder, and this run starts anew"
            )
        return None


def _whole(path: Path) -> bytes | None:
    """The bytes of `path`; None where they are not those that were written, or hold no state."""
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() in path.stem:
            torch.load(io.BytesIO(data), map_location="meta", weights_only=True)
            return data
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError):
        pass
    return None
