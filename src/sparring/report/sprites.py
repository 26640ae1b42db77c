"""Many small images in one file, for the page to show one at a time.

Knows arrays and Pillow; knows no run and no HTML.
"""

import base64
import io

import numpy as np
from PIL import Image

COLUMNS = 100
"""Images in a row of a sheet."""
MOST = 20_000
"""Images of a sheet: of 24 pixels, about 2 MB."""
PHOTOGRAPH = 60
"""Quality of photographs: a loss that nobody sees."""


def webp(pixels: np.ndarray, quality: int | None) -> str:
    """uint8 [H, W, 3] as a data URL. quality: from 0 to 100; None: not a bit is lost."""
    file = io.BytesIO()
    kept = {"lossless": True} if quality is None else {"quality": quality}
    Image.fromarray(pixels).save(file, "WEBP", **kept)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def in_rows(images: np.ndarray, columns: int) -> np.ndarray:
    """uint8 [N, 3, S, S] to [rows, columns, 3, S, S], filled up with white."""
    short = -len(images) % columns
    white = np.full((short, *images.shape[1:]), 255, np.uint8)
    return np.concatenate([images, white]).reshape(-1, columns, *images.shape[1:])


def tiled(images: np.ndarray, columns: int) -> np.ndarray:
    """uint8 [N, 3, S, S] side by side, `columns` in a row: [rows * S, columns * S, 3]."""
    grid = in_rows(images, columns)
    rows, _, _, size, _ = grid.shape
    return grid.transpose(0, 3, 1, 4, 2).reshape(rows * size, columns * size, 3)


class Sheet:
    """Images of one size, each once, whoever shows it."""

    def __init__(self) -> None:
        self._places: dict[bytes, int] = {}
        self._images: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._images)

    def add(self, images: np.ndarray) -> np.ndarray | None:
        """The places of uint8 [N, 3, S, S], int64 [N]; None where the sheet has no room for all."""
        keys = [image.tobytes() for image in images]
        if len(self._places.keys() | set(keys)) > MOST:
            return None
        for key, image in zip(keys, images, strict=True):
            if key not in self._places:
                self._places[key] = len(self._images)
                self._images.append(image)
        return np.array([self._places[key] for key in keys])

    def url(self) -> str:
        """All of them, COLUMNS in a row, as a data URL; empty for none."""
        return webp(tiled(np.stack(self._images), COLUMNS), quality=50) if self._images else ""
