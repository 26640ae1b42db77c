import gzip
import io
import itertools
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sparring.data import decode, mnist_m
from sparring.data.formats import parquet
from sparring.data.images import Images
from sparring.data.mnist_m import (
    build,
    build_mnist_m,
    random_crops,
    read_photos,
    write_parquet,
)
from sparring.errors import RequestError


def test_recipe_by_hand() -> None:
    digit = torch.zeros(1, 28, 28, dtype=torch.uint8)
    digit[0, 0, 0], digit[0, 27, 5], digit[0, 10, 20] = 255, 1, 130
    photo = np.broadcast_to(np.array([10, 100, 250], np.uint8), (40, 50, 3))
    built = build_mnist_m(digit, [photo], seed=0)
    expected = torch.tensor([10, 100, 250], dtype=torch.uint8)[:, None, None].repeat(1, 32, 32)
    # Padded by 2; any ink counts as 255: |10 - 255|, |100 - 255|, |250 - 255|.
    for y, x in ((2, 2), (29, 7), (12, 22)):
        expected[:, y, x] = torch.tensor([245, 155, 5], dtype=torch.uint8)
    assert built.dtype == torch.uint8
    assert torch.equal(built[0], expected)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_ink_is_inverted_photograph_and_the_rest_is_photograph(seed: int) -> None:
    rng = np.random.default_rng(seed)
    digits = torch.from_numpy(rng.integers(0, 3, (4, 28, 28), np.uint8))
    # A photograph of 32x32 has one crop.
    photo = rng.integers(0, 256, (32, 32, 3), np.uint8)
    built = build_mnist_m(digits, [photo], seed).permute(0, 2, 3, 1).numpy()
    padded = np.pad(digits.numpy(), ((0, 0), (2, 2), (2, 2)))
    grey = np.where(padded > 0, 255, 0)[..., None]
    assert np.array_equal(built, np.abs(photo.astype(int) - grey))


def test_seed_decides() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8)
    digits = torch.ones(9, 28, 28, dtype=torch.uint8)
    one, same, other = (build_mnist_m(digits, [photo], seed) for seed in (5, 5, 6))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_crops_come_from_all_photographs_and_places() -> None:
    photos = [np.full((33, 40, 3), value, np.uint8) for value in (10, 20)]
    photos[0][32] = 99  # the last row: in half of the crops of the first
    crops = random_crops(np.random.default_rng(0), 400, photos)
    assert crops.shape == (400, 3, 32, 32)
    assert 150 < (crops[:, 0, 0, 0] == 20).sum() < 250
    assert 60 < (crops[:, 0, 31, 0] == 99).sum() < 140


