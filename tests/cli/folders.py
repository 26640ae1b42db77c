"""Commands in this process; small folders as people have them, and a small method for them."""

import csv
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from PIL import Image

from sparring import cli
from sparring.methods import DANN
from sparring.nets.encoders import EncoderName
from tests.conftest import digits

CLASSES = ("ant", "bee", "cow")


@dataclass(eq=False, kw_only=True)
class Tiny(DANN):
    """DANN on a small encoder."""

    encoder: EncoderName = "small"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and the lines that it printed."""

    code: int
    out: list[str]
    err: list[str]


def sparring(*arguments: object) -> Ended:
    """Run `sparring` with these arguments."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    argv = ["sparring", *map(str, arguments)]
    with patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as stopped:
            code = int(str(stopped.code))
    return Ended(code, out.getvalue().splitlines(), err.getvalue().splitlines())


def picture(path: Path, number: int, seed: int, shade: int = 0) -> None:
    """A picture of class `number`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = digits(number + 1, seed, shade).pixels[number]
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)


def class_folders(root: Path, each: int = 12, classes: Sequence[str] = CLASSES) -> Path:
    for number, name in enumerate(classes):
        for k in range(each):
            picture(root / name / f"{k:02}.png", number, 100 * number + k)
    return root


def mixed(root: Path, each: int = 6) -> Path:
    """Other pictures of the same classes in folders that say nothing, and a broken one."""
    for number in range(len(CLASSES)):
        for k in range(each):
            picture(root / f"camera {k % 2}" / f"{number}-{k}.png", number, 900 + k, shade=60)
    (root / "camera 0" / "1-x.png").write_bytes(b"no picture")
    (root / "labels.csv").write_text("image_name,label\nnothing.png,wasp\n")
    return root


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a predictions.csv."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def truth(name: str) -> str:
    """The class of a picture of `mixed`."""
    return CLASSES[int(name.rpartition("/")[2][0])]
