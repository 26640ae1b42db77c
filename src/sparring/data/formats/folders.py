"""Own images in folders: a folder of class folders, or a flat folder of unlabelled images.

Knows folder and zip layouts; lists of labels are read by listed.py.
"""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from sparring.data.decode import decode_all
from sparring.data.files import Entry, below, contents, entries, hash_split, images_of, unwrapped
from sparring.data.formats.listed import labelled
from sparring.data.images import Images, class_order
from sparring.errors import RequestError

_SPLITS = ("train", "test")
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
    sides = _given(files, root) or [
        {name: files[name] for name in names} for names in hash_split(files, root)
    ]
    classes = _classes(sides, root)
    train, test = (_images(side, classes, size, root) for side in sides)
    return train, test


def _given(files: Mapping[str, Entry], root: Path) -> list[dict[str, Entry]] | None:
    """What lies in `train/` and in `test/`; None where there are no such folders."""
    tops = {name.split("/")[0] for name in files}
    present = tops.intersection(_SPLITS)
    if not present:
        return None
    if len(present) == 1:
        raise RequestError(f"{root} has only {present.pop()}/: make both train/ and test/")
    if rest := sorted(tops - present):
        _log.warning("%s: %s beside train/ and test/ left out", root, ", ".join(rest[:3]))
    return [below(files, split) for split in _SPLITS]


def _class(name: str) -> str:
    """The folder in which an image lies; "" for none."""
    return name.split("/")[0] if "/" in name else ""


def _classes(sides: list[dict[str, Entry]], root: Path) -> tuple[str, ...]:
    """The class names, in order; none where fewer than two folders hold images."""
    train, test = ({_class(name) for name in side} - {""} for side in sides)
    classes = class_order(train | test)
    if len(classes) < 2:
        return ()
    if train and (lacking := class_order(test - train)):
        _log.warning("%s: no image of class '%s' is in the train split", root, lacking[0])
    return classes


def _images(side: Mapping[str, Entry], classes: tuple[str, ...], size: int, root: Path) -> Images:
    own = {name: [_class(name)] for name in side}
    if not classes or not any(any(folder) for folder in own.values()):
        pixels, _ = decode_all(partial(contents, side, side), len(side), size, root)
        return Images(pixels, None, classes)
    if loose := next((name for name, folder in own.items() if folder == [""]), None):
        raise RequestError(f"{root}: {loose} lies beside the class folders: move it into one")
    return labelled(own, side, classes, size, root)
