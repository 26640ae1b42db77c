"""The one door to the labels of a target domain, and the record of who went through it.

Whoever opens does not say who it is: the run's stage at that moment does.
"""

import hashlib
from datetime import UTC, datetime
from typing import Literal

from msgspec import structs

from sparring import ranks
from sparring.data.images import DataSet, Images
from sparring.runs.folder import Run
from sparring.runs.records import Opening, Openings, Stage


class SealedTarget:
    """A target domain without its labels. train, test: its images.

    stage: what the run is at, and who is said to have opened labels; the run moves it on.
    """

    def __init__(self, dataset: DataSet, folder: Run) -> None:
        self.name = dataset.name
        self.train, self.test = dataset.train.unlabelled(), dataset.test.unlabelled()
        self.stage: Stage = "training"
        self._labelled, self._folder = dataset, folder

    def open(self, split: Literal["train", "test"]) -> Images:
        """The images of `split` with their labels; without, where the set has none.

        The opening is on the disk before they are handed out; the same one is recorded once,
        however often a run is killed and goes on; of ranks that train together the first one's.
        Raises RequestError where it cannot be written.
        """
        images = self._labelled.train if split == "train" else self._labelled.test
        if images.labels is None or not ranks.first():
            return images
        digest = hashlib.sha256(images.labels.contiguous().numpy().data).hexdigest()
        opening = Opening(
            set=self.name,
            split=split,
            reader=self.stage,
            labels=f"sha256:{digest}",
            time=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        told = (self._folder.find(Openings) or Openings()).openings
        if not any(structs.replace(opening, time=earlier.time) == earlier for earlier in told):
            self._folder.write(Openings((*told, opening)))
        return images
