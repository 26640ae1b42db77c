"""Build MNIST-M from MNIST and photographs, by the recipe of Ganin & Lempitsky (2015).

As measured on the authors' release: image k is made from MNIST's image k, which is padded by 2
pixels on each side to 32x32, never resized. Every pixel above 0 counts as 255. Each channel is
|crop - digit|, so a crop shows inverted inside the strokes.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from sparring.data.decode import UndecodableError, open_rgb
from sparring.data.files import damaged, entries, read
from sparring.data.formats import idx
from sparring.data.images import Images
from sparring.errors import RequestError
from sparring.storage import publish, temporary_for

SIZE = 32
PAD = 2
TEST_EVERY = 5  # one photograph in this many is kept for the test split
MAX_PHOTOS = 2 << 30
"""Bytes that all photographs together may take in memory; those of BSDS500 take 0.1 GB."""
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def build_mnist_m(digits: Tensor, photos: list[np.ndarray], seed: int) -> Tensor:
    """Blend each digit with a random crop of a random photograph.

    digits: uint8 [N, 28, 28]. photos: one or more, uint8 [H, W, 3] each, H and W at least 32.
    Returns uint8 [N, 3, 32, 32]; equal arguments give equal pixels.
    """
    crops = torch.from_numpy(random_crops(np.random.default_rng(seed), len(digits), photos))
    ink = F.pad(digits > 0, [PAD] * 4)[:, None]
    # |crop - 255| where there is ink, |crop - 0| elsewhere.
    return torch.where(ink, 255 - crops, crops)


def random_crops(rng: np.random.Generator, n: int, photos: Sequence[np.ndarray]) -> np.ndarray:
    """Cut `n` crops, uint8 [n, 3, 32, 32], each from a photo (uint8 [H, W, 3]) drawn first."""
    crops = np.empty((n, 3, SIZE, SIZE), np.uint8)
    choice = rng.integers(0, len(photos), n)
    for index, photo in enumerate(photos):
        mine = np.flatnonzero(choice == index)
        windows = sliding_window_view(photo, (SIZE, SIZE), axis=(0, 1))
        y, x = (rng.integers(0, extent, len(mine)) for extent in windows.shape[:2])
        crops[mine] = windows[y, x]
    return crops


def build(mnist: Path, photos: Path, out: Path, seed: int) -> None:
    """Write train.parquet and test.parquet into the folder `out`. Raises RequestError.

    mnist: folder of the four idx files. photos: a folder or a zip of JPEGs, such as
    `bsds500_train_images.zip`; every fifth one is used for the test split, and for it alone.
    """
    digits = idx.read(mnist, 28)
    pictures = read_photos(photos)
    test = pictures[::TEST_EVERY]
    train = [picture for k, picture in enumerate(pictures) if k % TEST_EVERY]
    if not train:
        raise RequestError(f"{photos} holds one photograph: add more, the splits share none")
    for split, images, pool in zip(("train", "test"), digits, (train, test), strict=True):
        pixels = build_mnist_m(images.pixels[:, 0], pool, seed)
        write_parquet(out / f"{split}.parquet", replace(images, pixels=pixels))


def read_photos(path: Path) -> list[np.ndarray]:
    """All JPEGs of a folder or zip, by name: uint8 [H, W, 3] each. Raises RequestError."""
    photos: list[np.ndarray] = []
    for name, entry in entries(path).items():
        if name.lower().endswith((".jpg", ".jpeg")):
            photos.append(_decode(f"{path}:{name}", read(entry)))
            if sum(photo.nbytes for photo in photos) > MAX_PHOTOS:
                raise RequestError(f"the photographs in {path} take over 2 GB: give fewer")
    if not photos:
        raise RequestError(f"no .jpg photographs in {path}: give a folder or a zip of JPEGs")
    return photos


def _decode(place: str, data: bytes) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of damage beside the picture
            photo = np.asarray(open_rgb(data))
    except UndecodableError as error:
        raise damaged(place, error) from error
    if min(photo.shape[:2]) < SIZE:
        raise RequestError(f"{place} is smaller than {SIZE} pixels: remove it")
    return photo


def write_parquet(path: Path, images: Images) -> None:
    """Write labelled images, as PNG, in the hub's schema; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for index, pixels in enumerate(images.pixels.permute(0, 2, 3, 1).numpy()):
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, "png")
        rows.append({"bytes": png.getvalue(), "path": f"{index:05}.png"})
    assert images.labels is not None  # MNIST's
    table = pa.table({"image": pa.array(rows, IMAGE), "label": pa.array(images.labels.numpy())})
    pq.write_table(table, temporary_for(path), compression="none")  # PNG is compressed already
    publish(temporary_for(path), path)
