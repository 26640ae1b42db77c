"""Images in memory: uint8 pixels, labels or none, and the names and order of classes.

Knows tensors; knows no file format, no method and no training.
"""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from sparring.game import LabelKind

DIGITS = tuple("0123456789")
"""The class names of every set of digits."""


def composed(name: str) -> str:
    """`name` as Unicode composes it (NFC): macOS writes an accent apart, others with its letter."""
    return unicodedata.normalize("NFC", name)


def class_order(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in order, each once: as numbers where all are whole numbers, else as text."""
    distinct = sorted(set(names))
    try:
        return tuple(sorted(distinct, key=int))
    except ValueError:
        return tuple(distinct)


@dataclass(frozen=True)
class Images:
    """A set of images of one size.

    pixels: uint8 [N, 3, S, S].
    labels: int64 [N] with a class number each, or int64 [N, A] with attributes in {0, 1};
        None where the set is unlabelled.
    label_names: names of the classes (class labels), or of the A attributes.
    """

    pixels: Tensor
    labels: Tensor | None
    label_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.pixels.dtype != torch.uint8 or self.pixels.ndim != 4:
            raise ValueError(f"pixels must be uint8 [N, C, H, W], not {self.pixels.shape}")
        if self.labels is not None and len(self.labels) != len(self.pixels):
            raise ValueError(f"{len(self.pixels)} images but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def size(self) -> int:
        """Height and width in pixels."""
        return self.pixels.shape[-1]

    @property
    def kind(self) -> LabelKind:
        """What the labels say: one class of several, any number of attributes, or nothing."""
        if self.labels is None:
            return "none"
        return "classes" if self.labels.ndim == 1 else "attributes"

    def unlabelled(self) -> "Images":
        """The same images with the labels dropped."""
        return replace(self, labels=None)

    def take(self, index: Tensor) -> "Images":
        """The images at `index` (int64 [K])."""
        labels = None if self.labels is None else self.labels[index]
        return replace(self, pixels=self.pixels[index], labels=labels)

    def fingerprint(self) -> str:
        """`sha256:...` of pixels, labels and their names; equal sets have equal fingerprints."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(repr((tuple(self.pixels.shape), self.label_names)).encode())
        digest.update(self.pixels.contiguous().numpy().data)
        if self.labels is not None:
            digest.update(self.labels.contiguous().numpy().data)
        return f"sha256:{digest.hexdigest()}"


@dataclass(frozen=True)
class DataSet:
    """A named data set in its two splits.

    kind: "stand-in" for images that the program drew itself.
    mirror: whether a mirrored image is as good as the original (faces: yes; digits: never).
    """

    name: str
    kind: Literal["real", "stand-in"]
    train: Images
    test: Images
    mirror: bool = False

    def unlabelled(self) -> "DataSet":
        """The same set with the labels dropped."""
        return replace(self, train=self.train.unlabelled(), test=self.test.unlabelled())

    def fingerprint(self) -> str:
        """`sha256:...` over both splits. Their bytes are read once, however often this is asked."""
        both = (self.train.fingerprint() + self.test.fingerprint()).encode()
        return f"sha256:{hashlib.sha256(both).hexdigest()}"
