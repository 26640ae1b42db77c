"""Images in parquet files of the hub's schema: `image: struct<bytes, path>` and `label: int`."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sparring.data.decode import decode_all
from sparring.data.files import damaged
from sparring.data.images import Images, composed
from sparring.data.pixels import class_numbers
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


def read(folder: Path, size: int, names: tuple[str, ...] = ()) -> tuple[Images, Images]:
    """Read the two splits of any set in this schema.

    A split without the column `label` is unlabelled. Class names are those given, or that the hub
    wrote into the file, or else the numbers. Raises RequestError.
    """
    splits = [_complete(folder, split) for split in ("train", "test")]
    labels = [_labels(shards) for shards in splits]
    names = names or _hub_names(splits[0][0])
    if not names:
        tops = [int(part.max()) for part in labels if part is not None]
        names = tuple(map(str, range(min(1 + max(tops, default=-1), _MAX_CLASSES))))
    train, test = (_split(*split, size, names) for split in zip(splits, labels, strict=True))
    return train, test


def _shards(folder: Path, split: str) -> list[Path]:
    """The files of a split: `train.parquet`, or the hub's `train-00000-of-00002.parquet`, ..."""
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


def _split(
    shards: Sequence[Path], labels: np.ndarray | None, size: int, names: tuple[str, ...]
) -> Images:
    place = shards[0] if len(shards) == 1 else shards[0].parent
    numbers = None if labels is None else class_numbers(labels, len(names), place)
    count = sum(_open(path).metadata.num_rows for path in shards)
    pixels, kept = decode_all(partial(_rows, shards), count, size, place)
    return Images(pixels, None if numbers is None else numbers[kept], names)


def _open(path: Path) -> pq.ParquetFile:
    """The file, once its columns are what they should be. Raises RequestError."""
    try:
        file = pq.ParquetFile(path)
    except _DAMAGE as error:
        raise damaged(path, error) from error
    schema = file.schema_arrow
    image = schema.field("image").type if schema.names.count("image") == 1 else pa.null()
    place = image.get_field_index("bytes") if pa.types.is_struct(image) else -1
    if place < 0 or image.field(place).type not in (pa.binary(), pa.large_binary()):
        raise RequestError(f"{path} has no column image{{bytes, path}}: write it in that schema")
    labels = [field.type for field in schema if field.name == "label"]
    if len(labels) > 1 or not all(map(pa.types.is_integer, labels)):
        told = ", ".join(map(str, labels))
        raise RequestError(f"{path}: column 'label' is {told}: write one, of class numbers from 0")
    return file


def _rows(shards: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """A name for the log, and the compressed picture, of each row."""
    for path in shards:
        pictures = chain.from_iterable(_column(path, "image.bytes"))
        # A row without bytes does not decode, and is counted there.
        yield from ((f"{path.name} row {k}", p.as_py() or b"") for k, p in enumerate(pictures))


def _column(path: Path, name: str) -> Iterator[pa.Array]:
    """The values of `image.bytes` or `label`, as many as the file promises, some at a time."""
    file = _open(path)
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


def _labels(shards: Sequence[Path]) -> np.ndarray | None:
    """Labels of all rows, int64 [N]; None where a file has no such column."""
    columns: list[np.ndarray] = []
    for path in shards:
        if "label" not in _open(path).schema_arrow.names:
            return None
        for column in _column(path, "label"):
            if column.null_count:
                raise RequestError(f"{path}: there are rows without a label: give every row one")
            columns.append(column.to_numpy(zero_copy_only=False).astype(np.int64))
    return np.concatenate(columns) if columns else None


def _hub_names(path: Path) -> tuple[str, ...]:
    """The class names in the metadata that the hub writes; none where there are none."""
    metadata = _open(path).schema_arrow.metadata or {}
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"]["label"]["names"]
        names = tuple(map(composed, names)) if isinstance(names, list) else ()
    except (KeyError, ValueError, TypeError, RecursionError):
        return ()
    for name in names:
        check_name(name)
    return names
