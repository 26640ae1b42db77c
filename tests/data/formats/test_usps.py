import bz2
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from sparring.data.formats import usps
from sparring.errors import RequestError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 256), np.uint8)
LABELS = np.array([0, 9, 3, 6])


def write_h5(folder: Path, values: np.ndarray, labels: np.ndarray) -> Path:
    with h5py.File(folder / "usps.h5", "w") as file:
        for split in ("train", "test"):
            file.create_dataset(f"{split}/data", data=values)
            file.create_dataset(f"{split}/target", data=labels)
    return folder


def write_libsvm(folder: Path, labels: np.ndarray) -> Path:
    lines = []
    for label, row in zip(labels, PIXELS / 127.5 - 1, strict=True):
        # As in the files themselves: counted from 1, and zeros left out.
        values = " ".join(f"{i}:{v:.6g}" for i, v in enumerate(row, 1) if v != 0)
        lines.append(f"{label} {values} \n")
    for name in ("usps.bz2", "usps.t.bz2"):
        (folder / name).write_bytes(bz2.compress("".join(lines).encode()))
    return folder


def test_both_layouts_hold_the_same_digits(tmp_path: Path) -> None:
    assert not usps.found(tmp_path)
    write_libsvm(tmp_path, LABELS + 1)
    assert usps.found(tmp_path)
    text, _ = usps.read(tmp_path, 16)
    write_h5(tmp_path, PIXELS.astype(np.float32) / 255, LABELS)
    h5, test = usps.read(tmp_path, 16)
    expected = torch.from_numpy(PIXELS.reshape(4, 1, 16, 16)).expand(-1, 3, -1, -1)
    for images in (text, h5, test):
        assert images.labels is not None
        assert torch.equal(images.pixels, expected)
        assert images.labels.tolist() == [0, 9, 3, 6]
    assert usps.read(tmp_path, 32).train.pixels.shape == (4, 3, 32, 32)


@pytest.mark.parametrize(
    ("values", "labels", "told"),
    [
        (PIXELS, LABELS, "values are uint8"),
        (PIXELS[:, :255] / 255, LABELS, r"values are float64 \(4, 255\)"),
        (PIXELS / 127.5, LABELS, "values out of range"),
        (np.where(PIXELS > 9, PIXELS / 255, np.nan), LABELS, "values out of range"),
        (PIXELS / 255, LABELS[:, None], r"has 4 images and labels \(4, 1\)"),
        (PIXELS / 255, LABELS + 1, "label 10 of image 1"),
    ],
)
def test_wrong_arrays(tmp_path: Path, values: np.ndarray, labels: np.ndarray, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        usps.read(write_h5(tmp_path, values, labels), 16)


def test_libsvm_labels_count_from_one(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"label -1\.0 of image 0"):
        usps.read(write_libsvm(tmp_path, LABELS), 16)


@pytest.mark.parametrize("name", ["usps.h5", "usps.bz2"])
def test_truncated_files_are_refused(tmp_path: Path, name: str) -> None:
    if name == "usps.h5":
        write_h5(tmp_path, PIXELS / 255, LABELS)
    else:
        write_libsvm(tmp_path, LABELS + 1)
    path = tmp_path / name
    whole = path.read_bytes()
    for length in (3, 100, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:length])
        with pytest.raises(RequestError, match=f"{name} is damaged"):
            usps.read(tmp_path, 16)


def test_missing_groups_and_text_that_is_no_libsvm(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "usps.h5", "w") as file:
        file.create_group("train/data")
    with pytest.raises(RequestError, match=r"usps\.h5 is damaged"):
        usps.read(tmp_path, 16)
    (tmp_path / "usps.h5").unlink()
    for name in ("usps.bz2", "usps.t.bz2"):
        (tmp_path / name).write_bytes(bz2.compress(b"seven 1:0.5\n"))
    with pytest.raises(RequestError, match=r"usps\.bz2 is damaged"):
        usps.read(tmp_path, 16)


@pytest.mark.parametrize("label", [np.nan, np.inf, 0.5])
def test_labels_that_are_no_class_numbers(tmp_path: Path, label: float) -> None:
    for kind in (np.float16, np.float64):
        labels = np.where(LABELS == 9, label, LABELS).astype(kind)
        with pytest.raises(RequestError, match=r"label .* of image 1 is not in 0"):
            usps.read(write_h5(tmp_path, PIXELS / 255, labels), 16)


def test_values_and_labels_of_odd_kinds(tmp_path: Path) -> None:
    infinite = np.where(PIXELS > 9, np.inf, 0.5).astype(np.float16)
    for values, labels, told in (
        (infinite, LABELS, "values out of range"),
        (PIXELS / 255, np.array(3), r"has 4 images and labels \(\)"),
        (PIXELS / 255, np.array(["1"] * 4, "S1"), "is no array of numbers"),
        ((PIXELS / 255).T, LABELS, r"values are float64 \(256, 4\)"),
    ):
        with pytest.raises(RequestError, match=told):
            usps.read(write_h5(tmp_path, values, labels), 16)


def test_an_h5_file_reaches_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(4 * 256 * 4))
    outside = [("secret", 0, 4 * 256 * 4)]
    layout = h5py.VirtualLayout((4, 256), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", (4, 256))

    def external(file: h5py.File) -> None:
        file.create_dataset("train/data", (4, 256), "f4", external=outside)

    def linked(file: h5py.File) -> None:
        file["train/data"] = h5py.ExternalLink("other.h5", "data")

    def whole_group(file: h5py.File) -> None:
        file["train"] = h5py.ExternalLink("other.h5", "train")

    def virtual(file: h5py.File) -> None:
        file.create_virtual_dataset("train/data", layout)

    for make, told in (
        (external, "train/data lies in other files"),
        (linked, "train/data is a link"),
        (whole_group, "train/data is a link"),
        (virtual, "train/data lies in other files"),
    ):
        with h5py.File(tmp_path / "usps.h5", "w") as file:
            make(file)
        with pytest.raises(RequestError, match=told):
            usps.read(tmp_path, 16)
