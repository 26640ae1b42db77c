"""Images in memory: uint8 pixels, labels or none, and the names and order of classes.

Knows tensors; knows no file format, no method and no training.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from sparring.errors import one_line
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

    @cached_property
    def fingerprint(self) -> str:
        """`sha256:...` of pixels, labels and their names; equal sets have equal fingerprints."""
        digest = hashlib.sha256(repr((tuple(self.pixels.shape), self.label_names)).encode())
        digest.update(self.pixels.contiguous().numpy().data)
        if self.labels is not None:
            digest.update(self.labels.contiguous().numpy().data)
        return f"sha256:{digest.hexdigest()}"


@dataclass(eq=False)
class Account:
    """How a set was read.

    left_out: how many files or rows of a kind: {".txt": 2, "without a label": 3}. notes: what was
    assumed, in words. white: the value that is white in pictures of more than 8 bits, see depth.py.
    """

    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    white: float | None = None


@dataclass(frozen=True)
class Splits:
    """What a format reads: the two splits, and how they were come by."""

    train: Images
    test: Images
    account: Account = field(default_factory=Account)

    def __iter__(self) -> Iterator[Images]:
        return iter((self.train, self.test))


@dataclass(frozen=True)
class DataSet:
    """A named data set in its two splits.

    kind: "stand-in" for images that the program drew itself.
    mirror: whether a mirrored image is as good as the original (faces: yes; digits: never).
    account: how it was read.
    """

    name: str
    kind: Literal["real", "stand-in"]
    train: Images
    test: Images
    mirror: bool = False
    account: Account = field(default_factory=Account)

    def unlabelled(self) -> "DataSet":
        """The same set with the labels dropped."""
        return replace(self, train=self.train.unlabelled(), test=self.test.unlabelled())

    @property
    def fingerprint(self) -> str:
        """`sha256:...` over both splits. Their bytes are read once, however often this is asked."""
        both = (self.train.fingerprint + self.test.fingerprint).encode()
        return f"sha256:{hashlib.sha256(both).hexdigest()}"


_NAMED = 10  # classes that a line names


def summary(dataset: DataSet) -> str:
    """How a set was read, in one line: what there is of it, what was left out, what was assumed.

    `src: 49 train, 11 test, 3 classes: ant, bee, cow; left out: 20 .xyz; resized to 32 x 32`
    """
    train, test, account = dataset.train, dataset.test, dataset.account
    labelled = next((part for part in (train, test) if part.labels is not None), None)
    labels = "labels set aside" if train.label_names else "no labels"
    if labelled is not None:
        names = labelled.label_names
        more = ", ..." if len(names) > _NAMED else ""
        kind = labelled.kind.removesuffix("s") if len(names) == 1 else labelled.kind
        labels = f"{len(names)} {kind}: {', '.join(names[:_NAMED])}{more}"
        for part, words in ((train, "testing"), (test, "training")):
            labels += f" (labels for {words} alone)" if part.labels is None else ""
    parts = [f"{dataset.name}: {len(train):,} train, {len(test):,} test, {labels}"]
    if left := ", ".join(f"{n:,} {what}" for what, n in account.left_out.items() if n):
        parts.append(f"left out: {left}")
    return one_line("; ".join([*parts, *account.notes]))
