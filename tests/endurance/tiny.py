"""Sets of images so small that a training of minutes becomes one of seconds.

python -m tests.endurance.tiny FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image


def make_data(folder: Path) -> Path:
    """Three sets of two classes, 12 training and 10 test images each, of noise. Returns `folder`.

    Enough for every score of a generator but the search for copies.
    """
    random = np.random.default_rng(0)
    for name, size in (("faces", 64), ("left", 32), ("right", 32)):
        for split, count in (("train", 12), ("test", 10)):
            for label in ("a", "b"):
                place = folder / name / split / label
                place.mkdir(parents=True)
                for index in range(count):
                    pixels = random.integers(0, 256, (size, size, 3), dtype=np.uint8)
                    Image.fromarray(pixels).save(place / f"{index}.png")
    return folder


if __name__ == "__main__":
    make_data(Path(sys.argv[1]))
