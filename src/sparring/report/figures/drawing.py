"""What all drawings share. Knows runs; knows no plot."""

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure that is not yet saved. sets: the data that it shows. caption: plain text, if any."""

    key: str
    figure: Figure
    title: str
    sets: tuple[str, ...]
    caption: str = ""
