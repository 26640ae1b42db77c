"""Pictures of more than 8 bits a channel: which of their values is white.

Knows arrays and Pillow's modes. A file may hold 12 bits in 16, or numbers from 0 to 1, and does
not say so: the scale is told from the largest value of a whole set, not of one picture.
"""

import numpy as np
from PIL import Image

WHITES = (1.0, *(2.0**bits - 1 for bits in (8, 10, 12, 14, 16, 31, 32)))
"""The values that white may have: 1 of fractions, else the largest number of so many bits."""

_SLACK = 0.01  # resampled pictures overshoot a little
_SHALLOW = (b"\xff\xd8", b"GI", b"RI", b"BM")  # JPEG, GIF, WebP, BMP


def possible(data: bytes) -> bool:
    """Whether these bytes may be a picture of more than 8 bits; told without opening it."""
    if data[:4] == b"\x89PNG":
        return data[24:25] == b"\x10"
    return data[:2] not in _SHALLOW


def values_of(image: Image.Image) -> np.ndarray | None:
    """The values [H, W] of a grey picture of more than 8 bits; None of any other.

    Colour pictures of 16 bits come from Pillow in 8.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return np.asarray(image)
    return None


def white_of(values: np.ndarray) -> float:
    """The least of WHITES that `values` stay below. Raises ValueError where there is none."""
    least, most = float(values.min()), float(values.max())
    white = next((white for white in WHITES if most <= white * (1 + _SLACK)), None)
    if white is None or least < -white * _SLACK:
        raise ValueError(f"its values go from {least:g} to {most:g}, and black should be 0")
    return white


def to_8_bits(values: np.ndarray, white: float) -> Image.Image:
    """The grey picture of 8 bits in which `white` is white: the upper bits, or the fraction."""
    floats = values.astype(np.float32)
    scaled = np.rint(floats * 255) if white == 1 else np.floor(floats * (256 / (white + 1)))
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
