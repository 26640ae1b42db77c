"""USPS digits: `usps.h5`, or the pair `usps.bz2` and `usps.t.bz2` in libsvm's text format."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sparring.data.files import MAX_TEXT, download_again
from sparring.data.files import read as read_file
from sparring.data.images import Images, Splits
from sparring.data.pixels import digit_images, digit_splits

if TYPE_CHECKING:
    import h5py

_H5 = "usps.h5"
_LIBSVM = ("usps.bz2", "usps.t.bz2")
SIDE = 16
"""Of the images, in pixels."""

_MAX_DIGITS = 100_000  # USPS has 9298


def found(folder: Path) -> bool:
    """Whether one of the two layouts is complete."""
    return (folder / _H5).is_file() or all((folder / name).is_file() for name in _LIBSVM)


def read(folder: Path, size: int) -> Splits:
    """Read USPS's train and test digits as RGB of `size`. Raises RequestError."""
    path = folder / _H5
    if path.is_file():
        return digit_splits(_from_h5(path, "train", size), _from_h5(path, "test", size), SIDE)
    train, test = (_from_libsvm(folder / name, size) for name in _LIBSVM)
    return digit_splits(train, test, SIDE)


def _from_h5(path: Path, split: str, size: int) -> Images:
    import h5py

    try:
        with h5py.File(path) as file:
            values, labels = (_array(file, f"{split}/{part}") for part in ("data", "target"))
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        raise download_again(path, error) from error
    return _images(values, labels, size, path)


def _array(file: "h5py.File", place: str) -> np.ndarray:
    """One array that lies in the file itself. Raises ValueError for anything else."""
    import h5py

    for link in (place.split("/")[0], place):
        if not isinstance(file.get(link, getlink=True), h5py.HardLink):
            raise ValueError(f"{place} is a link")
    found = file[place]
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "iuf":
        raise ValueError(f"{place} is no array of numbers")
    if found.external or found.is_virtual:
        raise ValueError(f"{place} lies in other files")
    # A file of a few bytes may declare an array, or a piece of one, of any size.
    if max(found.size, *(found.chunks or ()), 1) > _MAX_DIGITS * SIDE**2:
        raise ValueError(f"{place} has {found.size} values")
    return np.asarray(found[()])


def _from_libsvm(path: Path, size: int) -> Images:
    from sklearn.datasets import load_svmlight_file

    text = read_file(path, MAX_TEXT)
    try:
        if text.count(b"\n") > _MAX_DIGITS:  # each takes 2 kB, however short it is
            raise ValueError(f"more than {_MAX_DIGITS} lines")
        sparse, labels = load_svmlight_file(io.BytesIO(text), n_features=SIDE**2, zero_based=False)
    except (ValueError, OverflowError) as error:
        raise download_again(path, error) from error
    # libsvm has values in [-1, 1] and calls the digit d the class d + 1
    return _images((sparse.toarray() + 1) / 2, labels - 1, size, path)


def _images(values: np.ndarray, labels: np.ndarray, size: int, path: Path) -> Images:
    """Images of values in [0, 1], shaped [N, 256] or [N, 16, 16], and labels 0 to 9, [N]."""
    if values.dtype.kind != "f" or values.shape[1:] not in ((SIDE**2,), (SIDE, SIDE)):
        raise download_again(path, f"values are {values.dtype} {values.shape}, not float (N, 256)")
    if not ((values >= -1e-4) & (values <= 1 + 1e-4)).all():  # false for NaN too
        raise download_again(path, "there are values out of range")
    pixels = (values.reshape(-1, 1, SIDE, SIDE) * 255).round().clip(0, 255).astype(np.uint8)
    return digit_images(pixels, labels, size, path)
