"""Images in parquet files of the hub's schema: `image: struct<bytes, path>` and `label: int`.

Knows the schema and how the hub names its shards; knows nothing of particular sets.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from sparring.data.decode import decode_all
from sparring.data.files import damaged
from sparring.data.images import Images
from sparring.data.pixels import DIGITS, check_labels
from sparring.errors import RequestError, check_name

_PLACES = ("", "data", "cropped_digits")
_BATCH = 256
# What damaged bytes make pyarrow raise.
_DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError)
_SHARD = re.compile(r"-of-(\d{1,6})(-\w+)?$")
_MAX_CLASSES = 100_000  # a damaged label must not ask for names without end


def found(folder: Path) -> bool:
    """Whether there is a parquet file of each split."""
    return all(_shards(folder, split) for split in ("train", "test"))


def read_digits(folder: Path, size: int) -> tuple[Images, Images]:
    """Read train and test digits; the label column must be there. Raises RequestError."""
    train, test = (_split(_complete(folder, split), size, DIGITS) for split in ("train", "test"))
    for images in (train, test):
        if images.labels is None:
            raise RequestError(f"{folder} has no column 'label': download the set again")
    return train, test


def read(folder: Path, size: int) -> tuple[Images, Images]:
    """Read the two splits of any set in this schema.

    A split without the column `label` is unlabelled. Class names are those that the hub wrote
    into the file, or else the numbers. Raises RequestError.
    """
    splits = [_complete(folder, split) for split in ("train", "test")]
    names = _class_names(splits)
    train, test = (_split(shards, size, names) for shards in splits)
    return train, test


def _shards(folder: Path, split: str) -> list[Path]:
    """The files of one split: `train.parquet`, or the hub's `train-00000-of-00002.parquet`."""
    for place in (folder / sub for sub in _PLACES):
        whole = place / f"{split}.parquet"
        shards = [whole] if whole.is_file() else sorted(place.glob(f"{split}-*-of-*.parquet"))
        if shards:
            return shards
    return []


def _complete(folder: Path, split: str) -> list[Path]:
    """The files of one split. Raises RequestError where some or all are missing."""
    shards = _shards(folder, split)
    if not shards:
        raise RequestError(
            f"{folder} has no {split} split: put {split}.parquet or "
            f"{split}-00000-of-00001.parquet there"
        )
    # After the count the hub sometimes writes a hash: train-00000-of-00002-a09b74b3ef9c3b56
    counted = _SHARD.search(shards[0].stem)
    promised = int(counted[1]) if counted else 1
    if len(shards) != promised:
        raise RequestError(
            f"{shards[0].parent} has {len(shards)} of {promised} {split} shards: "
            "download the missing ones"
        )
    return shards


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except _DAMAGE as error:
        raise damaged(path, error) from error


def _split(shards: Sequence[Path], size: int, names: tuple[str, ...]) -> Images:
    place = shards[0] if len(shards) == 1 else shards[0].parent
    labels = _labels(shards)
    count = sum(_open(path).metadata.num_rows for path in shards)
    rows = partial(_rows, shards)
    pixels, kept = decode_all(rows, count, size, place)
    if labels is None:
        return Images(pixels, None, names)
    check_labels(labels, len(names), place)
    if len(labels) != count:
        raise damaged(place, f"{len(labels)} labels of {count} images")
    return Images(pixels, labels[kept], names)


def _rows(shards: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """A name for the log, and the compressed picture, of each row."""
    return chain.from_iterable(map(_rows_of, shards))


def _rows_of(path: Path) -> Iterator[tuple[str, bytes]]:
    file = _open(path)
    if not _has_pictures(file.schema_arrow):
        raise RequestError(f"{path} has no column image{{bytes, path}}: write it in that schema")
    number = 0
    for batch in _batches(file, path, "image.bytes"):
        for picture in batch.column("image").field("bytes"):
            # A row without bytes does not decode, and is counted there.
            yield f"{path.name} row {number}", picture.as_py() or b""
            number += 1


def _has_pictures(schema: pa.Schema) -> bool:
    """Whether there is one column `image`, a struct with one field `bytes`, of bytes."""
    if schema.names.count("image") != 1 or not pa.types.is_struct(schema.field("image").type):
        return False
    inside = list(schema.field("image").type)
    kinds = [field.type for field in inside if field.name == "bytes"]
    return len(kinds) == 1 and (pa.types.is_binary(kinds[0]) or pa.types.is_large_binary(kinds[0]))


def _batches(file: pq.ParquetFile, path: Path, column: str) -> Iterator[pa.RecordBatch]:
    left = file.metadata.num_rows
    try:
        for batch in file.iter_batches(_BATCH, columns=[column]):
            left -= batch.num_rows
            if left < 0:  # a few bytes may say "the same again" without end
                raise ValueError("more rows than promised")
            yield batch
    except _DAMAGE as error:
        raise damaged(path, error) from error


def _labels(shards: Sequence[Path]) -> Tensor | None:
    """Labels of all rows, int64 [N]; None where a file has no such column."""
    columns: list[np.ndarray] = []
    for path in shards:
        file = _open(path)
        if "label" not in file.schema_arrow.names:
            return None
        if file.schema_arrow.names.count("label") > 1:
            raise RequestError(f"{path} has two columns 'label': keep one")
        kind = file.schema_arrow.field("label").type
        if not pa.types.is_integer(kind):
            raise RequestError(f"{path}: column 'label' is {kind}: write class numbers from 0")
        for batch in _batches(file, path, "label"):
            column = batch.column("label")
            if column.null_count:
                raise RequestError(f"{path}: there are rows without a label: give every row one")
            columns.append(column.to_numpy(zero_copy_only=False).astype(np.int64))
    return torch.from_numpy(np.concatenate(columns)) if columns else None


def _class_names(splits: Sequence[Sequence[Path]]) -> tuple[str, ...]:
    """The names that the hub keeps in the file's metadata, or else "0" to the greatest label."""
    metadata = _open(splits[0][0]).schema_arrow.metadata or {}
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"]["label"]["names"]
    except (KeyError, ValueError, TypeError, RecursionError):
        names = None
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        for name in names:
            check_name(name)
        return tuple(names)
    known = [part for part in map(_labels, splits) if part is not None]
    if not known:
        return ()
    labels = torch.cat(known)
    check_labels(labels, _MAX_CLASSES, splits[0][0].parent)
    return tuple(map(str, range(1 + int(labels.max()))))
