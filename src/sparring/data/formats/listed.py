"""Images whose labels stand in a list beside them: MNIST-M's release, and own sets with a CSV.

How a list is written, and which image a row means, is in tables.py; class folders are read by
folders.py, and never give way to a list that merely lies there.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sparring.data.files import (
    Files,
    entries,
    images_of,
    is_list,
    kinds,
    no_images,
    read_text,
    shared,
)
from sparring.data.formats.folders import are_classes
from sparring.data.images import DIGITS, Account, class_order, composed
from sparring.data.splits import Split, divide, marked, split_of, whole
from sparring.data.stored import ATTRIBUTE, Part, Stored, numbers, told_apart
from sparring.data.tables import LABELS, ROW_NUMBERS, Finder, Table, read_table, value
from sparring.errors import RequestError

_RELEASE = ("mnist_m_train", "mnist_m_test")


def found_release(folder: Path) -> bool:
    """Whether the lists of MNIST-M's release are there, and the folders beside them."""
    return all((folder / n).is_dir() and (folder / f"{n}_labels.txt").is_file() for n in _RELEASE)


def stored_release(folder: Path) -> Stored:
    """MNIST-M's release as it lies: PNG, and lists of `00000000.png 5`. Raises RequestError."""
    parts = []
    for name in _RELEASE:
        path = folder / f"{name}_labels.txt"
        files = images_of(entries(folder / name))
        rows = {line[0]: line[1:] for line in map(str.split, read_text(path).splitlines()) if line}
        for image, values in rows.items():
            if len(values) != 1:
                raise RequestError(f"{path}: {image} has {len(values)} labels, not 1: mend it")
        for missing, words in (
            (rows.keys() - files.keys(), "rows without an image"),
            (files.keys() - rows.keys(), "images without a row"),
        ):
            if missing:
                told = f"{len(missing)} {words}, the first is {min(missing)}"
                raise RequestError(f"{path}: {told}: download the set again")
        labels = numbers(rows, path, DIGITS, attributes=False)
        parts.append(Part.of(files, list(rows), labels))
    return Stored(folder, parts, DIGITS, Account())


@dataclass(frozen=True)
class _List:
    """A list that labels images. rows: by image. marks: the splits that a column names.

    left_out: rows that are of no use, by why.
    """

    name: str
    columns: tuple[str, ...]
    attributes: bool
    rows: Mapping[str, list[str]]
    marks: Mapping[str, Split | None]
    left_out: Counter[str]

    @property
    def split(self) -> Split | None:
        """The one that the list is named after, or a folder that it lies in."""
        return _split(self.name)


def _split(name: str) -> Split | None:
    stem = PurePosixPath(name).stem
    words = {split_of(word) for word in re.split("[ ._-]", stem)} - {None}
    if len(words) > 1:
        return None  # train_test_split.csv is for both
    return split_of(stem) or marked(name)[0]


def found(root: Path) -> bool:
    """Whether there is a list that labels images; beside class folders only `metadata.*` is."""
    if root.is_file() and is_list(root.name):
        return True
    files = entries(root)
    return any(_lists(_candidates(files), files))


def stored(root: Path, table: Path | None = None) -> Stored:
    """A folder or zip of images with lists as it lies, or the folder of the list `root`.

    One column of a list names images; one is called as in `tables.LABELS` and has classes, or all
    others are attributes of 0 or -1 and 1. A list named after a split, such as `train.csv`, is for
    that split; a column of splits is obeyed, and so are folders. table: the list to take, wherever
    it lies; no other counts then. Raises RequestError.
    """
    top = root
    if root.is_file() and is_list(root.name):
        places, table = root.absolute().parents[:2], root
        top = next((place for place in places if images_of(entries(place))), places[0])
    files = entries(top)
    named = {} if table is None else {_below(top, table): table}
    files |= named
    images = images_of(files)
    lists = list(_lists(named or _candidates(files), files))
    if not images:
        raise no_images(top, files)
    if not lists:
        raise RequestError(
            f"{table or root}: no list there names images, such as {next(iter(images))}, and "
            "labels: give it a header, a column of file names, and a column 'label' or columns of "
            "attributes"
        )
    account = Account()
    taken = _taken(lists, top, account)
    account.left_out += kinds(name for name in files if name not in [one.name for one in taken])
    for one in taken:
        account.left_out.update(one.left_out)
    rows = {image: row for one in taken for image, row in one.rows.items()}
    if len(rows) < sum(len(one.rows) for one in taken):
        raise RequestError(f"{top}: there are images in more than one list: keep them in one")
    bare = len(images) - len(rows) - account.left_out["rows without a label"]
    account.left_out["images without a row"] += max(0, bare)
    marks = {
        image: one.marks.get(image) or one.split or marked(image)[0]
        for one in taken
        for image in one.rows
    }
    return _stored(top, images, rows, marks, taken, account)


def _below(top: Path, table: Path) -> str:
    """What a list is called among the files of `top`, where it need not lie."""
    path, above = table.absolute(), top.absolute()
    return composed(path.relative_to(above).as_posix() if above in path.parents else path.name)


