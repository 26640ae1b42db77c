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


def class_numbers(values: np.ndarray, classes: int, where: object) -> Tensor:
    """Labels of any numeric type, [N], as int64.

    Raises RequestError unless all are whole numbers in 0 .. classes - 1.
    """
    fit = (values >= 0) & (values < classes) & (values == np.trunc(values))  # no NaN does
    if not fit.all():
        place = int(fit.argmin())
        raise RequestError(
            f"{where}: label {values[place]} of image {place} is not in 0..{classes - 1}: "
            "mend the labels, or download the set again"
        )
    return torch.from_numpy(values.astype(np.int64))
