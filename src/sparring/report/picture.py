"""A figure that has been drawn. Knows no way to draw, and so needs no matplotlib."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """A figure on disk. sets: the data that it shows. caption: plain text, if any."""

    key: str
    path: Path
    title: str
    sets: tuple[str, ...]
    caption: str = ""
