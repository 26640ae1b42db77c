from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from sparring.data.formats import mat
from sparring.errors import RequestError

X = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 5), np.uint8)
Y = np.array([[10], [1], [9], [10], [5]], np.uint8)


def write(folder: Path, **changed: np.ndarray) -> Path:
    for name in ("train_32x32.mat", "test_32x32.mat"):
        savemat(folder / name, {"X": X, "y": Y} | changed, do_compression=True)
    return folder


def test_round_trip_and_label_ten_is_zero(tmp_path: Path) -> None:
    assert not mat.found(tmp_path)
    assert mat.found(write(tmp_path))
    train, test = mat.read(tmp_path, 32)
    assert torch.equal(train.pixels, torch.from_numpy(X.transpose(3, 2, 0, 1).copy()))
    assert train.labels is not None
    assert train.labels.tolist() == [0, 1, 9, 0, 5]
    assert train.fingerprint == test.fingerprint


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"X": X[:31]}, r"X is uint8 \(31, 32, 3, 5\)"),
        ({"X": X.astype(np.float64)}, "X is float64"),
        ({"y": Y[:4]}, r"has 5 images and labels \(4,\)"),
        ({"y": Y + 1}, "label 11 of image 0 is not in 0..9"),
    ],
)
def test_wrong_shapes_and_labels(tmp_path: Path, changed: dict, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        mat.read(write(tmp_path, **changed), 32)


def test_other_variables_are_told(tmp_path: Path) -> None:
    for name in ("train_32x32.mat", "test_32x32.mat"):
        savemat(tmp_path / name, {"images": X})
    with pytest.raises(RequestError, match="is damaged"):
        mat.read(tmp_path, 32)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path) / "train_32x32.mat"
    whole = path.read_bytes()
    for length in [*range(0, 400, 7), len(whole) // 2, len(whole) - 100]:
        path.write_bytes(whole[:length])
        with pytest.raises(RequestError, match=r"train_32x32\.mat is damaged"):
            mat.read(tmp_path, 32)


@pytest.mark.parametrize("label", [np.nan, np.inf, 1.5, 1e300])
def test_labels_that_are_no_class_numbers(tmp_path: Path, label: float) -> None:
    with pytest.raises(RequestError, match=r"label .* of image 4 is not in 0"):
        mat.read(write(tmp_path, y=np.where(Y == 5, label, Y)), 32)


@pytest.mark.parametrize(
    "y", ["text", [[1, "a"]], {"a": 1}, Y * 1j, np.zeros((5, 1), object)], ids=repr
)
def test_variables_of_other_kinds_are_refused(tmp_path: Path, y: object) -> None:
    with pytest.raises(RequestError, match="is damaged"):
        mat.read(write(tmp_path, y=y), 32)
