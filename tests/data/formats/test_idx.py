import gzip
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparring.data.formats import idx
from sparring.errors import RequestError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 28, 28), np.uint8)
LABELS = np.array([5, 0, 4, 1, 9, 2], np.uint8)


def packed(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def write(folder: Path, suffix: str = ".gz", dot: str = "-") -> None:
    for split, part in (("train", slice(0, 4)), ("t10k", slice(4, 6))):
        for name, array in ((f"images{dot}idx3", IMAGES), (f"labels{dot}idx1", LABELS)):
            data = packed(array[part])
            path = folder / f"{split}-{name}-ubyte{suffix}"
            path.write_bytes(gzip.compress(data) if suffix else data)


def test_folders_named_like_the_files_are_none_of_them(tmp_path: Path) -> None:
    write(tmp_path, "", ".")
    for name in [path.name for path in tmp_path.iterdir()]:
        (tmp_path / name.replace(".idx", "-idx")).mkdir()
    assert idx.read(tmp_path, 28).train.labels.tolist() == LABELS[:4].tolist()


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("dot", ["-", "."])
def test_round_trip_in_every_spelling(tmp_path: Path, suffix: str, dot: str) -> None:
    assert not idx.found(tmp_path)
    write(tmp_path, suffix, dot)
    assert idx.found(tmp_path)
    train, test = idx.read(tmp_path, 28)
    assert torch.equal(train.pixels, torch.from_numpy(IMAGES[:4, None].repeat(3, 1)))
    assert torch.equal(test.pixels, torch.from_numpy(IMAGES[4:, None].repeat(3, 1)))
    assert train.labels is not None
    assert test.labels is not None
    assert train.labels.tolist() == [5, 0, 4, 1]
    assert test.labels.tolist() == [9, 2]
    assert train.labels.dtype == torch.int64


def test_at_32_pixels_digits_are_padded_not_resized(tmp_path: Path) -> None:
    write(tmp_path)
    pixels = idx.read(tmp_path, 32).train.pixels
    assert pixels.shape == (4, 3, 32, 32)
    inner = torch.from_numpy(IMAGES[:4, None].repeat(3, 1))
    assert torch.equal(pixels[:, :, 2:30, 2:30], inner)
    assert pixels.sum() == inner.sum()


def test_at_other_sizes_digits_are_resized(tmp_path: Path) -> None:
    write(tmp_path)
    pixels = idx.read(tmp_path, 64).train.pixels
    assert pixels.shape == (4, 3, 64, 64)
    assert torch.equal(pixels[:, 0], pixels[:, 2])
    assert abs(pixels.float().mean() - IMAGES[:4].mean()) < 2


def test_missing_file_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    assert not idx.found(tmp_path)
    with pytest.raises(RequestError, match="lacks files of MNIST"):
        idx.read(tmp_path, 32)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\0\0", "is damaged"),
        (b"\0\0\x0d" + packed(IMAGES)[3:], "not an idx file of bytes in 3 dimensions"),
        (b"\0\1" + packed(IMAGES)[2:], "not an idx file"),
        (packed(LABELS) + bytes(9), "not an idx file"),
        (packed(IMAGES[:, :27]), "27x28, not 28x28"),
        (packed(IMAGES)[:-1], "4719 bytes, where the header promises"),
        (packed(IMAGES) + b"\0", "4721 bytes, where the header promises"),
    ],
)
def test_wrong_headers_and_lengths(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "images"
    path.write_bytes(data)
    with pytest.raises(RequestError, match=told):
        idx.read_idx(path, 3)


def test_images_and_labels_of_different_number(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(packed(LABELS)))
    with pytest.raises(RequestError, match=r"has 4 images and labels \(6,\)"):
        idx.read(tmp_path, 32)


VALID = {"": packed(IMAGES[:2]), ".gz": gzip.compress(packed(IMAGES[:2]), mtime=0)}


def is_refused(data: bytes, suffix: str) -> bool:
    """Whether the file was refused; any exception but RequestError goes through."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"images{suffix}"
        path.write_bytes(data)
        try:
            read = idx.read_idx(path, 3)
        except RequestError:
            return True
    assert read.shape[1:] == (28, 28)
    return False


@given(st.sampled_from(["", ".gz"]), st.data())
def test_any_truncation_is_refused(suffix: str, data: st.DataObject) -> None:
    whole = VALID[suffix]
    assert is_refused(whole[: data.draw(st.integers(0, len(whole) - 1))], suffix)


@given(st.sampled_from(["", ".gz"]), st.data())
def test_any_flipped_bit_is_refused_or_harmless(suffix: str, data: st.DataObject) -> None:
    flipped = bytearray(VALID[suffix])
    # Half of the flips go into the header, where they matter most.
    last = data.draw(st.sampled_from([15, len(flipped) - 1]))
    flipped[data.draw(st.integers(0, last))] ^= 1 << data.draw(st.integers(0, 7))
    refused = is_refused(bytes(flipped), suffix)
    # Uncompressed pixels carry no check: a flip there is another valid image.
    assert refused or suffix == ".gz" or bytes(flipped)[:16] == VALID[""][:16]
