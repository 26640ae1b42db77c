"""Folders of images as people have them, and what was read of them."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from sparring.data import catalogue
from sparring.data.images import DataSet

SIZE = 8


def pixels(seed: int, side: int = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def png(seed: int, side: int = SIZE) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels(seed, side)).save(buffer, "PNG")
    return buffer.getvalue()


PNGS = [png(k) for k in range(60)]


def fill(folder: Path, count: int, start: int = 0, suffix: str = ".png") -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{start + k:02d}{suffix}" for k in range(count)]
    for k, name in enumerate(names):
        (folder / name).write_bytes(PNGS[(start + k) % len(PNGS)])
    return names


def load(path: Path, size: int = SIZE) -> DataSet:
    return catalogue.load(str(path), None, size=size)


def seeds(images: torch.Tensor) -> list[int]:
    """Which of PNGS these images are."""
    known = {pixels(k).transpose(2, 0, 1).tobytes(): k for k in range(len(PNGS))}
    return [known[image.numpy().tobytes()] for image in images]


def labels(dataset: DataSet) -> dict[int, str]:
    """By which of PNGS, the class of each image of both splits."""
    found = {}
    for part in (dataset.train, dataset.test):
        assert part.labels is not None
        names = [part.label_names[k] for k in part.labels.tolist()]
        found |= dict(zip(seeds(part.pixels), names, strict=True))
    return found


def parquet(path: Path, rows: range, image: str = "image", **columns: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": PNGS[k], "path": f"{k}.png"} for k in rows], kind)
    pq.write_table(pa.table({image: images} | columns), path)