def _stored(
    top: Path,
    images: Files,
    rows: Mapping[str, list[str]],
    marks: Mapping[str, Split | None],
    taken: list[_List],
    account: Account,
) -> Stored:
    attributes, names = taken[0].attributes, taken[0].columns
    if not attributes:
        names = class_order(label for (label,) in rows.values())
        told_apart(names, taken[0].name)
    start = len(shared(images))  # the hash has ever been of the name from there
    short = {image[start:]: image for image in rows}
    groups = None if attributes else {name: rows[image][0] for name, image in short.items()}
    sides = divide({name: marks[image] for name, image in short.items()}, groups, top, account)
    parts = []
    for side in sides:
        some = {name: rows[short[name]] for name in side}
        labels = numbers(some, top, names, attributes=attributes)
        parts.append(Part.of({name: images[short[name]] for name in side}, side, labels))
    return Stored(top, parts, names, account)


def _lists(names: Iterable[str], files: Files) -> Iterator[_List]:
    """Those of the lists that label images. Raises RequestError where one contradicts itself."""
    images = images_of(files)
    for name in names:
        split = _split(name)
        mine = [image for image in images if split and marked(image)[0] == split]
        finder = Finder(mine or images, name.rpartition("/")[0])
        table = read_table(name, files[name])
        column = _image_column(table, finder)
        if column is not None and (one := _labelled(name, table, column, finder)):
            yield one


def _image_column(table: Table, finder: Finder) -> int | None:
    """The column that names the most different images, of some rows or of all."""
    for rows in (table.rows[:: len(table.rows) // 1000 + 1], table.rows):
        named = {
            column: len({finder(row[column]) for row in rows if column < len(row)} - {None})
            for column in range(len(table.columns))
            if table.plain(column) not in (*ROW_NUMBERS, *LABELS)
        }
        if any(named.values()):
            return max(named, key=named.__getitem__)
    return None


def _labelled(name: str, table: Table, image: int, finder: Finder) -> _List | None:
    """What a list says of images; None where it has no labels. Raises RequestError."""
    others = [c for c in range(len(table.columns)) if c != image]
    others = [c for c in others if table.plain(c) not in ROW_NUMBERS]
    splits = next((c for c in others if table.rows and all(map(split_of, table.values(c)))), None)
    others = [c for c in others if c != splits]
    classes = [c for word in LABELS for c in others if table.plain(c) == word][:1]
    if not classes and len(others) == 1 and not _binary(written := table.values(others[0])):
        if len({*written}) > len(written) / 2:
            return None  # a column of captions, say
        classes = others
    if not (labels := classes or others):
        return None
    _check(table, image, labels, finder, attributes=not classes)
    columns = tuple(table.columns[c] for c in labels)
    rows: dict[str, list[str]] = {}
    marks: dict[str, Split | None] = {}
    one = _List(name, columns, not classes, rows, marks, Counter())
    for row in table.rows:
        found, values = finder(row[image]), [value(row[c]) for c in labels]
        if found is None:
            one.left_out["rows without an image"] += 1
        elif "" in values:
            one.left_out["rows without a label"] += 1
        elif rows.setdefault(found, values) != values:
            raise RequestError(f"{table.place} lists {row[image]} twice: keep one row")
        elif splits is not None:
            marks[found] = split_of(row[splits])
    return one


def _binary(values: Iterable[str]) -> bool:
    return {*values} <= {*ATTRIBUTE, ""}


def _check(
    table: Table, image: int, labels: list[int], finder: Finder, *, attributes: bool
) -> None:
    """Raise RequestError where the header or a row is not what the other rows say."""
    names = [table.columns[c] for c in labels]
    if finder(table.columns[image]):
        raise RequestError(f"{table.place} has no header: begin it 'image_name,label'")
    if len(set(names)) < len(names):
        raise RequestError(f"{table.place}: give it the names of attributes, each once")
    for row in table.rows:
        if len(row) != len(table.columns):
            told = f"{row[0]} has {len(row) - 1} labels, not {len(table.columns) - 1}"
            raise RequestError(f"{table.place}: {told}: mend it")
    for c in labels if attributes else ():
        if wrong := {*table.values(c)} - {*ATTRIBUTE, ""}:
            raise RequestError(
                f"{table.place}: '{min(wrong)}' in the column '{table.columns[c]}' is none of "
                f"{', '.join(ATTRIBUTE)}: mend it, or call the column of classes 'label'"
            )


def _candidates(files: Files) -> list[str]:
    """The lists that may be taken: beside class folders only the hub's `metadata.*`."""
    only = are_classes(files)
    return [n for n in files if is_list(n) and (not only or PurePosixPath(n).stem == "metadata")]


def _taken(lists: list[_List], top: Path, account: Account) -> list[_List]:
    """The lists of both splits where there are such, else the one that labels most images."""
    by_split = {one.split: one for one in reversed(lists)}
    taken = [max(lists, key=lambda one: len(one.rows))]
    if whole(by_split):
        taken = [one for split, one in by_split.items() if split]
        if len({(one.columns, one.attributes) for one in taken}) > 1:
            names = " and ".join(one.name for one in taken)
            raise RequestError(f"{top}: {names} have different columns: mend one")
    if rest := [one.name for one in lists if one not in taken]:
        names = ", ".join(one.name for one in taken)
        words = f"labels from {names}; to take {rest[0]}, name it: {top / rest[0]}"
        account.notes.append(words)
    return taken
