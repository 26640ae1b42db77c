"""Pictures to plant faults among: smooth, and no two alike."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sparring.data.doctor import Finding, Subject
from sparring.data.images import DataSet, Images

NAMES = ("ant", "bee")


def picture(seed: int, size: int = 48) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((size, size), Image.Resampling.BICUBIC)


def folder(root: Path, count: int = 40, first: int = 0) -> Path:
    """Class folders in `train/` and `test/`: `count` pictures a class and split."""
    for s, split in enumerate(("train", "test")):
        for c, name in enumerate(NAMES):
            place = root / split / name
            place.mkdir(parents=True)
            for k in range(count):
                picture(first + 1000 * s + 10000 * c + k).save(place / f"{k:02}.png")
    return root


def images(
    pictures: Sequence[Image.Image],
    labels: Sequence[int] | Sequence[Sequence[int]] | None = None,
    names: tuple[str, ...] = NAMES,
    size: int = 48,
) -> Images:
    rows = [np.asarray(one.resize((size, size)).convert("RGB")) for one in pictures]
    pixels = torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2)
    return Images(pixels, None if labels is None else torch.tensor(labels), names)


def subject(train: Images, test: Images | None = None, name: str = "photos") -> Subject:
    """A set in memory; where no test pictures are given, they are others than all else."""
    other = images([picture(k) for k in range(90_000, 90_004)], [0, 1] * 2)
    return Subject(DataSet(name, "real", train, other if test is None else test))


def kinds(found: Sequence[Finding]) -> dict[str, tuple[str, int]]:
    """Severity and count of each finding, by its kind."""
    assert len({finding.kind for finding in found}) == len(found)
    return {finding.kind: (finding.severity, finding.count) for finding in found}


def bare(name: str) -> str:
    """A file's name below the folder of its split."""
    return name.removeprefix("train/").removeprefix("test/")
