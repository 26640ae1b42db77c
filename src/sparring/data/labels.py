"""Names and numbers of classes: how they are ordered, and what may stand for them in a file.

Knows names and tensors; knows no file format and no images.
"""

import unicodedata
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from sparring.errors import RequestError

DIGITS = tuple("0123456789")
"""The class names of every set of digits."""


def composed(name: str) -> str:
    """`name` as Unicode composes it (NFC): macOS writes an accent apart, others with its letter."""
    return unicodedata.normalize("NFC", name)


def class_order(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in order, each once: as numbers where all are whole numbers, else as text."""
    distinct = sorted(set(names))
    try:
        return tuple(sorted(distinct, key=int))
    except ValueError:
        return tuple(distinct)


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
