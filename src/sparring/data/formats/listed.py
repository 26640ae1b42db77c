"""Images whose labels stand in a list beside them: MNIST-M's release, and own sets with a CSV.

Knows lists of labels; class folders are read by folders.py.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from sparring.data.decode import decode_all
from sparring.data.files import (
    Entry,
    below,
    contents,
    entries,
    hash_split,
    images_of,
    match,
    read_text,
    unwrapped,
)
from sparring.data.images import Images
from sparring.data.pixels import DIGITS
from sparring.errors import RequestError


@dataclass(frozen=True)
class _Listed:
    """One split: its images, and their labels as written.

    rows: by image name, one class, or one value per attribute.
    attributes: names of the attributes; None where the labels are classes.
    """

    path: Entry
    rows: dict[str, list[str]]
    attributes: tuple[str, ...] | None
    files: Mapping[str, Entry]

    def __post_init__(self) -> None:
        match(self.rows, self.files, self.path)

    def take(self, names: Iterable[str]) -> "_Listed":
        return replace(
            self,
            rows={name: self.rows[name] for name in names},
            files={name: self.files[name] for name in names},
        )


def found_release(folder: Path) -> bool:
    """Whether the four parts of MNIST-M's release are there."""
    names = [folder / f"mnist_m_{split}" for split in ("train", "test")]
    return all(p.is_dir() and p.with_name(f"{p.name}_labels.txt").is_file() for p in names)


def read_release(folder: Path, size: int) -> tuple[Images, Images]:
    """Read MNIST-M as released: folders of PNG, and lists of `00000000.png 5`.

    Raises RequestError where images and list do not match.
    """

    def split(name: str) -> Images:
        path = folder / f"{name}_labels.txt"
        lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
        files = images_of(entries(folder / name))
        return _images(_Listed(path, _rows(lines, 2, path), None, files), DIGITS, size)

    return split("mnist_m_train"), split("mnist_m_test")


def read(root: Path, size: int) -> tuple[Images, Images]:
    """Read a folder or zip of images with `train.csv` and `test.csv`, or one CSV for all.

    A CSV begins `image_name,label`, and labels are classes; or `image_name,` and the names of
    attributes, with values 0 and 1, or -1 and 1. Image names are relative to `train/` and
    `test/`; with one CSV, to the folder that all images share, and the split is that of
    `hash_split`. Class numbers are ordered as numbers, any other class names as text.
    Raises RequestError where images and list do not match, or a list cannot be read.
    """
    files = entries(root)
    images = unwrapped(images_of(files))
    lists = {name.split("/")[-1].lower(): files[name] for name in files if _is_csv(name)}
    if {"train.csv", "test.csv"} <= lists.keys():
        sides = [_listed(lists[f"{s}.csv"], below(images, s)) for s in ("train", "test")]
    elif len(lists) == 1:
        listed = _listed(next(iter(lists.values())), images)
        sides = [listed.take(names) for names in hash_split(listed.rows, root)]
    else:
        raise RequestError(
            f"{root} has {len(lists)} CSV files ({', '.join(lists)}): "
            "keep one, or name two train.csv and test.csv"
        )
    names = _names(sides)
    train, test = (_images(side, names, size) for side in sides)
    return train, test


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv")


def found(files: Iterable[str]) -> bool:
    """Whether there is a CSV among `files`."""
    return any(map(_is_csv, files))


def _listed(path: Entry, files: Mapping[str, Entry]) -> _Listed:
    try:
        lines = [row for row in csv.reader(read_text(path).splitlines()) if row]
    except csv.Error as error:
        raise RequestError(f"{path} is no CSV ({error}): write it anew") from error
    header = tuple(name.strip() for name in lines[0]) if lines else ()
    if len(header) < 2 or header[0] != "image_name":
        raise RequestError(
            f"{path} begins '{','.join(header)}': begin it 'image_name,label', "
            "or 'image_name,' and the names of attributes"
        )
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise RequestError(f"{path} has two columns '{twice}': rename or remove one")
    attributes = None if header[1:] == ("label",) else header[1:]
    return _Listed(path, _rows(lines[1:], len(header), path), attributes, files)


def _rows(lines: Iterable[Sequence[str]], width: int, path: Entry) -> dict[str, list[str]]:
    """Rows by image name. Raises RequestError for another width, or a name given twice."""
    rows: dict[str, list[str]] = {}
    for name, *values in lines:
        if len(values) != width - 1:
            raise RequestError(
                f"{path}: the row of {name} has {len(values) + 1} fields, not {width}: mend it"
            )
        if name in rows:
            raise RequestError(f"{path} lists {name} twice: keep one row")
        rows[name] = [value.strip() for value in values]
    return rows


def _names(sides: Sequence[_Listed]) -> tuple[str, ...]:
    """The names of the attributes, or of the classes, in order."""
    train, test = sides
    if train.attributes != test.attributes:
        raise RequestError(f"{train.path} and {test.path} have different columns: mend one")
    if train.attributes is not None:
        return train.attributes
    classes = {label for side in sides for (label,) in side.rows.values()}
    try:
        return tuple(sorted(classes, key=int))
    except ValueError:
        return tuple(sorted(classes))


def _images(listed: _Listed, names: tuple[str, ...], size: int) -> Images:
    labels = _labels(listed, names)  # before the decoding, which takes long
    pictures = partial(contents, listed.files, listed.rows)
    pixels, kept = decode_all(pictures, len(listed.rows), size, listed.path)
    return Images(pixels, labels[kept], names)


def _labels(listed: _Listed, names: tuple[str, ...]) -> Tensor:
    """Classes int64 [N], or attributes int64 [N, A] in {0, 1}."""
    numbers = {"0": 0, "1": 1, "-1": 0}
    if listed.attributes is None:
        numbers = {name: number for number, name in enumerate(names)}
    for name, values in listed.rows.items():
        for value in values:
            if value not in numbers:
                raise RequestError(
                    f"{listed.path}: {name} has the label '{value}', which is none of "
                    f"{', '.join(numbers)}: mend it"
                )
    table = torch.tensor([[numbers[value] for value in row] for row in listed.rows.values()])
    return table[:, 0] if listed.attributes is None else table
