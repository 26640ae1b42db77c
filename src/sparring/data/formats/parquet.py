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
from sparring.data.labels import DIGITS, check_labels, composed
from sparring.errors import RequestError, check_name

_PLACES = ("", "data", "cropped_digits")
# What damaged bytes make pyarrow raise.
_DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError)
# After the count the hub sometimes writes a hash: train-00000-of-00002-a09b74b3ef9c3b56
_SHARD = re.compile(r"-of-(\d{1,6})(-\w+)?$")
_MAX_CLASSES = 100_000  # a damaged label must not ask for names without end


def found(folder: Path) -> bool:
    """Whether there is a parquet file of each split."""
    return all(_shards(folder, split) for split in ("train", "test"))


def read_digits(folder: Path, size: int) -> tuple[Images, Images]:
    """Read train and test digits; the label column must be there. Raises RequestError."""
    train, test = (_split(_complete(folder, split), size, DIGITS) for split in ("train", "test"))
    if train.labels is None or test.labels is None:
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
    """The files of one split that `found` found. Raises RequestError where shards are missing."""
    shards = _shards(folder, split)
    counted = _SHARD.search(shards[0].stem)
    promised = int(counted[1]) if counted else 1
    if len(shards) != promised:
        raise RequestError(
            f"{shards[0].parent} has {len(shards)} of {promised} {split} shards: "
            "download the missing ones"
        )
    return shards


def _split(shards: Sequence[Path], size: int, names: tuple[str, ...]) -> Images:
    place = shards[0] if len(shards) == 1 else shards[0].parent
    labels = _labels(shards)
    if labels is not None:  # before the decoding, which takes long
        check_labels(labels, len(names), place)
    count = sum(_open(path).metadata.num_rows for path in shards)
    pixels, kept = decode_all(partial(_rows, shards), count, size, place)
    return Images(pixels, None if labels is None else labels[kept], names)


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except _DAMAGE as error:
        raise damaged(path, error) from error


def _rows(shards: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """A name for the log, and the compressed picture, of each row."""
    for path in shards:
        pictures = chain.from_iterable(_column(path, "image.bytes"))
        # A row without bytes does not decode, and is counted there.
        yield from ((f"{path.name} row {k}", p.as_py() or b"") for k, p in enumerate(pictures))


def _column(path: Path, name: str) -> Iterator[pa.Array]:
    """The values of `image.bytes` or `label`, as many as the file promises, some at a time."""
    file = _open(path)
    _check_schema(file.schema_arrow, path)
    left = file.metadata.num_rows
    try:
        for batch in file.iter_batches(256, columns=[name]):
            left -= batch.num_rows
            if left < 0:  # a few bytes may say "the same again" without end
                break
            yield batch["image"].field("bytes") if name == "image.bytes" else batch[name]
    except _DAMAGE as error:
        raise damaged(path, error) from error
    if left:
        raise damaged(path, "it holds another number of rows than it promises")


def _check_schema(schema: pa.Schema, path: Path) -> None:
    """Raise RequestError unless `image` is a struct with bytes and `label`, if any, is whole."""
    image = schema.field("image").type if schema.names.count("image") == 1 else pa.null()
    place = image.get_field_index("bytes") if pa.types.is_struct(image) else -1
    if place < 0 or image.field(place).type not in (pa.binary(), pa.large_binary()):
        raise RequestError(f"{path} has no column image{{bytes, path}}: write it in that schema")
    labels = [field.type for field in schema if field.name == "label"]
    if len(labels) > 1:
        raise RequestError(f"{path} has two columns 'label': keep one")
    if labels and not pa.types.is_integer(labels[0]):
        raise RequestError(f"{path}: column 'label' is {labels[0]}: write class numbers from 0")


def _labels(shards: Sequence[Path]) -> Tensor | None:
    """Labels of all rows, int64 [N]; None where a file has no such column."""
    columns: list[np.ndarray] = []
    for path in shards:
        if "label" not in _open(path).schema_arrow.names:
            return None
        for column in _column(path, "label"):
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
        return tuple(map(composed, names))
    known = [part for part in map(_labels, splits) if part is not None]
    if not known:
        return ()
    labels = torch.cat(known)
    check_labels(labels, _MAX_CLASSES, splits[0][0].parent)
    return tuple(map(str, range(1 + int(labels.max()))))
