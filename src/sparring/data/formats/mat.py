"""SVHN's cropped digits in their official MATLAB files; the hub's copy is read by parquet.py."""

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np

from sparring.data.files import download_again
from sparring.data.files import read as read_file
from sparring.data.images import Images, Splits
from sparring.data.pixels import digit_images, digit_splits

SIDE = 32
"""Of the images, in pixels."""

_NAMES = ("train_32x32.mat", "test_32x32.mat")


def found(folder: Path) -> bool:
    """Whether both files are there."""
    return all((folder / name).is_file() for name in _NAMES)


def read(folder: Path, size: int) -> Splits:
    """Read SVHN's train and test digits as RGB of `size`. Raises RequestError."""
    train, test = (_split(folder / name, size) for name in _NAMES)
    return digit_splits(train, test, SIDE)


def _split(path: Path, size: int) -> Images:
    from scipy.io import loadmat

    data = read_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damage beside the two variables
            stored = loadmat(BytesIO(data), variable_names=("X", "y"))
        images, labels = stored["X"], stored["y"]
    except Exception as error:  # scipy's reader raises whatever damaged bytes lead it to
        raise download_again(path, error) from error
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[:3] != (32, 32, 3):
        raise download_again(path, f"X is {images.dtype} {images.shape}, not uint8 (32, 32, 3, N)")
    if labels.dtype.kind not in "iuf":
        raise download_again(path, f"y is {labels.dtype}, not numbers")
    # MATLAB counts from 1: its tenth class is the digit 0.
    digits = np.where(labels == 10, 0, labels).ravel()
    return digit_images(np.ascontiguousarray(images.transpose(3, 2, 0, 1)), digits, size, path)
