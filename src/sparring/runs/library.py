"""The data sets of a session, and what is made of them, each once.

Pixels stay in memory; labels lie in files without a name, and are in memory only while somebody
who asked for them holds them. So a training that is given a target without its labels runs in a
process that has none of them.
"""

import tempfile
import weakref
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from sparring.data import catalogue
from sparring.data.images import DataSet, Images
from sparring.errors import RequestError

T = TypeVar("T")


@dataclass
class Library:
    """Data sets by name. `data` is the folder of real sets, or None for stand-ins and paths."""

    data: Path | None
    _shelf: dict[tuple[str, int], "_Shelved"] = field(default_factory=dict, init=False)
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False)

    def get(self, name: str, size: int) -> DataSet:
        """A data set by catalogue name or path, its images `size` pixels high and wide.

        Raises RequestError where it cannot be had.
        """
        if (name, size) not in self._shelf:
            self.put(name, catalogue.load(name, self.data, size=size))
        return self._shelf[name, size].labelled()

    def put(self, name: str, dataset: DataSet) -> None:
        """Let `get` give `dataset` from now on. Raises RequestError where the disk has no room."""
        try:
            self._shelf[name, dataset.train.size] = _Shelved(dataset)
        except OSError as error:
            raise RequestError(
                f"the labels of {dataset.name} cannot be put into {tempfile.gettempdir()}: "
                f"{error.strerror}; free some room, or name another folder in TMPDIR"
            ) from error

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made at the first call with `key` and kept for the session."""
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made


class _Shelved:
    """A set, its pixels in memory and its labels in files. Raises OSError."""

    def __init__(self, dataset: DataSet) -> None:
        self._dataset = dataset.unlabelled()
        self._train, self._test = _LabelFile(dataset.train), _LabelFile(dataset.test)

    def labelled(self) -> DataSet:
        """The set with its labels, as nobody else has them in memory."""
        bare = self._dataset
        train = replace(bare.train, labels=self._train.read())
        return replace(bare, train=train, test=replace(bare.test, labels=self._test.read()))


class _LabelFile:
    """The labels of one split on disk, in a file that ends with the process. Raises OSError."""

    def __init__(self, images: Images) -> None:
        labels = images.labels
        self._shape = None if labels is None else labels.shape
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as this lives
        try:
            if labels is not None:
                self._file.write(labels.numpy().tobytes())
                self._file.flush()
        except OSError:
            with suppress(OSError):  # closing tries to write what is left
                self._file.close()
            raise
        weakref.finalize(self, self._file.close)

    def read(self) -> Tensor | None:
        """The labels, int64, or None where there are none."""
        if self._shape is None:
            return None
        self._file.seek(0)
        values = np.frombuffer(bytearray(self._file.read()), np.int64)
        return torch.from_numpy(values).view(self._shape)
