"""What all drawings share. Knows no run and no plot."""

from typing import NamedTuple

from matplotlib.figure import Figure


class Drawing(NamedTuple):
    """A figure that is not yet saved; see `picture.Picture`."""

    key: str
    figure: Figure
    title: str
    sets: tuple[str, ...]
    caption: str = ""
