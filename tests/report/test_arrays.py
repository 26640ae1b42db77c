import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.report.arrays import check_features, check_outputs, check_samples, read_arrays
from sparring.report.checked import Unfit

TILE = np.zeros((2, 3, 4, 4), np.uint8)
SAMPLES = {
    "samples": TILE,
    "pairs": np.stack([TILE, TILE], 1),
    "pair_attribute": np.array("Smiling"),
    "progress": np.stack([TILE, TILE]),
    "progress_steps": np.array([0, 4]),
}
FEATURES = {
    "embedding": np.zeros((3, 2), np.float32),
    "label": np.array([0, 1, 1], np.uint8),
    "domain": np.array([0, 0, 1]),
    "class_names": np.array(["a", "b"]),
    "per_class": np.array(1),
}

OUTPUTS = {
    "example_pixels": TILE,
    "example_label": np.array([0, 1], np.int16),
    "example_predicted": np.array([1, 1], np.int16),
}


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **SAMPLES)
    found = read_arrays(tmp_path / "a.npz")
    assert found.keys() == SAMPLES.keys()
    assert all(np.array_equal(found[name], SAMPLES[name]) for name in SAMPLES)


def packed(path: Path, data: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", data)
    return path


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        npy(TILE)[:-1],
        npy(np.array([{}], object)),
        npy(TILE).replace(b"(2, 3, 4, 4)", b"(9**9, 4, 4)"),
        npy(TILE).replace(b"(2, 3, 4, 4)", b"(2, 3, 4, 9)"),
        npy(TILE).replace(b"(2, 3, 4, 4)", b"(-2,3,-4, 4)"),
        npy(TILE).replace(b"(2, 3, 4, 4)", b"(((((((((((("),
        npy(TILE).replace(b"NUMPY\x01", b"NUMPY\x03"),
    ],
)
def test_damaged_arrays_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Unfit):
        read_arrays(packed(tmp_path / "a.npz", data))


@pytest.mark.parametrize("place", range(30, 130, 3))
def test_a_flipped_bit_is_refused_or_harmless(tmp_path: Path, place: int) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, samples=np.arange(100))
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)
    try:
        found = read_arrays(path)
    except Unfit:
        return
    assert np.array_equal(next(iter(found.values())), np.arange(100))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("samples", TILE.astype(np.float32)),
        ("samples", TILE[0]),
        ("samples", TILE[:0]),
        ("samples", TILE[:, :2]),
        ("samples", TILE[..., :3]),
        ("samples", np.zeros((401, 3, 1, 1), np.uint8)),
        ("samples", np.zeros((1, 3, 257, 257), np.uint8)),
        ("pairs", np.stack([TILE] * 3, 1)),
        ("pair_attribute", np.array(3)),
        ("pair_attribute", np.array(["a"])),
        ("progress", np.zeros((1, 51, 3, 1, 1), np.uint8)),
        ("progress_steps", np.array([0])),
        ("progress_steps", np.array([0.0, 1.0])),
        ("progress_steps", np.array([0, -1])),
    ],
)
def test_samples_that_cannot_be_drawn_are_refused(name: str, value: Any) -> None:
    assert check_samples(dict(SAMPLES)).keys() == SAMPLES.keys()
    with pytest.raises(Unfit):
        check_samples(SAMPLES | {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("embedding", np.zeros((3, 2), int)),
        ("embedding", np.zeros((2, 2))),
        ("embedding", np.full((3, 2), np.nan)),
        ("embedding", np.full((3, 2), 1e300)),
        ("label", np.array([0, 1, 2])),
        ("label", np.array([0, 1, -1])),
        ("label", np.array([0.0, 1, 1])),
        ("label", np.array(["a", "b", "b"])),
        ("domain", np.array([0, 1, 2])),
        ("domain", np.array([0, 1])),
        ("class_names", np.array([1, 2])),
        ("class_names", np.array("ab")),
        ("class_names", np.array(["a"] * 1001)),
        ("per_class", np.array([1])),
    ],
)
def test_features_that_cannot_be_drawn_are_refused(name: str, value: Any) -> None:
    assert check_features(dict(FEATURES))["label"].dtype == np.int64
    with pytest.raises(Unfit):
        check_features(FEATURES | {name: value})
    with pytest.raises(Unfit):
        check_features({k: v for k, v in FEATURES.items() if k != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("example_pixels", TILE.astype(np.float32)),
        ("example_pixels", TILE[0]),
        ("example_pixels", TILE[:0]),
        ("example_pixels", TILE[:, :2]),
        ("example_pixels", TILE[..., :3]),
        ("example_pixels", np.zeros((2, 3, 257, 257), np.uint8)),
        ("example_label", np.array([0])),
        ("example_label", np.array([0, -1])),
        ("example_label", np.array([0.0, 1.0])),
        ("example_predicted", np.array([0, 1000])),
    ],
)
def test_examples_that_cannot_be_drawn_are_refused(name: str, value: Any) -> None:
    assert check_outputs(OUTPUTS | {"target_logits": TILE})["example_label"].dtype == np.int64
    with pytest.raises(Unfit):
        check_outputs(OUTPUTS | {name: value})
    with pytest.raises(Unfit):
        check_outputs({k: v for k, v in OUTPUTS.items() if k != name})
