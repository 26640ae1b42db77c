"""A set of pictures as it lies, still compressed: what the formats of pictures find.

Knows names, labels and bytes; knows no layout of files.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from statistics import median

import torch
from torch import Tensor

from sparring.data.decode import Decoded, Items, UndecodableError, decode_all, size_of
from sparring.data.files import Files, contents
from sparring.data.images import Account, Images, Splits
from sparring.errors import RequestError

LEAST_SPAN = 16
"""Of 256 values: pictures that keep within fewer all together look like one, and are refused."""

_FEW = 200  # pictures that tell the size of all


@dataclass(frozen=True)
class Part:
    """The pictures of one split. labels: as in `Images`. few: some of `items`, from all over."""

    items: Items
    few: Items
    count: int
    labels: Tensor | None

    @classmethod
    def of(cls, files: Files, names: Sequence[str], labels: Tensor | None) -> "Part":
        """Of the files of these names, labelled in this order."""
        few = names[:: len(names) // _FEW + 1]
        return cls(
            partial(contents, files, names), partial(contents, files, few), len(names), labels
        )


@dataclass(frozen=True)
class Stored:
    """A set. where: what it is called in messages. parts: to train on, and to test on."""

    where: object
    parts: Sequence[Part]
    label_names: tuple[str, ...]
    account: Account

    @property
    def side(self) -> float:
        """The median of the shorter sides of its pictures, in pixels. Raises RequestError."""
        sides = []
        for _, data in islice(self.parts[0].few(), _FEW):
            try:
                sides += [] if isinstance(data, RequestError) else [min(size_of(data))]
            except UndecodableError:
                continue
        if not sides:
            raise RequestError(f"no picture of {self.where} can be read: name another place")
        return median(sides)

    def read(self, size: int) -> Splits:
        """Decode it at `size` pixels. Raises RequestError.

        Pictures of more than 8 bits share one scale: where they do not agree, the largest.
        """
        account = Account(self.account.left_out.copy(), [*self.account.notes])
        done = [decode_all(p.items, p.count, size, self.where) for p in self.parts]
        whites = torch.cat([part.whites for part in done]).unique().tolist()
        if len(whites) > 1:
            white = whites[-1]
            done = [decode_all(p.items, p.count, size, self.where, white) for p in self.parts]
        if whites:
            account.white = whites[-1]
            account.notes.append(f"white is {account.white:g} in pictures of more than 8 bits")
        if all(_flat(part.pixels[:1000]) and _flat(part.pixels) for part in done):
            value = int(done[0].pixels.max())
            raise RequestError(
                f"{self.where}: all pictures are nearly one value, about {value} of 255: "
                "stretch their values over the whole range, and save them anew"
            )
        if failed := sum(p.count for p in self.parts) - sum(len(d.places) for d in done):
            account.left_out["that do not decode"] += failed
        account.notes.extend(_shaped(done, size))
        train, test = (
            Images(d.pixels, None if p.labels is None else p.labels[d.places], self.label_names)
            for p, d in zip(self.parts, done, strict=True)
        )
        account.notes.extend(_absent(train, test))
        return Splits(train, test, account)


def _absent(train: Images, test: Images) -> list[str]:
    """The classes that a split has no image of, in words."""
    notes = []
    for part, use in ((train, "training"), (test, "testing")):
        if part.labels is not None and part.kind == "classes":
            there = set(part.labels.tolist())
            absent = [name for k, name in enumerate(part.label_names) if k not in there]
            notes += [f"no image for {use} of {', '.join(absent[:5])}"] if absent else []
    return notes


def _flat(pixels: Tensor) -> bool:
    return not len(pixels) or bool(pixels.max() - pixels.min() < LEAST_SPAN)


def _shaped(done: Sequence[Decoded], size: int) -> list[str]:
    """What was done to the shape of pictures, in words."""
    sizes = torch.cat([part.sizes for part in done])
    notes = []
    if (sizes[:, 0] != sizes[:, 1]).any():
        notes.append("cropped to the central square")
    if (sizes.min(1).values != size).any():
        notes.append(f"resized to {size} x {size}")
    return notes


def numbers(
    rows: Mapping[str, Sequence[str]], where: object, names: Sequence[str], *, attributes: bool
) -> Tensor:
    """Labels as written, as int64 [N] by class, or [N, A] in {0, 1} by attribute.

    rows: by image, its class, or its attributes in the order of `names`. Raises RequestError.
    """
    known = ATTRIBUTE if attributes else {name: number for number, name in enumerate(names)}
    for name, values in rows.items():
        for wrong in set(values) - known.keys():
            raise RequestError(
                f"{where}: {name} has the label '{wrong}', which is none of "
                f"{', '.join(known)}: mend it"
            )
    table = torch.tensor([[known[value] for value in row] for row in rows.values()])
    return table if attributes else table.reshape(-1, 1)[:, 0]


ATTRIBUTE = {"0": 0, "1": 1, "-1": 0}
"""The ways to write an attribute, once `1.0` and `True` are 1."""


def told_apart(classes: Iterable[str], where: object) -> None:
    """Raise RequestError for classes whose names differ in capitals or blanks alone."""
    plain = sorted((" ".join(name.casefold().split()), name) for name in classes)
    for (one, first), (other, second) in pairwise(plain):
        if one == other:
            raise RequestError(
                f"{where}: the classes '{first}' and '{second}' differ in capitals or blanks "
                "alone: if they are one, name them alike, else by other names"
            )
