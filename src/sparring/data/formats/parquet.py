"""Images in parquet files of the hub's schema: `image: struct<bytes, path>`, and labels beside it.

Labels are whole numbers, text, or a column of true and false for each attribute.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from sparring.data.files import damaged, entries, images_of
from sparring.data.images import Account, class_order, composed
from sparring.data.pixels import class_numbers
from sparring.data.splits import Split, divide, marked, split_of, whole
from sparring.data.stored import Part, Stored, told_apart
from sparring.data.tables import LABELS, plain
from sparring.errors import RequestError, check_name

_PREFERRED = ("", "data", "cropped_digits")  # of several places; SVHN has full_numbers too
# What damaged bytes make pyarrow raise.
_DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError)
# After the count the hub sometimes writes a hash: train-00000-of-00002-a09b74b3ef9c3b56
_SHARD = re.compile(r"-of-(\d{1,6})(-\w+)?$")
_MAX_CLASSES = 100_000  # a damaged label must not ask for names without end


@dataclass(frozen=True)
class _File:
    """One file, once its columns are what they should be.

    name: its path below the set. image, labels: the names of its columns: of one of classes, or of
    one for each attribute. names: of the classes, as the hub wrote them.
    """

    path: Path
    name: str
    split: Split | None
    count: int
    image: str
    labels: tuple[str, ...]
    attributes: bool
    names: tuple[str, ...]

    def rows(self) -> list[str]:
        """A name for each row."""
        return [f"{self.name} row {k}" for k in range(self.count)]


def found(folder: Path) -> bool:
    """Whether there are files for training and for testing."""
    return folder.is_dir() and whole(_split(path, folder) for path in _paths(folder))


def found_any(folder: Path) -> bool:
    """Whether this is such a file, or a folder of them that holds no images beside."""
    return bool(_paths(folder)) and not (folder.is_dir() and images_of(entries(folder)))


def stored(folder: Path, names: tuple[str, ...] = ()) -> Stored:
    """Any set in this schema as it lies. names: of the classes, instead of the file's.

    A split without a column of labels, or with -1 alone, is unlabelled. Class names are those
    given, or the text, or what the hub wrote into the file, or else the numbers. Raises
    RequestError.
    """
    account = Account()
    files = _files(folder, account)
    marks = {row: file.split for file in files for row in file.rows()}
    values = {file: found for file in files if (found := _labels(file)) is not None}
    if len({(file.labels, file.attributes) for file in values}) > 1:
        raise RequestError(f"{folder}: its files have different columns of labels: mend one")
    names, numbers = _numbers(values, names, folder)
    for file in values:
        for row in file.rows():
            if row not in numbers:
                del marks[row]
                account.left_out["rows without a label"] += 1
    attributes = any(file.attributes for file in values)
    groups = numbers if numbers.keys() == marks.keys() and not attributes else None
    parts = []
    for side in divide(marks, groups, folder, account):
        labelled = bool(side) and all(row in numbers for row in side)
        labels = torch.tensor([numbers[row] for row in side]) if labelled else None
        items = partial(_pictures, files, frozenset(side))
        parts.append(Part(items, items, len(side), labels))
    return Stored(folder, parts, names, account)


def _paths(folder: Path) -> list[Path]:
    if folder.is_dir():
        return sorted(folder.rglob("*.parquet"))
    return [folder] if folder.suffix == ".parquet" else []


def _split(path: Path, folder: Path) -> Split | None:
    """The split of `train.parquet`, `train-00000-of-00002.parquet` or `train/0000.parquet`."""
    stem = path.stem.partition("-of-")[0].rpartition("-")[0] if "-of-" in path.stem else path.stem
    return split_of(stem) or marked(path.relative_to(folder).as_posix())[0]


def _files(folder: Path, account: Account) -> list[_File]:
    """The files that are read: of one configuration, and where there are splits, of these.

    Raises RequestError where it is not clear which, or shards are missing.
    """
    places: dict[str, dict[Path, Split | None]] = {}
    top = folder if folder.is_dir() else folder.parent
    for path in _paths(folder):
        _, name = marked(path.relative_to(top).as_posix())
        places.setdefault(name.rpartition("/")[0], {})[path] = _split(path, top)
    place = next((place for place in (*_PREFERRED, *places) if place in places), "")
    if len(places) > 1:
        if place not in _PREFERRED:
            raise RequestError(
                f"{folder} has the configurations {', '.join(places)}: name one, as {top / place}"
            )
        account.notes.append(f"read from {top / place}, not from {', '.join({*places} - {place})}")
    paths = places[place]
    split = {path: there for path, there in paths.items() if there} or paths
    if left := len(paths) - len(split):
        account.left_out["parquet files in no split"] += left
    for there in dict.fromkeys(split.values()):
        _complete([path for path in split if split[path] == there], there)
    return [_file(path, path.relative_to(top).as_posix(), there) for path, there in split.items()]


def _complete(paths: Sequence[Path], split: Split | None) -> None:
    """Raise RequestError where some of the numbered files of a split are missing."""
    counted = [found for path in paths if (found := _SHARD.search(path.stem))]
    if counted and len(counted) != int(counted[0][1]):
        raise RequestError(
            f"{paths[0].parent} has {len(counted)} of {int(counted[0][1])} {split} shards: "
            "add the missing ones"
        )


def _file(path: Path, name: str, split: Split | None) -> _File:
    """The file with its columns. Raises RequestError where it has none of images."""
    file = _open(path)
    fields = list(file.schema_arrow)
    images = [field.name for field in fields if _holds_pictures(field.type)]
    if not file.metadata.num_rows:
        raise RequestError(f"{path} has no rows: remove it, or write it anew")
    if len({field.name for field in fields}) < len(fields) or not images:
        told = ", ".join(f"{field.name} ({str(field.type)[:40]})" for field in fields[:6])
        raise RequestError(
            f"{path} has no column image{{bytes, path}}, or two of one name, but {told}: "
            "write it in that schema"
        )
    by_word = {plain(field.name): field for field in fields if field.name not in images}
    label = next((by_word[word] for word in LABELS if word in by_word), None)
    if label is not None and not _holds_classes(label.type):
        told = f"column '{label.name}' is {label.type}"
        raise RequestError(f"{path}: {told}: write class numbers from 0, or their names")
    bools = tuple(field.name for field in fields if pa.types.is_boolean(field.type))
    return _File(
        path,
        name,
        split,
        file.metadata.num_rows,
        "image" if "image" in images else images[0],
        bools if label is None else (label.name,),
        label is None and bool(bools),
        () if label is None else _hub_names(file.schema_arrow, label.name),
    )


def _holds_pictures(kind: pa.DataType) -> bool:
    place = kind.get_field_index("bytes") if pa.types.is_struct(kind) else -1
    return place >= 0 and kind.field(place).type in (pa.binary(), pa.large_binary())


def _holds_classes(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = (pa.types.is_integer, pa.types.is_string, pa.types.is_large_string)
    return any(test(kind) for test in (*tests, pa.types.is_boolean))


def _open(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
        file.schema_arrow  # noqa: B018 (it is read only here)
    except _DAMAGE as error:
        raise damaged(path, error) from error
    return file


def _pictures(files: Sequence[_File], wanted: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """A name for the log, and the compressed picture, of each wanted row."""
    for file in files:
        names = file.rows()
        if not wanted.isdisjoint(names):
            pictures = chain.from_iterable(_column(file, file.image, "bytes"))
            # A row without bytes does not decode, and is counted there.
            rows = zip(names, pictures, strict=True)
            yield from ((name, p.as_py() or b"") for name, p in rows if name in wanted)


def _column(file: _File, name: str, field: str = "") -> Iterator[pa.Array]:
    """The values of a column, or of a field in it, some at a time.

    Raises RequestError unless they are as many as the file promises.
    """
    left = file.count
    try:
        for batch in _open(file.path).iter_batches(
            256, columns=[f"{name}.{field}" if field else name]
        ):
            left -= batch.num_rows
            if left < 0:  # a few bytes may say "the same again" without end
                break
            yield batch[0].field(field) if field else batch[0]
    except _DAMAGE as error:
        raise damaged(file.path, error) from error
    if left:
        raise damaged(file.path, "it holds another number of rows than it promises")


def _labels(file: _File) -> dict[str, Any] | None:
    """By row its label, or its attributes, if it has them; None of an unlabelled file."""
    columns = [
        chain.from_iterable(part.to_pylist() for part in _column(file, name))
        for name in file.labels
    ]
    try:
        rows = dict(zip(file.rows(), zip(*columns, strict=True), strict=True)) if columns else {}
    except _DAMAGE as error:  # such as text that is no UTF-8
        raise damaged(file.path, error) from error
    if not rows or {*rows.values()} <= {(-1,), (None,)}:  # the hub's sign for test labels kept back
        return None
    whole = {row: values for row, values in rows.items() if None not in values}
    return whole if file.attributes else {row: label for row, (label,) in whole.items()}


def _numbers(
    labels: Mapping[_File, dict[str, Any]], names: tuple[str, ...], where: Path
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names of classes or attributes, and by row its class number, or a list of 0 and 1."""
    if not labels:
        return names, {}
    first = next(iter(labels))
    values = [label for found in labels.values() for label in found.values()]
    if first.attributes:
        rows = {row: list(map(int, v)) for found in labels.values() for row, v in found.items()}
        return first.labels, rows
    if not all(isinstance(value, int) for value in values):
        written = {row: composed(str(v)) for found in labels.values() for row, v in found.items()}
        names = class_order(written.values())
        told_apart(names, where)
        for name in names:
            check_name(name)
        places = {name: place for place, name in enumerate(names)}
        return names, {row: places[name] for row, name in written.items()}
    hub = {file.names for file in labels if file.names}
    if len(hub) > 1 and not names:
        raise RequestError(f"{where}: its files name the classes differently: mend one")
    names = names or next(iter(hub), ())
    names = names or tuple(map(str, range(min(1 + max(values), _MAX_CLASSES))))
    numbers: dict[str, Any] = {}
    for file, found in labels.items():
        checked = class_numbers(np.array(list(map(int, found.values()))), len(names), file.path)
        numbers |= dict(zip(found, checked.tolist(), strict=True))
    return names, numbers


def _hub_names(schema: pa.Schema, label: str) -> tuple[str, ...]:
    """The class names in the metadata that the hub writes; none where there are none."""
    try:
        hub = json.loads((schema.metadata or {})[b"huggingface"])
        names = hub["info"]["features"][label]["names"]
        names = tuple(map(composed, names)) if isinstance(names, list) else ()
    except (KeyError, ValueError, TypeError, RecursionError):
        return ()
    for name in names:
        check_name(name)
    return names
