"""USPS digits: `usps.h5`, or the pair `usps.bz2` and `usps.t.bz2` in libsvm's text format.

Knows these two layouts of 16x16 grey values; knows nothing of other sets.
"""

from pathlib import Path

import numpy as np
import torch

from sparring.data.files import damaged
from sparring.data.images import Images
from sparring.data.pixels import digit_images

_H5 = "usps.h5"
_LIBSVM = ("usps.bz2", "usps.t.bz2")
_SIDE = 16


def found(folder: Path) -> bool:
    """Whether one of the two layouts is complete."""
    return (folder / _H5).is_file() or all((folder / name).is_file() for name in _LIBSVM)


def read(folder: Path, size: int) -> tuple[Images, Images]:
    """Read USPS's train and test digits as RGB of `size`. Raises RequestError."""
    path = folder / _H5
    if path.is_file():
        return _from_h5(path, "train", size), _from_h5(path, "test", size)
    train, test = (_from_libsvm(folder / name, size) for name in _LIBSVM)
    return train, test


def _from_h5(path: Path, split: str, size: int) -> Images:
    import h5py

    try:
        with h5py.File(path) as file:
            # [()] fails with TypeError or AttributeError where there is a group, not an array
            values, labels = file[f"{split}/data"][()], file[f"{split}/target"][()]
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise damaged(path, error) from error
    return _images(values, labels, size, path)


def _from_libsvm(path: Path, size: int) -> Images:
    from sklearn.datasets import load_svmlight_file

    try:
        sparse, labels = load_svmlight_file(path, n_features=_SIDE**2, zero_based=False)
    except (OSError, EOFError, ValueError, OverflowError) as error:
        raise damaged(path, error) from error
    # libsvm has values in [-1, 1] and calls the digit d the class d + 1
    return _images((sparse.toarray() + 1) / 2, labels - 1, size, path)


def _images(values: np.ndarray, labels: np.ndarray, size: int, path: Path) -> Images:
    """Images of values in [0, 1], shaped [N, 256] or [N, 16, 16], and labels 0 to 9, [N]."""
    if values.dtype.kind != "f" or values.size != len(labels) * _SIDE**2:
        raise damaged(path, f"values are {values.dtype} {values.shape}, not float (N, 256)")
    if labels.ndim != 1 or labels.dtype.kind not in "iuf":
        raise damaged(path, f"labels are {labels.dtype} {labels.shape}, not integer (N,)")
    if not (np.abs(values - 0.5) <= 0.5 + 1e-4).all():  # false for NaN too
        raise damaged(path, "there are values out of range")
    pixels = (values.reshape(-1, 1, _SIDE, _SIDE) * 255).round().clip(0, 255).astype(np.uint8)
    classes = torch.from_numpy(labels.astype(np.int64))
    return digit_images(torch.from_numpy(pixels), classes, size, path)
