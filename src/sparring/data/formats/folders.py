"""Own images in folders: a folder of class folders, or a flat folder of unlabelled images."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from sparring.data.decode import decode_all
from sparring.data.files import Entry, below, contents, entries, hash_split, images_of, unwrapped
from sparring.data.formats.listed import labelled
from sparring.data.images import Images, class_order
from sparring.errors import RequestError

Files = Mapping[str, Entry]
_log = logging.getLogger("sparring")


def read(root: Path, size: int) -> tuple[Images, Images]:
    """Read images from a folder or zip, in sorted order.

    Images in two or more folders: each folder is a class, named after it. Otherwise there are no
    labels. With folders `train/` and `test/` on top these are the splits, and either may be
    unlabelled; without them the split is that of `hash_split`, about 80 to 20.
    Raises RequestError where there are no images, or the layout is none of these.
    """
    files = unwrapped(images_of(entries(root)))
    if not files:
        raise RequestError(f"{root} holds no images: put jpg, png, webp, bmp, gif or tiff there")
    sides = _sides(files, root)
    in_train, in_test = ({_class(name) for name in side} - {""} for side in sides)
    classes = class_order(in_train | in_test)
    if len(classes) < 2:
        classes = ()
    elif in_train and (lacking := class_order(in_test - in_train)):
        _log.warning("%s: no image of class '%s' is in the train split", root, lacking[0])
    train, test = (_images(side, classes, size, root) for side in sides)
    return train, test


def _sides(files: Files, root: Path) -> list[dict[str, Entry]]:
    """What lies in `train/` and in `test/`; where there are no such folders, the split by hash."""
    tops = {name.split("/")[0] for name in files}
    present = tops & {"train", "test"}
    if not present:
        return [{name: files[name] for name in names} for names in hash_split(files, root)]
    if len(present) == 1:
        raise RequestError(f"{root} has only {present.pop()}/: make both train/ and test/")
    if rest := sorted(tops - present):
        _log.warning("%s: %s beside train/ and test/ left out", root, ", ".join(rest[:3]))
    return [below(files, split) for split in ("train", "test")]


def _class(name: str) -> str:
    """The folder in which an image lies; "" for none."""
    return name.split("/")[0] if "/" in name else ""


def _images(side: Files, classes: tuple[str, ...], size: int, root: Path) -> Images:
    rows = {name: [_class(name)] for name in side}
    loose = [name for name in side if not _class(name)]
    if not classes or len(loose) == len(side):
        pixels, _ = decode_all(partial(contents, side, side), len(side), size, root)
        return Images(pixels, None, classes)
    if loose:
        raise RequestError(f"{root}: {loose[0]} lies beside the class folders: move it into one")
    return labelled(rows, side, root, classes, size, attributes=False)
