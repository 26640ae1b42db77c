"""A labelled set with other class shares, as class folders: what if the target's differ?

    python -m benchmarks.skewed meter-digits svhn --data DIR --out SKEWED
    sparring train mean-teacher --source mnist-m --target SKEWED/meter-digits-svhn --data DIR

Images are left out at random, the same ones every time; none is changed.
"""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import tyro
from PIL import Image

from sparring.data.images import Images
from sparring.runs.library import Library

SHARES = {
    # Of the digits 0 to 9: SVHN's own; number 3 five times rarer than the others, or missing.
    "svhn": (0.068, 0.189, 0.144, 0.116, 0.102, 0.094, 0.078, 0.076, 0.069, 0.064),
    "rare": (1, 1, 1, 0.2, 1, 1, 1, 1, 1, 1),
    "missing": (1, 1, 1, 0, 1, 1, 1, 1, 1, 1),
    "zipf": tuple(1 / (rank + 1) for rank in range(10)),
}


def skewed(images: Images, shares: tuple[float, ...]) -> Images:
    """As many of the images as can have these class shares, up to a factor."""
    assert images.labels is not None
    labels, wanted = images.labels.numpy(), np.array(shares)
    there = np.bincount(labels, minlength=len(wanted))
    most = (there[wanted > 0] / wanted[wanted > 0]).min()
    random = np.random.default_rng(0)
    kept = [
        random.permutation(np.flatnonzero(labels == number))[: int(most * share)]
        for number, share in enumerate(wanted)
    ]
    return images.take(torch.from_numpy(np.sort(np.concatenate(kept))))


def main(
    name: Annotated[str, tyro.conf.Positional],
    shares: Annotated[Literal["svhn", "rare", "missing", "zipf"], tyro.conf.Positional],
    data: Path,
    out: Path,
) -> None:
    """Write the set `name` with other shares into out/NAME-SHARES/{train,test}/CLASS/."""
    found = Library(data).get(name, 32)
    for split, images in (("train", found.train), ("test", found.test)):
        part = skewed(images, SHARES[shares])
        assert part.labels is not None
        for number, (pixels, label) in enumerate(zip(part.pixels, part.labels, strict=True)):
            folder = out / f"{name}-{shares}" / split / part.label_names[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(folder / f"{number:05d}.png")
    print(out / f"{name}-{shares}")


if __name__ == "__main__":
    tyro.cli(main)
