"""Compressed pictures -> square uint8 tensors, with an account of those that do not decode.

Knows Pillow; knows nothing of labels or of where the bytes came from.
"""

import logging
import os
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from io import BytesIO
from itertools import islice
from threading import Lock

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from sparring.data.memory import empty_pixels
from sparring.errors import RequestError

MAX_PIXELS = 64_000_000
"""A picture with more is refused before it is decoded: it would take over 200 MB."""

MAX_FAILURES = 0.01
"""The part of a set that may fail to decode before the whole set is refused."""

_ALONE, _LARGE = Lock(), 4_000_000
"""Pictures of more pixels than this are decoded one at a time: each may take a gigabyte."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_CHUNK = 128
_log = logging.getLogger("sparring")


DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError),
    *(struct.error, zlib.error, OverflowError, MemoryError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)
"""What Pillow's parsers raise on damaged bytes; the last two are its limits on size."""


class UndecodableError(Exception):
    """These bytes are not a picture that can be read."""


def decode(data: bytes, size: int) -> np.ndarray:
    """Decode one picture to RGB, crop its central square and resize that: uint8 [3, size, size].

    EXIF rotation is applied, transparency is laid on white, 16 bits become 8. The resize is
    bilinear and antialiased; a square that has the size already keeps its exact pixels.
    Raises UndecodableError.
    """
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            check_pixels(image)
            with _ALONE if image.width * image.height > _LARGE else nullcontext():
                return _square(_rgb(ImageOps.exif_transpose(image)), size)
    except DAMAGE as error:
        raise UndecodableError(str(error)) from error


def check_pixels(image: Image.Image) -> None:
    """Raise UndecodableError for a picture, opened but not decoded, of over MAX_PIXELS."""
    if image.width * image.height > MAX_PIXELS:
        raise UndecodableError(f"{image.width}x{image.height} pixels are too many")


def _square(rgb: Image.Image, size: int) -> np.ndarray:
    side = min(rgb.size)
    left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
    box = (left, top, left + side, top + side)
    square = rgb.resize((size, size), Image.Resampling.BILINEAR, box=box)
    return np.asarray(square).transpose(2, 0, 1)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255, so all but the darkest would come out white.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        above = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), above).convert("RGB")
    return image.convert("RGB")


def decode_all(
    items: Iterable[tuple[str, bytes]], count: int, size: int, where: object
) -> tuple[Tensor, Tensor]:
    """Decode `count` named pictures, in order, leaving out those that do not decode.

    Returns pixels uint8 [K, 3, size, size] and the places of the K kept ones among the items,
    int64 [K], so that labels can be left out too. Failures are counted and named in a warning of
    the logger "sparring". Raises RequestError where over 1 % fail, or there is nothing at all.
    """
    if count == 0:
        raise RequestError(f"{where} holds no images: put some there, or name another place")
    pixels = _room(count, size, where)
    rows = pixels.numpy()
    kept: list[int] = []
    failed: list[str] = []
    with warnings.catch_warnings():  # around the threads: filters are global
        warnings.simplefilter("ignore")  # Pillow warns of damage; what decodes is good enough
        for place, (name, picture) in enumerate(islice(_decoded(items, size), count)):
            if picture is None:
                failed.append(name)
            else:
                rows[len(kept)] = picture
                kept.append(place)
    if len(kept) + len(failed) != count:
        raise RequestError(f"{where} holds fewer images than it promises: download it again")
    if failed:
        _account(failed, count, where)
    return pixels[: len(kept)], torch.tensor(kept)


def _room(count: int, size: int, where: object) -> Tensor:
    """Memory for `count` pictures; it is taken as it is filled, so a wrong count costs nothing.

    Raises RequestError where the machine has not so much.
    """
    needed = count * 3 * size**2
    try:
        return empty_pixels(count, size)
    except (OSError, RuntimeError):  # no room on the disk; a limit on this process
        pass
    raise RequestError(
        f"{where}: {count:,} images of {size} pixels take {needed / 1e9:,.1f} GB, more than there "
        "is: take fewer"
    )


Named = tuple[str, np.ndarray | None]


def _decoded(items: Iterable[tuple[str, bytes]], size: int) -> Iterator[Named]:
    """Name and picture of each item, None where it does not decode."""

    def attempt(some: list[tuple[str, bytes]]) -> list[Named]:
        return [(name, _picture(data, size)) for name, data in some]

    rest = iter(items)
    threads = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        # A thread gets many pictures at once: handing over a small one takes longer than decoding.
        while chunks := [some for _ in range(threads) if (some := list(islice(rest, _CHUNK)))]:
            for pictures in pool.map(attempt, chunks):
                yield from pictures


def _picture(data: bytes, size: int) -> np.ndarray | None:
    try:
        return decode(data, size)
    except UndecodableError:
        return None


def _account(failed: list[str], count: int, where: object) -> None:
    first = ", ".join(failed[:3]) + (", ..." if len(failed) > 3 else "")
    told = f"{len(failed)} of {count} images in {where} do not decode ({first})"
    if len(failed) > MAX_FAILURES * count:
        raise RequestError(f"{told}: repair or remove them, or download the set again")
    _log.warning("%s: left out", told)
