"""MNIST in its four official idx files, compressed or not.

Knows the idx format and MNIST's file names; knows nothing of other sets.
"""

import math
import struct
from pathlib import Path

import numpy as np

from sparring.data.files import damaged
from sparring.data.files import read as read_file
from sparring.data.images import Images
from sparring.data.pixels import digit_images
from sparring.errors import RequestError

_SPLITS = ("train", "t10k")
_IMAGES, _LABELS = ("images", 3), ("labels", 1)
_MAX_BYTES = 128 << 20  # unpacked; MNIST's largest file has 47 MB

PADDED = 32
"""The size at which MNIST's 28 pixels get a margin of 2 instead of being resized."""


def found(folder: Path) -> bool:
    """Whether all four files are there."""
    return all(_file(folder, split, part) for split in _SPLITS for part in (_IMAGES, _LABELS))


def read(folder: Path, size: int) -> tuple[Images, Images]:
    """Read MNIST's train and test digits as RGB of `size`. Raises RequestError.

    At 32 pixels the digits are padded, not resized: so MNIST-M was made from them.
    """
    train, test = (_split(folder, split, size) for split in _SPLITS)
    return train, test


def _split(folder: Path, split: str, size: int) -> Images:
    images, labels = _file(folder, split, _IMAGES), _file(folder, split, _LABELS)
    if images is None or labels is None:
        raise RequestError(f"{folder} lacks the {split} files of MNIST: download all four")
    pixels = read_idx(images, 3)
    if size == PADDED:
        pixels = np.pad(pixels, ((0, 0), (2, 2), (2, 2)))
    return digit_images(pixels[:, None], read_idx(labels, 1), size, images)


def _file(folder: Path, split: str, part: tuple[str, int]) -> Path | None:
    name, dims = part
    stems = (f"{split}-{name}-idx{dims}-ubyte", f"{split}-{name}.idx{dims}-ubyte")
    paths = [folder / (stem + suffix) for stem in stems for suffix in ("", ".gz")]
    return next((path for path in paths if path.is_file()), None)


def read_idx(path: Path, dims: int) -> np.ndarray:
    """Read one idx file of unsigned bytes with `dims` dimensions: uint8, shaped as it says.

    Raises RequestError where it is no such file, its images are not 28x28, or it is cut short.
    """
    data = read_file(path, _MAX_BYTES)
    header = 4 + 4 * dims
    try:
        magic, *shape = struct.unpack(f">I{dims}I", data[:header])
    except struct.error as error:
        raise damaged(path, error) from error
    if magic != 0x800 + dims:
        raise damaged(path, f"not an idx file of bytes in {dims} dimensions")
    if dims == 3 and shape[1:] != [28, 28]:
        raise damaged(path, f"images of {shape[1]}x{shape[2]}, not 28x28")
    if len(data) != header + math.prod(shape):
        raise damaged(path, f"{len(data)} bytes, where the header promises {shape}")
    return np.frombuffer(bytearray(data), np.uint8, offset=header).reshape(shape)
