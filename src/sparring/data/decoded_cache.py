"""Decoded sets in the cache folder, each under the hash of the bytes that it was decoded from.

So no change of a set goes unseen, wherever its files lie. Knows tensors and files; knows nothing
of pictures, and never sees a label.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import PIL
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from sparring import cache
from sparring.storage import publish, sweep, temporary_for

FEWEST = 1000
"""Sets of fewer pictures are decoded anew each time: that takes no time to speak of."""

LIMIT = 10_000_000_000
"""Bytes that the folder may hold; the sets that were not used for longest go first."""

_SPARE = 5_000_000_000  # bytes of the disk that are left to others

_FORMAT = 2  # to be raised where the same bytes shall decode to something else


class Decoded(NamedTuple):
    """pixels: uint8 [K, 3, S, S]; places: of these K among what was to be decoded, int64 [K]."""

    pixels: Tensor
    places: Tensor


def key_of(pictures: Iterable[bytes], size: int) -> str:
    """What names a set: SHA-256 over every compressed picture, the size, and who decodes."""
    digest = hashlib.sha256(repr((_FORMAT, PIL.__version__, size)).encode())
    for picture in pictures:
        digest.update(len(picture).to_bytes(8, "little"))
        digest.update(picture)
    return digest.hexdigest()


def recall(key: str) -> Decoded | None:
    """The set that was kept as `key`; None where there is none.

    Its pixels lie in the file, which the system maps into memory: every process has the same ones.
    """
    with contextlib.suppress(OSError, SafetensorError):
        path = _path(key)
        os.utime(path)
        with safe_open(path, "pt") as tensors:
            return Decoded(tensors.get_tensor("pixels"), tensors.get_tensor("places"))
    return None


def keep(key: str, found: Decoded) -> None:
    """Keep a set for `recall` where there is room; of what is then over LIMIT the oldest goes."""
    path = _path(key)
    with contextlib.suppress(OSError, SafetensorError):  # all that is lost is time
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, shared=True)
        size = found.pixels.nbytes
        if size > LIMIT or shutil.disk_usage(path.parent).free < size + _SPARE:
            return
        save_file(found._asdict(), temporary_for(path))
        publish(temporary_for(path), path)
        _drop_oldest(path.parent)


def _drop_oldest(folder: Path) -> None:
    total = 0
    for path in sorted(folder.glob("*.safetensors"), key=os.path.getmtime, reverse=True):
        total += path.stat().st_size
        if total > LIMIT:
            path.unlink()


def _path(key: str) -> Path:
    return cache.folder() / "decoded" / f"{key}.safetensors"
