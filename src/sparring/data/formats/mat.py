"""SVHN's cropped digits in their official MATLAB files.

Knows the two .mat files; the hub's copy of SVHN is read by parquet.py. The format is MATLAB's
"Level 5 MAT-File Format", of which arrays of real numbers are read: scipy's reader takes all the
memory that a small file asks for, and damaged files have made it crash the process.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from sparring.data.files import MAX_BYTES, damaged, too_large
from sparring.data.files import read as read_file
from sparring.data.images import Images
from sparring.data.pixels import class_numbers, digit_images

_NAMES = ("train_32x32.mat", "test_32x32.mat")

_ORDERS = {b"\0\1IM": "<", b"\1\0MI": ">"}  # version and byte order, at the end of the header
_MATRIX, _COMPRESSED = 14, 15
_STORED = dict(zip((1, 2, 3, 4, 5, 6, 7, 9, 12, 13), "bBhHiIfdqQ", strict=True))
_CLASSES = dict(enumerate("dfbBhHiIqQ", start=6))
_COMPLEX = 0x800


def found(folder: Path) -> bool:
    """Whether both files are there."""
    return all((folder / name).is_file() for name in _NAMES)


def read(folder: Path, size: int) -> tuple[Images, Images]:
    """Read SVHN's train and test digits as RGB of `size`. Raises RequestError."""
    train, test = (_split(folder / name, size) for name in _NAMES)
    return train, test


def _split(path: Path, size: int) -> Images:
    stored = _variables(path)
    images, labels = stored.get("X"), stored.get("y")
    if images is None or labels is None:
        raise damaged(path, "it does not hold X and y")
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[:3] != (32, 32, 3):
        raise damaged(path, f"X is {images.dtype} {images.shape}, not uint8 (32, 32, 3, N)")
    if labels.shape != (images.shape[3], 1):
        raise damaged(path, f"y is {labels.dtype} {labels.shape}, not ({images.shape[3]}, 1)")
    pixels = torch.from_numpy(np.ascontiguousarray(images.transpose(3, 2, 0, 1)))
    classes = class_numbers(labels[:, 0], path)
    classes[classes == 10] = 0  # MATLAB counts from 1: its tenth class is the digit 0
    return digit_images(pixels, classes, size, path)


def _variables(path: Path) -> dict[str, np.ndarray]:
    """The arrays X and y, as far as they are there."""
    data = read_file(path)
    order = _ORDERS.get(data[124:128])
    if order is None:
        raise damaged(path, "it is no MATLAB 5 file")
    try:
        top = _top(memoryview(data)[128:], order, path)
        named = {m.name: m for m in (_matrix(part, order) for kind, part in top if kind == _MATRIX)}
        return {name: _array(named[name], order) for name in ("X", "y") if name in named}
    except (ValueError, KeyError, struct.error, zlib.error) as error:
        raise damaged(path, error) from error


Element = tuple[int, memoryview]


def _top(data: memoryview, order: str, path: Path) -> Iterator[Element]:
    """Type and bytes of each variable, unpacked."""
    room = MAX_BYTES
    for kind, part in _elements(data, order, padded=False):
        if kind != _COMPRESSED:
            yield kind, part
            continue
        unpacker = zlib.decompressobj()
        whole = unpacker.decompress(part, room)
        if unpacker.unconsumed_tail or len(whole) >= room:
            raise too_large(path, MAX_BYTES)
        if not unpacker.eof:
            raise ValueError("a compressed part is cut short")
        room -= len(whole)
        yield from _elements(memoryview(whole), order, padded=False)


def _elements(data: memoryview, order: str, *, padded: bool) -> Iterator[Element]:
    """Type and bytes of each data element; those inside a matrix are padded to 8 bytes."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, at)
        start = at + 8
        if kind >> 16:  # up to four bytes stand in the tag itself, after their number
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        part = data[start : start + size]
        if len(part) < size:
            raise ValueError(f"{len(part)} bytes of {size}")
        yield kind, part
        at = at + 8 if start == at + 4 else start + size + (-size % 8 if padded else 0)


class _Matrix(NamedTuple):
    """A variable: its flags, its shape, and the first element of its values."""

    name: str
    flags: int
    shape: tuple[int, ...]
    values: Element


def _matrix(data: memoryview, order: str) -> _Matrix:
    parts = list(islice(_elements(data, order, padded=True), 4))
    if len(parts) < 4:
        raise ValueError("a variable is cut short")
    (_, flags), (_, shape), (_, name), values = parts
    sizes = struct.unpack(f"{order}{len(shape) // 4}I", shape)
    return _Matrix(
        bytes(name).decode("latin-1"), struct.unpack(f"{order}II", flags)[0], sizes, values
    )


def _array(matrix: _Matrix, order: str) -> np.ndarray:
    kind, data = matrix.values
    stated = _CLASSES.get(matrix.flags & 0xFF)
    if matrix.flags & _COMPLEX or stated is None or kind not in _STORED:
        raise ValueError(f"{matrix.name} is no array of real numbers")
    stored = np.frombuffer(data, np.dtype(order + _STORED[kind]))
    if math.prod(matrix.shape) != len(stored):
        raise ValueError(f"{matrix.name} has {len(stored)} values, not as many as its shape says")
    with np.errstate(invalid="ignore"):  # a damaged type can ask for whole numbers from NaN
        return stored.astype(stated).reshape(matrix.shape, order="F")
