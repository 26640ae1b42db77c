"""Tensors of pixels: where they lie, and their size; digits with their labels."""

import errno
import os
import shutil
import tempfile

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring import cache
from sparring.data.images import DIGITS, Account, Images, Splits
from sparring.errors import RequestError

MAPPED_FROM = 4_000_000_000
"""Bytes from which on pixels lie in a mapped file: 1.3 million images of 32 pixels."""

_CHUNK = 4096


def empty_pixels(count: int, size: int) -> Tensor:
    """Room for uint8 [count, 3, size, size] of any content: in memory, or in a mapped file.

    The system keeps of a mapped file in memory what it has room for. The file lies in the cache
    folder without a name: nothing is left of it when the process ends, however it ends.
    Raises OSError where the disk has no room for it, RuntimeError where memory has none.
    """
    shape = (count, 3, size, size)
    needed = count * 3 * size**2
    if needed < MAPPED_FROM:
        return torch.empty(shape, dtype=torch.uint8)
    folder = cache.folder()
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    with tempfile.NamedTemporaryFile(dir=folder, prefix="pixels-") as file:
        if hasattr(os, "posix_fallocate"):  # not on macOS
            # Taken at once: a disk that fills up later would kill the process at some assignment.
            os.posix_fallocate(file.fileno(), 0, needed)
        return torch.from_file(file.name, shared=True, size=needed, dtype=torch.uint8).view(shape)


def resize(pixels: Tensor, size: int) -> Tensor:
    """Resize uint8 [N, 1 or 3, H, W] to uint8 [N, 3, size, size]; grey becomes RGB.

    Bilinear and antialiased, in chunks: the whole set is never held as floats. Pixels that have
    the size already are kept.
    """
    resized = empty_pixels(len(pixels), size)
    for start in range(0, len(pixels), _CHUNK):
        chunk = pixels[start : start + _CHUNK]
        if chunk.shape[-2:] != (size, size):
            floats = interpolate(chunk.float(), (size, size), mode="bilinear", antialias=True)
            chunk = floats.round_().clamp_(0, 255).byte()
        resized[start : start + _CHUNK] = chunk
    return resized


def digit_images(pixels: np.ndarray, labels: np.ndarray, size: int, where: object) -> Images:
    """Digits as Images: uint8 [N, 1 or 3, H, W] resized to `size`, labels 0 to 9, [N].

    Raises RequestError where there are none, the counts differ or a label is out of range.
    """
    if len(pixels) == 0 or labels.shape != (len(pixels),):
        raise RequestError(
            f"{where} has {len(pixels)} images and labels {labels.shape}: download the set again"
        )
    numbers = class_numbers(labels, len(DIGITS), where)
    return Images(resize(torch.from_numpy(pixels), size), numbers, DIGITS)


def digit_splits(train: Images, test: Images, side: int) -> Splits:
    """Digits that were `side` pixels high, with what was done to their size."""
    done = "padded" if (side, train.size) == (28, 32) else "resized"
    notes = [] if train.size == side else [f"{done} to {train.size} x {train.size}"]
    return Splits(train, test, Account(notes=notes))


def class_numbers(values: np.ndarray, classes: int, where: object) -> Tensor:
    """Labels of any numeric type, [N], as int64.

    Raises RequestError unless all are whole numbers in 0 .. classes - 1.
    """
    fit = (values >= 0) & (values < classes) & (values == np.trunc(values))  # no NaN does
    if not fit.all():
        place = int(fit.argmin())
        raise RequestError(
            f"{where}: label {values[place]} of image {place} is not in 0..{classes - 1}: "
            "mend the labels"
        )
    return torch.from_numpy(values.astype(np.int64))
