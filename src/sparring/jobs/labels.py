"""The one door to the labels of a target domain, and the record of who went through it.

A run gets its target sealed: the images lie open, the labels come from `open` alone, which writes
into labels.json who asked, for which split, and the hash of what was handed out. Whoever opens
does not say who it is: the run's stage at that moment does, so nobody can take another's name.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any, Literal

from torch import Tensor

from sparring.data.images import DataSet, Images
from sparring.run import RunFolder

Stage = Literal["training", "choice", "final evaluation"]
"""What a run is at: it trains, chooses the state to keep, and then judges what is decided."""
Split = Literal["train", "test"]


class SealedTarget:
    """A target domain without its labels.

    train, test: its images, unlabelled.
    stage: what the run is at; the run moves it on, and it is who is said to have opened labels.
    """

    def __init__(self, dataset: DataSet, folder: RunFolder) -> None:
        self.name = dataset.name
        self.train, self.test = dataset.train.unlabelled(), dataset.test.unlabelled()
        self.stage: Stage = "training"
        self._labelled: dict[Split, Images] = {"train": dataset.train, "test": dataset.test}
        self._folder = folder

    def open(self, split: Split) -> Images:
        """The images of `split` with their labels.

        The opening is on the disk before they are handed out. Raises RequestError where the record
        cannot be written.
        """
        images = self._labelled[split]
        opening = {
            "set": self.name,
            "split": split,
            "reader": self.stage,
            "labels": _fingerprint(images.labels),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._folder.write("labels", [*openings(self._folder), opening])
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
