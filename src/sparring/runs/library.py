"""The data sets of a session, and what is made of them, each once."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sparring.data import catalogue
from sparring.data.images import DataSet

T = TypeVar("T")


@dataclass
class Library:
    """Data sets by name. `data` is the folder of real sets, or None for stand-ins and paths.

    sealed: names of sets that are given without their labels.
    """

    data: Path | None
    sealed: frozenset[str] = frozenset()
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False)

    def get(self, name: str, size: int) -> DataSet:
        """A data set by catalogue name or path, its images `size` pixels high and wide.

        Raises RequestError where it cannot be had.
        """
        return self.once(
            (name, size), lambda: self._seal(name, catalogue.load(name, self.data, size=size))
        )

    def put(self, name: str, dataset: DataSet) -> None:
        """Let `get` give `dataset` from now on."""
        self._made[name, dataset.train.size] = self._seal(name, dataset)

    def _seal(self, name: str, dataset: DataSet) -> DataSet:
        return dataset.unlabelled() if name in self.sealed else dataset

    def empty(self) -> "Library":
        """One that gives the same, but for what was `put`, and has not read or made it yet."""
        return Library(self.data, self.sealed)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made at the first call with `key` and kept for the session."""
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made
