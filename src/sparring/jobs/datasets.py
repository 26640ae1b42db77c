"""The data sets of a session, each loaded once."""

from dataclasses import dataclass, field
from pathlib import Path

from sparring.data import catalogue
from sparring.data.images import DataSet


@dataclass
class Library:
    """Data sets by name. `data` is the folder of real sets, or None for stand-ins and paths."""

    data: Path | None
    _loaded: dict[tuple[str, int], DataSet] = field(default_factory=dict, init=False)

    def get(self, name: str, size: int) -> DataSet:
        """A data set by catalogue name or path, its images `size` pixels high and wide."""
        if (name, size) not in self._loaded:
            self._loaded[name, size] = catalogue.load(name, self.data, size=size)
        return self._loaded[name, size]