def _write_mnist(folder: Path) -> torch.Tensor:
    """Write the four files, 6 train and 4 test digits; return the train digits."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for prefix, n in (("train", 6), ("t10k", 4)):
        digits = rng.integers(0, 2, (n, 28, 28), np.uint8) * 200
        files = {
            "images-idx3": struct.pack(">4I", 2051, n, 28, 28) + digits.tobytes(),
            "labels-idx1": struct.pack(">2I", 2049, n) + bytes(range(n)),
        }
        for name, data in files.items():
            (folder / f"{prefix}-{name}-ubyte.gz").write_bytes(gzip.compress(data))
        if prefix == "train":
            train = torch.from_numpy(digits)
    return train


def _jpeg(value: int, size: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), (value, value, value)).save(buffer, "jpeg")
    return buffer.getvalue()


def _write_photos(folder: Path) -> None:
    """Six photographs; in order of names the first and the last are for the test split."""
    (folder / "train").mkdir(parents=True)
    for k, value in enumerate((10, 60, 70, 80, 90, 20)):
        (folder / "train" / f"{k}.jpg").write_bytes(_jpeg(value))
    (folder / "Readme.txt").write_text("not a photograph")


def test_build_writes_what_the_reader_reads(tmp_path: Path) -> None:
    digits = _write_mnist(tmp_path / "mnist")
    _write_photos(tmp_path / "photos")
    build(tmp_path / "mnist", tmp_path / "photos", tmp_path / "mnist_m", seed=7)
    train, test = parquet.stored(tmp_path / "mnist_m").read(32)
    pool = [photo for k, photo in enumerate(read_photos(tmp_path / "photos")) if k % 5]
    assert torch.equal(train.pixels, build_mnist_m(digits, pool, seed=7))
    assert train.labels is not None
    assert train.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert len(test) == 4
    assert not list(tmp_path.rglob("*.tmp"))


def test_train_and_test_share_no_photograph(tmp_path: Path) -> None:
    _write_mnist(tmp_path / "mnist")
    _write_photos(tmp_path / "photos")
    build(tmp_path / "mnist", tmp_path / "photos", tmp_path / "out", seed=0)
    # The border holds no ink, so it shows the photograph's one grey.
    train, test = (
        images.pixels[:, 0, 0, 0] for images in parquet.stored(tmp_path / "out").read(32)
    )
    assert set(train.tolist()) <= {60, 70, 80, 90}
    assert set(test.tolist()) <= {10, 20}


def test_zip_and_folder_are_the_same(tmp_path: Path) -> None:
    _write_photos(tmp_path / "photos")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for file in sorted((tmp_path / "photos" / "train").iterdir(), reverse=True):
            archive.write(file, f"images/train/{file.name}")
    zipped, loose = read_photos(tmp_path / "photos.zip"), read_photos(tmp_path / "photos")
    assert [int(photo.mean()) for photo in zipped] == [10, 60, 70, 80, 90, 20]
    assert all(map(np.array_equal, zipped, loose))


def _missing(folder: Path) -> None:
    folder.rmdir()


def _empty(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"")


def _broken(folder: Path) -> None:
    (folder / "a.jpg").write_bytes(_jpeg(9)[:100])


def _small(folder: Path) -> None:
    (folder / "a.jpg").write_bytes(_jpeg(9, size=31))


def _single(folder: Path) -> None:
    (folder / "a.jpg").write_bytes(_jpeg(9))


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (_missing, "does not exist: give a folder"),
        (_empty, "no .jpg photographs in"),
        (_broken, "a.jpg is damaged or incomplete"),
        (_small, "a.jpg is smaller than 32 pixels: remove it"),
        (_single, "holds one photograph: add more"),
    ],
)
def test_wrong_photographs_are_named(tmp_path: Path, prepare, message: str) -> None:
    _write_mnist(tmp_path / "mnist")
    (tmp_path / "photos").mkdir()
    prepare(tmp_path / "photos")
    with pytest.raises(RequestError, match=message):
        build(tmp_path / "mnist", tmp_path / "photos", tmp_path / "out", seed=0)
    assert not (tmp_path / "out").exists()


def test_parquet_has_the_hubs_schema(tmp_path: Path) -> None:
    pixels = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    write_parquet(tmp_path / "a.parquet", Images(pixels, torch.tensor([4, 0, 9]), ("x",) * 10))
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["label"] for row in rows] == [4, 0, 9]
    assert [row["image"]["path"] for row in rows] == ["00000.png", "00001.png", "00002.png"]
    first = np.asarray(Image.open(io.BytesIO(rows[0]["image"]["bytes"])))
    assert np.array_equal(first, pixels[0].permute(1, 2, 0).numpy())


@pytest.mark.skipif("SPARRING_DATA" not in os.environ, reason="SPARRING_DATA names no real sets")
def test_geometry_is_that_of_the_release() -> None:
    """Undoing the recipe makes the authors' images smooth; undoing it 1 pixel off does not."""
    root = Path(os.environ["SPARRING_DATA"])
    rows = next(pq.ParquetFile(root / "mnist_m" / "train.parquet").iter_batches(200))["image"]
    release = np.stack([np.asarray(Image.open(io.BytesIO(row["bytes"].as_py()))) for row in rows])
    with gzip.open(root / "mnist" / "train-images-idx3-ubyte.gz") as file:
        digits = np.frombuffer(file.read(16 + 200 * 784)[16:], np.uint8).reshape(-1, 28, 28)
    ink = np.pad(digits > 0, ((0, 0), (2, 2), (2, 2)))

    def roughness(mask: np.ndarray) -> np.ndarray:
        crop = np.where(mask[..., None], 255 - release, release).astype(int)
        return sum(np.abs(np.diff(crop, axis=axis)).mean((1, 2, 3)) for axis in (1, 2))

    places = list(itertools.product((-1, 0, 1), repeat=2))
    rough = [roughness(np.roll(ink, place, (1, 2))) for place in places]
    assert (np.argmin(rough, axis=0) == places.index((0, 0))).all()
    assert roughness(ink).mean() < 0.75 * roughness(np.zeros_like(ink)).mean()


def test_photographs_have_a_greatest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (40, 40)).save(tmp_path / f"{name}.jpg")
    assert len(read_photos(tmp_path)) == 2
    monkeypatch.setattr(mnist_m, "MAX_PHOTOS", 40 * 40 * 3 * 2 - 1)
    with pytest.raises(RequestError, match="give fewer"):
        read_photos(tmp_path)
    for limit in (1599, 10):  # of ours, and Pillow's own
        monkeypatch.setattr(decode, "MAX_PIXELS", limit)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(RequestError, match=r"a\.jpg is damaged"):
            read_photos(tmp_path)
