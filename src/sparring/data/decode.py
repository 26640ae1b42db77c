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
from typing import NamedTuple, TypeVar

import numpy as np
import PIL
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from sparring.data import depth, tensor_cache
from sparring.data.pixels import empty_pixels
from sparring.errors import RequestError

MAX_PIXELS = 64_000_000
"""A picture with more is refused before it is decoded: it would take over 200 MB."""

MAX_FAILURES = 0.05
"""The part of a set that may fail to decode before the whole set is refused; one always may."""

FEWEST = 1000
"""Sets of fewer pictures are decoded anew each time: that takes no time to speak of."""

Items = Callable[[], Iterable[tuple[str, bytes | RequestError]]]
"""Gives named pictures, or why a file cannot be read, from the first on, each time it is called."""

T = TypeVar("T")
R = TypeVar("R")

_ALONE, _LARGE = Lock(), 4_000_000  # larger pictures one at a time: each may take a gigabyte

_VERSION = 4  # to be raised where the same bytes shall decode to something else
_CHUNK = 128
_log = logging.getLogger("sparring")

_WANTED = (
    *("JPEG", "MPO", "PNG", "WEBP", "AVIF", "BMP", "DIB", "GIF", "TIFF", "PPM", "JPEG2000"),
    *("PCX", "QOI", "SGI", "TGA"),  # the last has no mark of its own: it would take any bytes
)
_SUFFIXES = Image.registered_extensions()
_FORMATS = tuple(kind for kind in _WANTED if kind in Image.OPEN)  # AVIF since Pillow 11.3

IMAGE_SUFFIXES = frozenset(suffix for suffix, kind in _SUFFIXES.items() if kind in _FORMATS)
"""The ends of the names of pictures: what Pillow says of the formats that are read."""


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


class Picture(NamedTuple):
    """A decoded picture: uint8 [3, S, S], its width and height as it was, and its `depth.white_of`.

    white: 0 where it had 8 bits.
    """

    pixels: np.ndarray
    size: tuple[int, int]
    white: float


class Decoded(NamedTuple):
    """The pictures of a part that decode.

    pixels: uint8 [K, 3, S, S]. places: int64 [K], rising: which of all these are. sizes: int32
    [K, 2], width and height before. whites: float64 [W], each `Picture.white` above 0 once.
    """

    pixels: Tensor
    places: Tensor
    sizes: Tensor
    whites: Tensor


def decode(data: bytes, size: int, white: float | None = None) -> np.ndarray:
    """The central square of one picture in RGB: uint8 [3, size, size]. Raises UndecodableError.

    Resized bilinearly and antialiased; a square that has the size already keeps its pixels.
    white: the value that is white where it has more than 8 bits; None: its own `depth.white_of`.
    """
    return _picture(data, size, white).pixels


def _picture(data: bytes, size: int, white: float | None) -> Picture:
    rgb, own = _opened(data, white)
    side = min(rgb.size)
    left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
    box = (left, top, left + side, top + side)
    square = rgb.resize((size, size), Image.Resampling.BILINEAR, box=box)
    return Picture(np.asarray(square).transpose(2, 0, 1), rgb.size, own)


def open_rgb(data: bytes) -> Image.Image:
    """Decode one picture to RGB, of its own size. Raises UndecodableError.

    EXIF rotation is applied, transparency is laid on white, more than 8 bits become 8.
    """
    return _opened(data, None)[0]


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of a picture, from its head alone. Raises UndecodableError."""
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            return image.size
    except Exception as error:  # Pillow's parsers raise whatever damaged bytes lead them to
        raise UndecodableError(str(error)) from error


def own_white(data: bytes) -> float:
    """`Picture.white` of a picture; 0 where it does not decode."""
    if not depth.possible(data):
        return 0
    try:
        return _opened(data, None)[1]
    except UndecodableError:
        return 0


def _opened(data: bytes, white: float | None) -> tuple[Image.Image, float]:
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            count = image.width * image.height
            if count > MAX_PIXELS:
                raise UndecodableError(f"{image.width}x{image.height} pixels are too many")
            with _ALONE if count > _LARGE else nullcontext():
                ImageOps.exif_transpose(image, in_place=True)
                image.load()
                values = depth.values_of(image)
                if values is None:
                    return _rgb(image), 0
                own = depth.white_of(values)
                return _rgb(depth.to_8_bits(values, white or own)), own
    except UnidentifiedImageError as error:
        raise UndecodableError("no picture of a known format") from error
    except Exception as error:  # Pillow's parsers raise whatever damaged bytes lead them to
        raise UndecodableError(str(error)) from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        above = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), above).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def decode_all(
    items: Items, count: int, size: int, where: object, white: float | None = None
) -> Decoded:
    """Decode `count` pictures. white: see `decode`.

    Those that do not decode are left out, and named in a warning. A large set is decoded once and
    then found in the cache folder. Raises RequestError where more than 5 % and more than one fail,
    there is nothing at all, or the machine has no room for it.
    """
    if count == 0:
        raise RequestError(f"{where} holds no images: put some there, or name another place")
    if count < FEWEST:
        return _decode_now(items, count, size, where, white)
    maker = (_VERSION, PIL.__version__, size, white)
    key = tensor_cache.key_of(
        maker, (b"" if isinstance(data, RequestError) else data for _, data in items())
    )
    if found := tensor_cache.recall(key):
        decoded = Decoded(**found)
        _account(items, decoded.places, count, where)
        return decoded
    _log.info("%s: decoding %s images, which is done once", where, f"{count:,}")
    decoded = _decode_now(items, count, size, where, white)
    tensor_cache.keep(key, decoded._asdict())
    return decoded


def _decode_now(items: Items, count: int, size: int, where: object, white: float | None) -> Decoded:
    def attempt(item: tuple[str, bytes | RequestError]) -> Picture | str:
        data = item[1]
        try:
            return str(data) if isinstance(data, RequestError) else _picture(data, size, white)
        except UndecodableError as error:
            return str(error)

    try:
        pixels = empty_pixels(count, size)
    except (OSError, RuntimeError) as error:  # no room on the disk; a limit on this process
        raise RequestError(
            f"{where}: {count:,} images of {size} pixels take {count * 3 * size**2 / 1e9:,.1f} GB, "
            "more than there is: take fewer"
        ) from error
    rows = pixels.numpy()
    kept: list[int] = []
    sizes: list[tuple[int, int]] = []
    whites: set[float] = set()
    why = ""
    for place, picture in enumerate(in_threads(attempt, items())):
        if isinstance(picture, str):
            why = why or picture
            continue
        rows[len(kept)] = picture.pixels
        kept.append(place)
        sizes.append(picture.size)
        whites.add(picture.white)
    places = torch.tensor(kept, dtype=torch.int64)
    _account(items, places, count, where, why)
    deep = torch.tensor(sorted(whites - {0}), dtype=torch.float64)
    return Decoded(
        pixels[: len(kept)], places, torch.tensor(sizes, dtype=torch.int32).reshape(-1, 2), deep
    )


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


def tolerated(count: int) -> int:
    """How many of `count` files may be left out as faulty before a set is refused."""
    return max(1, int(MAX_FAILURES * count))


def _account(items: Items, places: Tensor, count: int, where: object, why: str = "") -> None:
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
    if len(failed) > tolerated(count) or len(failed) == count:
        raise RequestError(f"{told}: {why or 'no picture'}; repair or remove them")
    _log.warning("%s: left out", told)
