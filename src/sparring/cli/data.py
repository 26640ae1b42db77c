"""`sparring data`: data sets that are made, not found."""

from pathlib import Path
from typing import Literal

from sparring.errors import RequestError


def data(
    action: Literal["build"],
    name: Literal["mnist-m"],
    /,
    mnist: Path,
    photos: Path,
    out: Path,
    seed: int = 0,
) -> None:
    """Build MNIST-M from MNIST and photographs, by the published recipe.

    Args:
        action: What to do.
        name: The data set.
        mnist: Folder with the four official MNIST files.
        photos: BSDS500 photographs: a folder or a zip of JPEG files.
        out: Folder to write train.parquet and test.parquet into (mnist_m/ under your data).
        seed: Which photograph and which crop each digit gets.
    """
    from sparring.data.mnist_m import build

    if seed < 0:
        raise RequestError(f"--seed must be at least 0, not {seed}")
    build(mnist, photos, out, seed)
