"""Compressed pictures -> square uint8 tensors, with an account of those that do not decode.

Knows Pillow; knows nothing of labels or of where the bytes came from.
"""

import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, islice
from threading import Lock
from typing import TypeVar

import numpy as np
import PIL
import torch
from PIL import Image, ImageOps
from torch import Tensor

from sparring.data import tensor_cache
from sparring.data.pixels import empty_pixels
from sparring.errors import RequestError

MAX_PIXELS = 64_000_000
"""A picture with more is refused before it is decoded: it would take over 200 MB."""

MAX_FAILURES = 0.01
"""The part of a set that may fail to decode before the whole set is refused."""

FEWEST = 1000
"""Sets of fewer pictures are decoded anew each time: that takes no time to speak of."""

Items = Callable[[], Iterable[tuple[str, bytes]]]
"""Gives named pictures from the first one on, each time it is called."""

T = TypeVar("T")
R = TypeVar("R")

_ALONE, _LARGE = Lock(), 4_000_000  # larger pictures one at a time: each may take a gigabyte

_VERSION = 3  # to be raised where the same bytes shall decode to something else
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_CHUNK = 128
_log = logging.getLogger("sparring")


class UndecodableError(Exception):
    """These bytes are not a picture that can be read."""


@dataclass(frozen=True)
class Reading:
    """What `decode_all` read, and which places of it decoded: int64 [K], rising."""

    items: Items
    places: Tensor


_readings: ContextVar[list[Reading] | None] = ContextVar("readings", default=None)


@contextmanager
def readings() -> Iterator[list[Reading]]:
    """What `decode_all` reads inside, in order; no number of broken pictures is refused there."""
    found: list[Reading] = []
    token = _readings.set(found)
    try:
        yield found
    finally:
        _readings.reset(token)


def decode(data: bytes, size: int) -> np.ndarray:
    """The central square of one picture in RGB: uint8 [3, size, size]. Raises UndecodableError.

    Resized bilinearly and antialiased; a square that has the size already keeps its pixels.
    """
    rgb = open_rgb(data)
    side = min(rgb.size)
    left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
    box = (left, top, left + side, top + side)
    square = rgb.resize((size, size), Image.Resampling.BILINEAR, box=box)
    return np.asarray(square).transpose(2, 0, 1)


def open_rgb(data: bytes) -> Image.Image:
    """Decode one picture to RGB, of its own size. Raises UndecodableError.

    EXIF rotation is applied, transparency is laid on white, 16 bits become 8.
    """
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            count = image.width * image.height
            if count > MAX_PIXELS:
                raise UndecodableError(f"{image.width}x{image.height} pixels are too many")
            with _ALONE if count > _LARGE else nullcontext():
                ImageOps.exif_transpose(image, in_place=True)
                image.load()
                return _rgb(image)
    except Exception as error:  # Pillow's parsers raise whatever damaged bytes lead them to
        raise UndecodableError(str(error)) from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255, so all but the darkest would come out white.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        above = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), above).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def decode_all(items: Items, count: int, size: int, where: object) -> tuple[Tensor, Tensor]:
    """Decode `count` pictures: uint8 [K, 3, size, size], and which K these are, int64 [K], rising.

    Those that do not decode are left out, and named in a warning. A large set is decoded once and
    then found in the cache folder. Raises RequestError where over 1 % fail, there is nothing at
    all, or the machine has no room for it.
    """
    if count == 0:
        raise RequestError(f"{where} holds no images: put some there, or name another place")
    if count < FEWEST:
        return _decode_now(items, count, size, where)
    key = tensor_cache.key_of((_VERSION, PIL.__version__, size), (data for _, data in items()))
    if found := tensor_cache.recall(key):
        _account(items, found["places"], count, where)
        return found["pixels"], found["places"]
    _log.info("%s: decoding %s images, which is done once", where, f"{count:,}")
    pixels, places = _decode_now(items, count, size, where)
    tensor_cache.keep(key, {"pixels": pixels, "places": places})
    return pixels, places


def _decode_now(items: Items, count: int, size: int, where: object) -> tuple[Tensor, Tensor]:
    def attempt(item: tuple[str, bytes]) -> np.ndarray | None:
        try:
            return decode(item[1], size)
        except UndecodableError:
            return None

    try:
        pixels = empty_pixels(count, size)
    except (OSError, RuntimeError) as error:  # no room on the disk; a limit on this process
        raise RequestError(
            f"{where}: {count:,} images of {size} pixels take {count * 3 * size**2 / 1e9:,.1f} GB, "
            "more than there is: take fewer"
        ) from error
    rows = pixels.numpy()
    kept: list[int] = []
    for place, picture in enumerate(in_threads(attempt, items())):
        if picture is not None:
            rows[len(kept)] = picture
            kept.append(place)
    places = torch.tensor(kept, dtype=torch.int64)
    _account(items, places, count, where)
    return pixels[: len(kept)], places


def in_threads(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`work` of each item, in order, by several threads that take some hundred items at a time."""
    rest = iter(items)
    threads = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        # A thread gets many pictures at once: handing over a small one takes longer than decoding.
        while chunks := [some for _ in range(threads) if (some := list(islice(rest, _CHUNK)))]:
            with warnings.catch_warnings():  # around the threads: filters are global
                warnings.simplefilter("ignore")  # Pillow warns of damage; what decodes will do
                done = list(pool.map(lambda some: list(map(work, some)), chunks))
            yield from chain.from_iterable(done)


def _account(items: Items, places: Tensor, count: int, where: object) -> None:
    """Warn of the pictures that are not at `places`; raise RequestError where they are many."""
    if (seen := _readings.get()) is not None:
        seen.append(Reading(items, places))
        return
    failed = set(range(count)) - set(places.tolist())
    if not failed:
        return
    names = (name for place, (name, _) in enumerate(items()) if place in failed)
    first = ", ".join(islice(names, 3)) + (", ..." if len(failed) > 3 else "")
    told = f"{len(failed)} of {count} images in {where} do not decode ({first})"
    if len(failed) > MAX_FAILURES * count:
        raise RequestError(f"{told}: repair or remove them, or download the set again")
    _log.warning("%s: left out", told)
