"""Folders of pictures as people have them, small ones, and a small method to learn from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sparring.methods import DANN
from sparring.nets.encoders import EncoderName
from tests.conftest import digits

CLASSES = ("ant", "bee", "cow")


@dataclass(eq=False, kw_only=True)
class Tiny(DANN):
    """DANN on a small encoder."""

    encoder: EncoderName = "small"


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


def truth(name: str) -> str:
    """The class of a picture of `mixed`."""
    return CLASSES[int(name.rpartition("/")[2][0])]
