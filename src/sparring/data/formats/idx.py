"""MNIST in its four official idx files, compressed or not."""

import math
import struct
from pathlib import Path

import numpy as np

from sparring.data.files import download_again
from sparring.data.files import read as read_file
from sparring.data.images import Images, Splits
from sparring.data.pixels import digit_images, digit_splits
from sparring.errors import RequestError

_FILES = (
    *("train-images?idx3-ubyte*", "train-labels?idx1-ubyte*"),
    *("t10k-images?idx3-ubyte*", "t10k-labels?idx1-ubyte*"),
)
_MAX_BYTES = 128 << 20  # unpacked; MNIST's largest file has 47 MB

SIDE = 28
"""Of the images, in pixels."""

PADDED = 32
"""The size at which MNIST's 28 pixels get a margin of 2 instead of being resized."""


def found(folder: Path) -> bool:
    """Whether all four files are there."""
    return len(_files(folder)) == len(_FILES)


def read(folder: Path, size: int) -> Splits:
    """Read MNIST's train and test digits as RGB of `size`. Raises RequestError.

    At 32 pixels the digits are padded, not resized: so MNIST-M was made from them.
    """
    if not found(folder):
        raise RequestError(f"{folder} lacks files of MNIST: download all four")
    images, labels, test_images, test_labels = _files(folder)
    train, test = _split(images, labels, size), _split(test_images, test_labels, size)
    return digit_splits(train, test, SIDE)


def _files(folder: Path) -> list[Path]:
    """The four files that are there, unpacked rather than packed."""
    # Kaggle's copy has folders of these names beside them.
    found = (sorted(filter(Path.is_file, folder.glob(pattern))) for pattern in _FILES)
    return [path for paths in found for path in paths[:1]]


def _split(images: Path, labels: Path, size: int) -> Images:
    pixels = read_idx(images, 3)
    if size == PADDED:
        pixels = np.pad(pixels, ((0, 0), (2, 2), (2, 2)))
    return digit_images(pixels[:, None], read_idx(labels, 1), size, images)


def read_idx(path: Path, dims: int) -> np.ndarray:
    """Read one idx file of bytes in `dims` dimensions: uint8, shaped as it says, images 28x28.

    Raises RequestError for any other file.
    """
    data = read_file(path, _MAX_BYTES)
    header = 4 + 4 * dims
    try:
        magic, *shape = struct.unpack(f">I{dims}I", data[:header])
    except struct.error as error:
        raise download_again(path, error) from error
    if magic != 0x800 + dims:
        raise download_again(path, f"not an idx file of bytes in {dims} dimensions")
    if dims == 3 and shape[1:] != [28, 28]:
        raise download_again(path, f"images of {shape[1]}x{shape[2]}, not 28x28")
    if len(data) != header + math.prod(shape):
        raise download_again(path, f"{len(data)} bytes, where the header promises {shape}")
    return np.frombuffer(bytearray(data), np.uint8, offset=header).reshape(shape)
