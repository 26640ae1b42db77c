"""Images whose labels stand in a list beside them: MNIST-M's release, and own sets with a CSV.

Class folders are read by folders.py, with the same `labelled`.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from sparring.data.decode import decode_all
from sparring.data.files import (
    Entry,
    below,
    contents,
    entries,
    hash_split,
    images_of,
    read_text,
    unwrapped,
)
from sparring.data.images import DIGITS, Images, class_order, composed
from sparring.errors import RequestError

_RELEASE = ("mnist_m_train", "mnist_m_test")

Files = Mapping[str, Entry]
Rows = dict[str, list[str]]
"""By image name, its labels as written: one class, or one value per attribute."""


def found_release(folder: Path) -> bool:
    """Whether the lists of MNIST-M's release are there, and the folders beside them."""
    return all((folder / n).is_dir() and (folder / f"{n}_labels.txt").is_file() for n in _RELEASE)


def read_release(folder: Path, size: int) -> tuple[Images, Images]:
    """Read MNIST-M as released: folders of PNG, and lists of `00000000.png 5`."""

    def split(name: str) -> Images:
        path = folder / f"{name}_labels.txt"
        files = images_of(entries(folder / name))
        rows = rows_of(map(str.split, read_text(path).splitlines()), 1, files, path)
        return labelled(rows, files, path, DIGITS, size, attributes=False)

    train, test = map(split, _RELEASE)
    return train, test


def found(root: Path) -> bool:
    """Whether there is a CSV in the folder or zip."""
    return any(map(_is_list, entries(root)))


def _is_list(name: str) -> bool:
    return name.lower().endswith(".csv")


def read(root: Path, size: int) -> tuple[Images, Images]:
    """Read a folder or zip of images with `train.csv` and `test.csv`, or one CSV for all.

    A CSV begins `image_name,label`, and labels are classes; or `image_name,` and the names of
    attributes, with values 0 and 1, or -1 and 1. Image names are relative to `train/` and
    `test/`; with one CSV, to the folder that all images share, and the split is `hash_split`.
    """
    names, sides = _sides(root)
    attributes = names != ("label",)
    if not attributes:
        names = class_order(label for rows, _, _ in sides for (label,) in rows.values())
    train, test = (labelled(*side, names, size, attributes=attributes) for side in sides)
    return train, test


def _sides(root: Path) -> tuple[tuple[str, ...], list[tuple[Rows, Files, Entry]]]:
    """The columns of labels; and for train and for test the rows, the images and the list."""
    files = entries(root)
    images = unwrapped(images_of(files))
    lists = {name.split("/")[-1].lower(): e for name, e in files.items() if _is_list(name)}
    if len(lists) == 1:
        (path,) = lists.values()
        columns, rows = _listed(path, images)
        parts = hash_split(rows, root)
        return columns, [({name: rows[name] for name in part}, images, path) for part in parts]
    if not {"train.csv", "test.csv"} <= lists.keys():
        raise RequestError(
            f"{root} has {len(lists)} CSV files ({', '.join(lists)}): "
            "keep one, or name two train.csv and test.csv"
        )
    places = [(below(images, split), lists[f"{split}.csv"]) for split in ("train", "test")]
    (columns, train), (others, test) = (_listed(path, part) for part, path in places)
    if columns != others:
        raise RequestError(f"{root}: train.csv and test.csv have different columns: mend one")
    return columns, [(train, *places[0]), (test, *places[1])]


def _listed(path: Entry, files: Files) -> tuple[tuple[str, ...], Rows]:
    """The columns of a CSV after the first, and its rows, one for each of `files`."""
    try:
        header, *lines = [*csv.reader(read_text(path).splitlines())] or [[""]]
    except csv.Error as error:
        raise RequestError(f"{path} is no CSV ({error}): write it anew") from error
    first, *columns = (composed(name.strip()) for name in header or [""])
    if first != "image_name" or not columns or len(set(columns)) < len(columns):
        raise RequestError(
            f"{path} begins '{','.join(header)}': begin it 'image_name,label', "
            "or 'image_name,' and the names of attributes, each once"
        )
    return tuple(columns), rows_of(lines, len(columns), files, path)


def rows_of(lines: Iterable[Sequence[str]], columns: int, files: Files, path: Entry) -> Rows:
    """Rows by image name; empty lines do not count.

    Raises RequestError unless each of `files` has one row, of a name and `columns` labels.
    """
    rows: Rows = {}
    for name, *values in filter(None, lines):
        if len(values) != columns:
            raise RequestError(f"{path}: {name} has {len(values)} labels, not {columns}: mend it")
        if composed(name) in rows:
            raise RequestError(f"{path} lists {name} twice: keep one row")
        rows[composed(name)] = [composed(value.strip()) for value in values]
    for missing, what, lacking in (
        (rows.keys() - files.keys(), "rows", "an image"),
        (files.keys() - rows.keys(), "images", "a row"),
    ):
        if missing:
            raise RequestError(
                f"{path}: {len(missing)} {what} without {lacking}, the first is {min(missing)}: "
                "add what is missing, or take it out"
            )
    return rows


def labelled(
    rows: Rows, files: Files, where: object, names: tuple[str, ...], size: int, *, attributes: bool
) -> Images:
    """The images of `rows`, their labels int64 [N] by class, or [N, A] in {0, 1} by attribute."""
    numbers = {name: number for number, name in enumerate(names)}
    if attributes:
        numbers = {"0": 0, "1": 1, "-1": 0}
    for name, values in rows.items():
        for wrong in set(values) - numbers.keys():
            raise RequestError(
                f"{where}: {name} has the label '{wrong}', which is none of "
                f"{', '.join(numbers)}: mend it"
            )
    table = torch.tensor([[numbers[value] for value in row] for row in rows.values()])
    pixels, kept = decode_all(partial(contents, files, rows), len(rows), size, where)
    return Images(pixels, table[kept] if attributes else table[kept, 0], names)
