"""Pictures that a trained model is shown, files or arrays, as tensors of its size."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.data.decode import IMAGE_SUFFIXES, UndecodableError, decode, in_threads, own_white
from sparring.data.files import Entry, entries, images_of, kinds, no_images, read
from sparring.data.pixels import resize
from sparring.errors import RequestError

_log = logging.getLogger("sparring")

PART = 500
"""Images that are held, and shown to a model, at once."""

Pictures = np.ndarray | Tensor | str | Path | Sequence[str | Path]
"""uint8 [N, H, W, 3], [N, 3, H, W] or grey [N, H, W]; or a folder, a zip, an image file, or a list
of files."""


def in_parts(images: Pictures, size: int, whites: Iterable[float] = ()) -> Iterator[Tensor]:
    """The central squares of the images at `size` pixels, in parts: uint8 [<= PART, 3, size, size].

    As in training; whites: as for `scale`. Raises RequestError for what is no image.
    """
    if files := files_of(images):
        yield from of_files(files, size, scale(files, whites))
    else:
        assert isinstance(images, np.ndarray | Tensor)
        yield from (resize(part, size) for part in _squares(images).split(PART))


def of_files(files: Sequence[tuple[str, Entry]], size: int, white: float) -> Iterator[Tensor]:
    """What `decoded` gives, as `in_parts` gives it. Raises RequestError for what is no image."""
    for part in decoded(files, size, white):
        for name, picture in part:
            if isinstance(picture, str):
                raise RequestError(f"{name} cannot be read: {picture}")
        yield torch.from_numpy(np.stack([picture for _, picture in part]))


def files_of(images: Pictures) -> list[tuple[str, Entry]]:
    """The files that are meant, each as often as it is named; none of an array of images.

    Raises RequestError.
    """
    of_paths = not isinstance(images, np.ndarray) or images.dtype.kind in "OU"
    if isinstance(images, Tensor) or not of_paths:
        return []
    if isinstance(images, str | Path):
        return [*pictures_in(Path(images)).items()]
    if (paths := list(images)) and all(isinstance(path, str | Path) for path in paths):
        return [(str(path), Path(path)) for path in paths]
    what = f"of {type(paths[0]).__name__} (np.stack makes one array)" if paths else "of nothing"
    raise RequestError(f"images must be an array, a path or a list of files, not a list {what}")


def pictures_in(place: Path) -> dict[str, Entry]:
    """The images of a folder or zip, or the one file, by relative name. Raises RequestError."""
    if place.suffix.lower() in IMAGE_SUFFIXES and place.is_file():
        return {place.name: place}
    files = entries(place)
    if not (found := images_of(files)):
        raise no_images(place, files)
    if left := ", ".join(f"{count:,} {kind}" for kind, count in kinds(files).items()):
        _log.warning("%s: left out: %s", place, left)
    return found


def scale(files: Iterable[tuple[str, Entry]], whites: Iterable[float] = ()) -> float:
    """What is white in those files that have more than 8 bits; 0 where none has.

    whites: what was white in the training sets' pictures of more than 8 bits: the least of these
    that fits all.
    """
    own = max(in_threads(_white, files), default=0)
    return own if own <= 1 else min((one for one in whites if one >= own), default=own)


def decoded(
    files: Iterable[tuple[str, Entry]], size: int, white: float = 0
) -> Iterator[list[tuple[str, np.ndarray | str]]]:
    """Lists of up to PART pairs of a name and its picture, in order.

    A picture is uint8 [3, size, size], as in training, or what is wrong with the file. white: the
    `scale` of the files.
    """

    def attempt(file: tuple[str, Entry]) -> tuple[str, np.ndarray | str]:
        try:
            return file[0], decode(read(file[1]), size, white)
        except (UndecodableError, RequestError) as error:
            return file[0], str(error)

    pictures = in_threads(attempt, files)
    while part := list(islice(pictures, PART)):
        yield part


def _white(file: tuple[str, Entry]) -> float:
    try:
        return own_white(read(file[1]))
    except RequestError:
        return 0


def _squares(images: np.ndarray | Tensor) -> Tensor:
    """The central squares of an array of images: uint8 [N, 3, S, S]."""
    if isinstance(images, np.ndarray) and min(images.strides, default=0) < 0:
        images = images.copy()  # torch takes none that runs backwards, as BGR read as RGB does
    pixels = torch.as_tensor(images)
    if pixels.ndim == 3 and pixels.shape[2] != 3:  # grey; else a single image, and refused
        pixels = pixels[..., None].expand(-1, -1, -1, 3)
    shape = tuple(pixels.shape)
    if pixels.dtype != torch.uint8 or len(shape) != 4 or not shape[0] or 3 not in shape[1::2]:
        raise RequestError(
            "images must be uint8 [N, H, W, 3], [N, 3, H, W] or [N, H, W] of values 0 to 255, "
            f"not {pixels.dtype} {list(shape)}"
        )
    if shape[3] == 3:
        pixels = pixels.permute(0, 3, 1, 2)
    height, width = pixels.shape[2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[:, :, top : top + side, left : left + side]
