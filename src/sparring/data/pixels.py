"""Tensors of pixels: one size for all, and digits with checked labels.

Knows tensors; knows no file format.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.data.images import Images
from sparring.data.mapped import empty_pixels
from sparring.errors import RequestError

DIGITS = tuple("0123456789")
"""The class names of every set of digits."""

_CHUNK = 4096


def resize(pixels: Tensor, size: int) -> Tensor:
    """Resize uint8 [N, 1 or 3, H, W] to uint8 [N, 3, size, size]; grey becomes RGB.

    Bilinear and antialiased, in chunks, so the whole set is never held as floats. Pixels that
    have the size already are kept exactly.
    """
    resized = empty_pixels(len(pixels), size)
    for start in range(0, len(pixels), _CHUNK):
        chunk = pixels[start : start + _CHUNK]
        if chunk.shape[-2:] != (size, size):
            floats = interpolate(chunk.float(), (size, size), mode="bilinear", antialias=True)
            chunk = floats.round_().clamp_(0, 255).byte()
        resized[start : start + _CHUNK] = chunk
    return resized


def class_numbers(values: np.ndarray, where: object) -> Tensor:
    """Labels of any numeric type, [N], as int64. Raises RequestError for one that is not whole."""
    if values.dtype.kind == "f":
        values = values.astype(np.float64)
        # Of a value that is no number both comparisons are false.
        if not ((np.abs(values) < 2**31) & (values == np.trunc(values))).all():
            raise RequestError(f"{where}: there are labels that are no class numbers: mend them")
    return torch.from_numpy(values.astype(np.int64))


def check_labels(labels: Tensor, classes: int, where: object) -> None:
    """Raise RequestError unless all labels (int64 [N]) lie in 0 .. classes - 1."""
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        place = int(wrong.nonzero()[0])
        raise RequestError(
            f"{where}: label {int(labels[place])} of image {place} is not in 0..{classes - 1}: "
            "mend the labels, or download the set again"
        )


def digit_images(pixels: Tensor, labels: Tensor, size: int, where: object) -> Images:
    """Digits as Images: uint8 [N, 1 or 3, H, W] resized to `size`, int64 [N] labels 0 to 9.

    Raises RequestError where there are none, the counts differ or a label is out of range.
    """
    if len(pixels) != len(labels) or len(pixels) == 0:
        raise RequestError(
            f"{where} has {len(pixels)} images and {len(labels)} labels: download the set again"
        )
    check_labels(labels, len(DIGITS), where)
    return Images(resize(pixels, size), labels, DIGITS)
