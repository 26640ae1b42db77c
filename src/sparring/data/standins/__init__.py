"""Stand-ins: sets that the program draws itself, so that everything can be tried offline.

Knows its own drawings; knows no real set. Each is a `DataSet` of kind "stand-in" and must be
called one wherever its numbers appear. What was drawn is kept in the cache folder.
"""

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from torch import Tensor

from sparring.data import tensor_cache
from sparring.data.images import DIGITS, DataSet, Images
from sparring.data.pixels import resize

ATTRIBUTES = (
    *("Smiling", "Male", "Eyeglasses", "Young", "Blond_Hair"),
    *("Mustache", "Bangs", "Wearing_Hat", "Big_Nose", "Pale_Skin"),
)

_VERSION = 1  # to be raised where a drawing changes
_LIBRARIES = ("matplotlib", "numpy", "pillow", "scikit-learn", "scipy", "torch")


@dataclass(frozen=True)
class StandIn:
    """A set that can be drawn. counts: for training and for testing. side: in pixels, as drawn."""

    counts: tuple[int, int]
    label_names: tuple[str, ...]
    side: int
    mirror: bool = False


SETS = {
    "photo-digits": StandIn((12_000, 2_000), DIGITS, 32),
    "street-digits": StandIn((12_000, 2_000), DIGITS, 32),
    "toy-faces": StandIn((6_000, 1_000), ATTRIBUTES, 64, mirror=True),
}
"""All of them, by name."""


def load(name: str, size: int) -> DataSet:
    """The whole stand-in `name` at `size` pixels, drawn where the cache folder lacks it."""
    key = tensor_cache.key_of((name, _VERSION, size, [version(used) for used in _LIBRARIES]))
    tensors = tensor_cache.recall(key)
    if tensors is None:
        (train, train_labels), (test, test_labels) = _draw(name, *SETS[name].counts)
        tensors = {"train": resize(train, size), "test": resize(test, size)}
        tensors |= {"train_labels": train_labels, "test_labels": test_labels}
        tensor_cache.keep(key, tensors)
    splits = ((tensors[part], tensors[f"{part}_labels"]) for part in ("train", "test"))
    return _dataset(name, *splits)


def draw(name: str, train: int, test: int, seed: int = 0) -> DataSet:
    """Draw `train` and `test` images of a stand-in at its own size: 32 for digits, 64 for faces.

    The splits come from independent streams: changing one count leaves the other split as it was.
    """
    return _dataset(name, *_draw(name, train, test, seed))


def _draw(name: str, train: int, test: int, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Pixels and labels of both splits."""
    # Loaded here: scikit-learn and matplotlib take a second.
    from sparring.data.standins import faces, photo, street

    module = {"photo-digits": photo, "street-digits": street, "toy-faces": faces}[name]
    return [
        module.split(np.random.default_rng([seed, k]), count, testing=k == 1)
        for k, count in enumerate((train, test))
    ]


def _dataset(name: str, *splits: tuple[Tensor, Tensor]) -> DataSet:
    names, mirror = SETS[name].label_names, SETS[name].mirror
    train, test = (Images(pixels, labels, names) for pixels, labels in splits)
    return DataSet(name, "stand-in", train, test, mirror)
