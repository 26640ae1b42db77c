"""Images whose labels stand in a list beside them: MNIST-M's release, and own sets with a CSV.

Knows lists of labels; class folders are read by folders.py.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

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
from sparring.data.labels import DIGITS, class_order, composed
from sparring.errors import RequestError

_RELEASE = ("mnist_m_train", "mnist_m_test")
_CLASS = ("label",)
_ATTRIBUTE = {"0": 0, "1": 1, "-1": 0}


class _Split(NamedTuple):
    """rows: by image name, its labels as written: one class, or one value per attribute."""

    path: Entry
    rows: dict[str, list[str]]
    files: Mapping[str, Entry]


def found_release(folder: Path) -> bool:
    """Whether the four parts of MNIST-M's release are there."""
    return all(
        (folder / name).is_dir() and (folder / f"{name}_labels.txt").is_file() for name in _RELEASE
    )


def read_release(folder: Path, size: int) -> tuple[Images, Images]:
    """Read MNIST-M as released: folders of PNG, and lists of `00000000.png 5`.

    Raises RequestError where images and list do not match.
    """

    def split(name: str) -> Images:
        path = folder / f"{name}_labels.txt"
        lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
        files = images_of(entries(folder / name))
        return _images(_Split(path, _rows(lines, 2, path, files), files), DIGITS, size)

    train, test = map(split, _RELEASE)
    return train, test


def found(files: Iterable[str]) -> bool:
    """Whether there is a CSV among `files`."""
    return any(map(_is_csv, files))


def read(root: Path, size: int) -> tuple[Images, Images]:
    """Read a folder or zip of images with `train.csv` and `test.csv`, or one CSV for all.

    A CSV begins `image_name,label`, and labels are classes; or `image_name,` and the names of
    attributes, with values 0 and 1, or -1 and 1. Image names are relative to `train/` and
    `test/`; with one CSV, to the folder that all images share, and the split is that of
    `hash_split`. Class numbers are ordered as numbers, any other class names as text.
    Raises RequestError where images and list do not match, or a list cannot be read.
    """
    columns, splits = _splits(root)
    names = columns
    if columns == _CLASS:
        names = class_order(label for split in splits for (label,) in split.rows.values())
    train, test = (_images(split, names, size, columns != _CLASS) for split in splits)
    return train, test


def _splits(root: Path) -> tuple[tuple[str, ...], list[_Split]]:
    """The columns of labels, and what is listed for train and for test."""
    files = entries(root)
    images = unwrapped(images_of(files))
    lists = {name.split("/")[-1].lower(): files[name] for name in files if _is_csv(name)}
    if len(lists) == 1:
        path = next(iter(lists.values()))
        columns, rows = _listed(path, images)
        sides = [{name: rows[name] for name in names} for names in hash_split(rows, root)]
        return columns, [_Split(path, side, images) for side in sides]
    if not {"train.csv", "test.csv"} <= lists.keys():
        raise RequestError(
            f"{root} has {len(lists)} CSV files ({', '.join(lists)}): "
            "keep one, or name two train.csv and test.csv"
        )
    splits, headers = [], set()
    for name in ("train", "test"):
        path, pictures = lists[f"{name}.csv"], below(images, name)
        columns, rows = _listed(path, pictures)
        splits.append(_Split(path, rows, pictures))
        headers.add(columns)
    if len(headers) > 1:
        raise RequestError(f"{root}: train.csv and test.csv have different columns: mend one")
    return columns, splits


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv")


def _listed(
    path: Entry, files: Mapping[str, Entry]
) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """The columns of a CSV after the first, and its rows, one for each of `files`."""
    try:
        lines = [row for row in csv.reader(read_text(path).splitlines()) if row]
    except csv.Error as error:
        raise RequestError(f"{path} is no CSV ({error}): write it anew") from error
    header = tuple(composed(name.strip()) for name in lines[0]) if lines else ()
    if len(header) < 2 or header[0] != "image_name":
        raise RequestError(
            f"{path} begins '{','.join(header)}': begin it 'image_name,label', "
            "or 'image_name,' and the names of attributes"
        )
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise RequestError(f"{path} has two columns '{twice}': rename or remove one")
    return header[1:], _rows(lines[1:], len(header), path, files)


def _rows(
    lines: Iterable[Sequence[str]], width: int, path: Entry, files: Mapping[str, Entry]
) -> dict[str, list[str]]:
    """Rows by image name. Raises RequestError unless there is one of `width` for each file."""
    rows: dict[str, list[str]] = {}
    for name, *values in (map(composed, line) for line in lines):
        if len(values) != width - 1:
            raise RequestError(
                f"{path}: the row of {name} has {len(values) + 1} fields, not {width}: mend it"
            )
        if name in rows:
            raise RequestError(f"{path} lists {name} twice: keep one row")
        rows[name] = [value.strip() for value in values]
    match(rows, files, path)
    return rows


def _images(split: _Split, names: tuple[str, ...], size: int, attributes: bool = False) -> Images:
    """Images labelled int64 [N] by class, or int64 [N, A] in {0, 1} by attribute."""
    numbers = _ATTRIBUTE if attributes else {name: k for k, name in enumerate(names)}
    for name, values in split.rows.items():
        for value in set(values) - numbers.keys():
            raise RequestError(
                f"{split.path}: {name} has the label '{value}', which is none of "
                f"{', '.join(numbers)}: mend it"
            )
    labels = torch.tensor([[numbers[value] for value in row] for row in split.rows.values()])
    pictures = partial(contents, split.files, split.rows)
    pixels, kept = decode_all(pictures, len(split.rows), size, split.path)
    return Images(pixels, labels[kept] if attributes else labels[kept, 0], names)
