"""The one door to the labels of a target domain, and the record of who went through it.

A run gets its target sealed: the images lie open, the labels come from `open` alone, which writes
into labels.json who asked, for which split, and the hash of what was handed out. Whoever opens
does not say who it is: the run's stage at that moment does, so nobody can take another's name.
Until then the labels are not in the process's memory.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from torch import Tensor

from sparring.data.images import DataSet, Images
from sparring.runs.folder import RunFolder

Stage = Literal["training", "choice", "final evaluation"]
"""What a run is at: it trains, chooses the state to keep, and then judges what is decided."""
Split = Literal["train", "test"]


class SealedTarget:
    """A target domain without its labels.

    train, test: its images, unlabelled.
    stage: what the run is at; the run moves it on, and it is who is said to have opened labels.
    """

    def __init__(self, read: Callable[[], DataSet], folder: RunFolder) -> None:
        """Seal the set that `read` gives, anew and with its labels at each call."""
        dataset = read().unlabelled()
        self.name, self.train, self.test = dataset.name, dataset.train, dataset.test
        self.stage: Stage = "training"
        self._read = read
        self._folder = folder

    def open(self, split: Split) -> Images:
        """The images of `split` with their labels.

        The opening is on the disk before they are handed out. A run that was killed and goes on
        opens anew what it had opened at the same stage: that is told once, as it tells no more.
        Raises RequestError where the record cannot be written.
        """
        dataset = self._read()
        images = dataset.train if split == "train" else dataset.test
        opening = {
            "set": self.name,
            "split": split,
            "reader": self.stage,
            "labels": _fingerprint(images.labels),
        }
        told = openings(self._folder)
        if not any(opening.items() <= earlier.items() for earlier in told):
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._folder.write("labels", [*told, opening | {"time": now}])
        return images


def openings(folder: RunFolder) -> list[dict[str, Any]]:
    """Every opening of the run so far, in order, also from before it was stopped and resumed."""
    exists = (folder.path / "labels.json").is_file()
    return list(folder.read("labels")) if exists else []


def _fingerprint(labels: Tensor | None) -> str | None:
    """`sha256:...` of int64 labels [N]; None where there are none."""
    if labels is None:
        return None
    return f"sha256:{hashlib.sha256(labels.contiguous().numpy().data).hexdigest()}"
