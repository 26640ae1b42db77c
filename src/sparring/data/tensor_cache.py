"""Sets of tensors in the cache folder, each under a key of all that it was made from.

Knows tensors and files; knows nothing of pictures.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from sparring import cache
from sparring.storage import publish, sweep, temporary_for

LIMIT = 10_000_000_000
"""Bytes that the folder may hold; the sets that were not used for longest go first."""

_SPARE = 5_000_000_000  # bytes of the disk that are left to others


def key_of(maker: object, sources: Iterable[bytes] = ()) -> str:
    """SHA-256 over the `repr` of who makes the tensors, and over all that they are made from."""
    digest = hashlib.sha256(repr(maker).encode())
    for source in sources:
        digest.update(len(source).to_bytes(8, "little"))
        digest.update(source)
    return digest.hexdigest()


def recall(key: str) -> dict[str, Tensor] | None:
    """The tensors that were kept as `key`; None where there are none, or the file is damaged.

    They lie in the file, which the system maps into memory: every process has the same ones.
    """
    with contextlib.suppress(OSError, SafetensorError):
        os.utime(_path(key))
        return load_file(_path(key))
    return None


def keep(key: str, tensors: Mapping[str, Tensor]) -> None:
    """Keep tensors for `recall` where there is room; of what is then over LIMIT the oldest goes."""
    path = _path(key)
    size = sum(tensor.nbytes for tensor in tensors.values())
    with contextlib.suppress(OSError, SafetensorError):  # all that is lost is time
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, shared=True)
        if size > LIMIT or shutil.disk_usage(path.parent).free < size + _SPARE:
            return
        save_file(dict(tensors), temporary_for(path))
        publish(temporary_for(path), path)
        total = 0
        for kept in sorted(path.parent.glob("*.safetensors"), key=os.path.getmtime, reverse=True):
            total += kept.stat().st_size
            if total > LIMIT:
                kept.unlink()


def _path(key: str) -> Path:
    return cache.folder() / "sets" / f"{key}.safetensors"
