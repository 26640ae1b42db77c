"""Where the pixels of a set lie: in memory, or, of a large set, in a mapped file.

A mapped file is read and written as memory is, and the system keeps in memory what it has room
for. The file lies in the cache folder without a name, so that nothing is left of it when the
process ends, however it ends.
"""

import os
import tempfile

import torch
from torch import Tensor

from sparring import cache

MAPPED_FROM = 4_000_000_000
"""Bytes from which on pixels lie in a mapped file: 1.3 million images of 32 pixels."""


def empty_pixels(count: int, size: int) -> Tensor:
    """Room for uint8 [count, 3, size, size] of any content.

    Raises OSError where the disk has no room for a mapped file, RuntimeError for memory.
    """
    shape = (count, 3, size, size)
    needed = count * 3 * size**2
    if needed < MAPPED_FROM:
        return torch.empty(shape, dtype=torch.uint8)
    folder = cache.folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="pixels-") as file:
        # Taken at once: a disk that fills up later would kill the process at some assignment.
        os.posix_fallocate(file.fileno(), 0, needed)
        return torch.from_file(file.name, shared=True, size=needed, dtype=torch.uint8).view(shape)
