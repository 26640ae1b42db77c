"""MNIST in its four official idx files, compressed or not.

Knows the idx format and MNIST's file names; knows nothing of other sets.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from sparring.data.files import damaged, read_stream
from sparring.data.files import read as read_file
from sparring.data.images import Images
from sparring.data.pixels import digit_images
from sparring.errors import RequestError

_SPLITS = ("train", "t10k")
_MAX_BYTES = 128 << 20  # unpacked; MNIST's largest file has 47 MB

PADDED = 32
"""The size at which MNIST's 28 pixels get a margin of 2 instead of being resized."""


def found(folder: Path) -> bool:
    """Whether all four files are there."""
    parts = [(split, *part) for split in _SPLITS for part in (("images", 3), ("labels", 1))]
    return all(_file(folder, *part) for part in parts)


def read(folder: Path, size: int) -> tuple[Images, Images]:
    """Read MNIST's train and test digits as RGB of `size`. Raises RequestError.

    At 32 pixels the digits are padded, not resized: so MNIST-M was made from them.
    """
    train, test = (_split(folder, split, size) for split in _SPLITS)
    return train, test


def _split(folder: Path, split: str, size: int) -> Images:
    images, labels = _file(folder, split, "images", 3), _file(folder, split, "labels", 1)
    if images is None or labels is None:
        raise RequestError(f"{folder} lacks the {split} files of MNIST: download all four")
    pixels = read_idx(images, 3)
    if size == PADDED:
        pixels = pad(pixels, [2] * 4)
    return digit_images(pixels[:, None], read_idx(labels, 1).long(), size, images)


def _file(folder: Path, split: str, part: str, dims: int) -> Path | None:
    stems = (f"{split}-{part}-idx{dims}-ubyte", f"{split}-{part}.idx{dims}-ubyte")
    paths = [folder / (stem + suffix) for stem in stems for suffix in ("", ".gz")]
    return next((path for path in paths if path.is_file()), None)


def read_idx(path: Path, dims: int) -> Tensor:
    """Read one idx file of unsigned bytes with `dims` dimensions: uint8, shaped as it says.

    Raises RequestError where the header is not that of such a file, the images are not 28x28, or
    the length is not what the header promises.
    """
    data = _bytes(path)
    header = 4 + 4 * dims
    if len(data) < header:
        raise damaged(path, f"{len(data)} bytes are less than an idx header")
    zeros, kind, rank, *shape = struct.unpack(f">HBB{dims}I", data[:header])
    if (zeros, kind, rank) != (0, 8, dims):
        raise damaged(path, f"not an idx file of bytes in {dims} dimensions")
    if dims == 3 and shape[1:] != [28, 28]:
        raise damaged(path, f"images of {shape[1]}x{shape[2]}, not 28x28")
    promised = header + math.prod(shape)
    if len(data) != promised:
        raise damaged(path, f"{len(data)} bytes, where the header promises {promised}")
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=header).reshape(shape).copy())


def _bytes(path: Path) -> bytes:
    if path.suffix != ".gz":
        return read_file(path, _MAX_BYTES)
    try:
        with gzip.open(path) as stream:
            return read_stream(stream, path, _MAX_BYTES)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise damaged(path, error) from error
