"""Reads archives of arrays (npz) that someone else may have made, in bounded memory.

Knows numpy's format, and which arrays a figure can be drawn from; knows no run and no figure.
"""

import io
import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from sparring.report.checked import MAX_BYTES, MAX_CLASSES, Unfit

Array = np.ndarray[Any, np.dtype[Any]]

MAX_POINTS, MAX_SIDE, MAX_TILES, MAX_COLUMNS = 100_000, 256, 400, 50
"""The most points of an embedding; the largest picture; the most pictures, in all and in a row."""

_PICTURES = {
    "samples": 1,
    "pairs": 2,
    "progress": 2,
    "suspects": 1,
    "suspects_nearest": 1,
    "change_means": 2,
}
"""How many axes each array of pictures has before those of a picture."""

_DAMAGE = (
    *(OSError, ValueError, EOFError, KeyError, TypeError, SyntaxError, OverflowError, MemoryError),
    *(RuntimeError, zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
)


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of an npz file, by name; pickled objects are refused. Raises Unfit, OSError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return dict(_members(archive))
    except _DAMAGE as error:
        raise Unfit(str(error) or type(error).__name__) from error


def _members(archive: zipfile.ZipFile) -> list[tuple[str, Array]]:
    infos = archive.infolist()
    if sum(info.file_size for info in infos) > MAX_BYTES:
        raise Unfit(f"its arrays take more than {MAX_BYTES >> 20} MB")
    arrays = []
    for info in infos:
        # Python's readers of the other methods take all that a few bytes may grow to.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unfit(f"{info.filename} is neither stored nor deflated")
        with archive.open(info) as member:
            data = member.read(max(1, info.file_size))
        arrays.append((info.filename.removesuffix(".npy"), _array(data)))
    return arrays


def _array(data: bytes) -> Array:
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise Unfit(f"an array of format {version}")
    shape, _, kind = readers[version](file)
    if kind.hasobject:
        raise Unfit("Object arrays cannot be loaded when allow_pickle=False")
    # A header may promise any size, and numpy would take that much memory first.
    if any(side < 0 for side in shape) or int(np.prod(shape, dtype=object)) * kind.itemsize > len(
        data
    ):
        raise Unfit(f"an array of shape {shape} is cut short")
    file.seek(0)
    array: Array = np.load(file, allow_pickle=False)
    return array


def check_samples(arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays of samples.npz, if they are pictures of bounded size. Raises Unfit.

    samples: uint8 [N, 3, S, S]. pairs: uint8 [N, 2, 3, S, S], with pair_attribute, a string.
    progress: uint8 [R, C, 3, S, S], with progress_steps, whole numbers [R].
    suspects: uint8 [N, 3, S, S], with suspects_nearest of the same shape.
    change_means: uint8 [K, 2, 3, S, S], with change_heat, float [K, S, S], and change_attributes,
        strings [K].
    """
    for name, before in _PICTURES.items():
        if name not in arrays:
            continue
        array = arrays[name]
        sides = array.shape[before + 1 :]
        if array.dtype != np.uint8 or array.ndim != before + 3 or array.shape[before] != 3:
            raise Unfit(f"{name} is {array.dtype} {array.shape}, no uint8 pictures")
        if 0 in array.shape or sides[0] != sides[1] or sides[0] > MAX_SIDE:
            raise Unfit(f"{name} are pictures of {sides}")
        if (
            math.prod(array.shape[:before]) > MAX_TILES
            or max(array.shape[1:before], default=0) > MAX_COLUMNS
        ):
            raise Unfit(f"{name} has {array.shape[:before]} pictures")
    if "pairs" in arrays:
        _string(arrays, "pair_attribute")
        if arrays["pairs"].shape[1] != 2:
            raise Unfit("pairs are not two and two")
    if "suspects" in arrays:
        nearest = arrays.get("suspects_nearest")
        if nearest is None or nearest.shape != arrays["suspects"].shape:
            raise Unfit("suspects and suspects_nearest have different shapes")
    if "change_attributes" in arrays:
        _check_change(arrays)
    if "progress" in arrays:
        steps = _numbers(arrays, "progress_steps", 1)
        if len(steps) != len(arrays["progress"]) or len(steps) > MAX_COLUMNS:
            raise Unfit("progress and progress_steps have different lengths, or are too long")
    return arrays


def _check_change(arrays: dict[str, Array]) -> None:
    means, heat = arrays.get("change_means"), arrays.get("change_heat")
    names = arrays["change_attributes"]
    if means is None or means.shape[1] != 2 or names.dtype.kind != "U":
        raise Unfit("change_attributes or change_means are of no change")
    if names.shape != means.shape[:1] or len(names) > MAX_COLUMNS:
        raise Unfit("change_attributes and change_means have different lengths")
    if heat is None or heat.dtype.kind != "f" or heat.shape != (len(names), *means.shape[3:]):
        raise Unfit("change_heat does not fit change_means")
    if not (np.abs(heat) < 1e6).all():
        raise Unfit("change_heat is out of range")


def check_features(arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays of features.npz, with labels and domains as int64. Raises Unfit.

    embedding: float [M, 2]. label: 0..K-1 [M]. domain: 0 or 1 [M]. class_names: strings [K].
    per_class: one number.
    """
    label, domain = (_numbers(arrays, name, 1) for name in ("label", "domain"))
    each = _numbers(arrays, "per_class", 0)
    names, points = arrays.get("class_names"), arrays.get("embedding")
    if names is None or names.dtype.kind != "U" or names.ndim != 1 or len(names) > MAX_CLASSES:
        raise Unfit("class_names are no names")
    if points is None or points.dtype.kind != "f" or points.shape != (len(label), 2):
        raise Unfit("embedding are no points of the labels' number")
    if not 0 < len(label) == len(domain) <= MAX_POINTS or not (np.abs(points) < 1e6).all():
        raise Unfit("there is no point, or too many, or one is out of range")
    if label.min() < 0 or label.max() >= len(names) or domain.min() < 0 or domain.max() > 1:
        raise Unfit("a label or a domain is out of range")
    return {**arrays, "label": label, "domain": domain, "per_class": each}


def check_outputs(arrays: dict[str, Array]) -> dict[str, Array]:
    """The examples in outputs.npz, labels and predictions as int64. Raises Unfit.

    example_pixels: uint8 [N, 3, S, S]. example_label, example_predicted: class numbers [N].
    """
    pixels = arrays.get("example_pixels")
    if pixels is None or pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3:
        raise Unfit("example_pixels are no uint8 pictures")
    if not 0 < pixels.shape[2] == pixels.shape[3] <= MAX_SIDE or not 0 < len(pixels) <= MAX_POINTS:
        raise Unfit(f"example_pixels are {pixels.shape}")
    classes = {n: _numbers(arrays, n, 1) for n in ("example_label", "example_predicted")}
    for name, found in classes.items():
        if len(found) != len(pixels) or found.max() >= MAX_CLASSES:
            raise Unfit(f"{name} does not fit its pictures, or is out of range")
    return {"example_pixels": pixels, **classes}


CHECKS = {"samples": check_samples, "features": check_features, "outputs": check_outputs}
"""What checks the arrays of each file that the report draws from, by the file's name."""


def _numbers(arrays: dict[str, Array], name: str, dimensions: int) -> Array:
    """The whole numbers of that name, as int64."""
    found = arrays.get(name)
    if found is None or found.dtype.kind not in "iu" or found.ndim != dimensions:
        raise Unfit(f"{name} are no whole numbers")
    if found.size and (found.min() < 0 or found.max() > 2**53):
        raise Unfit(f"{name} is out of range")
    return found.astype(np.int64)


def _string(arrays: dict[str, Array], name: str) -> None:
    found = arrays.get(name)
    if found is None or found.dtype.kind != "U" or found.ndim:
        raise Unfit(f"{name} is no string")
