import io

import numpy as np
import pytest
from rich.console import Console

from sparring.runs.view import LEVELS, SIDE, View, half_blocks, sparkline
from sparring.trainer import Status


def printed(shown: object, width: int = 100, colours: bool = False) -> str:
    kind = "truecolor" if colours else None
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=True, color_system=kind).print(shown)
    return file.getvalue()


def test_a_sparkline_goes_from_the_least_to_the_largest() -> None:
    assert sparkline(range(8)) == LEVELS
    assert sparkline([3.0, 1.0, 2.0]) == "█▁▅"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([7.0]) == "▁"


def test_a_long_sparkline_has_means() -> None:
    assert sparkline([0, 2, 10, 12, 4, 6], longest=3) == "▁█▄"  # of 1, 11, 5


def test_a_view_tells_where_a_training_is() -> None:
    view = View("dcgan-faces-0")
    assert printed(view).split() == ["dcgan-faces-0"]
    for step, loss in ((50, 2.0), (4200, 1.0)):
        losses = {"generator": loss, "discriminator": 0.5}
        view.add(Status(step, 9000, 212.4, 2292.0, losses, "well"))
    lines = [" ".join(line.split()) for line in printed(view).splitlines()]
    assert lines[0] == "dcgan-faces-0"
    assert lines[1].endswith("4,200 of 9,000 212 images/s 0:38:12 left")
    assert lines[2:5] == ["generator █▁ 1.000", "discriminator ▁▁ 0.500", "health well"]


def test_health_that_nobody_looks_at_is_not_told() -> None:
    view = View("features")
    view.add(Status(1, 2, 10.0, 1.0, {}))
    assert "health" not in printed(view)


def test_a_half_block_has_the_colours_of_two_pixels() -> None:
    image = np.zeros((3, 2 * SIDE, 2 * SIDE), np.uint8)
    image[0, :2] = 200  # the first row of the small image: red, above black
    image[2, -2:] = 90  # the last one: blue, below black
    text = printed(half_blocks(image[None], 40), colours=True)
    first, *_, last = text.splitlines()
    assert first == "\x1b[38;2;200;0;0;48;2;0;0;0m▀\x1b[0m" * SIDE + " "
    assert last == "\x1b[38;2;0;0;0;48;2;0;0;90m▀\x1b[0m" * SIDE + " "
    assert len(text.splitlines()) == SIDE // 2


@pytest.mark.parametrize(
    ("columns", "count"), [(10, 0), (SIDE + 1, 1), (3 * SIDE + 3, 3), (500, 4)]
)
def test_as_many_images_as_there_is_room_for(columns: int, count: int) -> None:
    lines = printed(half_blocks(np.zeros((4, 3, 64, 64), np.uint8), columns), 600).splitlines()
    assert max((line.count("▀") for line in lines), default=0) == count * SIDE
    assert all(len(line) <= columns for line in lines)
