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

_FORMAT = 1  # to be raised where the same bytes shall decode to something else


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
    """The set that was kept as `key`; None where there is none, or not as it was written.

    Its pixels lie in the file, which the system maps into memory: every process has the same ones.
    """
    for path in _folder().glob(f"{key}-*"):
        with contextlib.suppress(OSError, SafetensorError):
            with path.open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() in path.stem
            if whole:
                os.utime(path)
                with safe_open(path, "pt") as tensors:
                    return Decoded(tensors.get_tensor("pixels"), tensors.get_tensor("places"))
    return None


def keep(key: str, found: Decoded) -> None:
    """Keep a set for `recall` where there is room; of what is then over LIMIT the oldest goes."""
    with contextlib.suppress(OSError, SafetensorError):  # all that is lost is time
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder, shared=True)
        size = found.pixels.nbytes
        if size > LIMIT or shutil.disk_usage(folder).free < size + _SPARE:
            return
        temporary = temporary_for(folder / key)
        try:
            save_file(found._asdict(), temporary)
            with temporary.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            publish(temporary, folder / f"{key}-{digest}.safetensors")
        finally:
            temporary.unlink(missing_ok=True)
        _drop_oldest(folder)


def _drop_oldest(folder: Path) -> None:
    total = 0
    found = sorted((path.stat().st_mtime_ns, path) for path in folder.glob("*.safetensors"))
    for _, path in reversed(found):
        total += path.stat().st_size
        if total > LIMIT:
            path.unlink()


def _folder() -> Path:
    return cache.folder() / "decoded"
