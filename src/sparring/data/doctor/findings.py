"""What the doctor examines, and how it says what it found. Knows no fault."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from msgspec import Struct

from sparring.data.images import DataSet, Images

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""Worst first. error: results will be wrong, or training refuses the set; warning: to be looked
at; note: good to know."""

MOST = 12
"""Examples that a finding names."""


class Shown(Struct, frozen=True, kw_only=True):
    """A picture that a finding names.

    index: its place in the split, None where it did not decode. file: its name below the folder
    of the set, "" where its pictures are no files. why: what is wrong with it alone.
    """

    set: str
    split: str
    index: int | None
    file: str = ""
    label: str = ""
    why: str = ""

    @property
    def name(self) -> str:
        """What a line of text calls it."""
        return self.file or f"{self.split} image {self.index}"


class Finding(Struct, frozen=True, kw_only=True):
    """One fault. count: of the pictures, or classes, that have it.

    kind: a word for programs. examples: each is one picture, or several that belong together.
    """

    severity: Severity
    kind: str
    sets: tuple[str, ...]
    what: str
    count: int
    advice: str
    examples: tuple[tuple[Shown, ...], ...] = ()

    def line(self) -> str:
        """The finding in one line, with up to three examples by name."""
        named = [" = ".join(shown.name for shown in some[:3]) for some in self.examples[:3]]
        more = ", ..." if len(self.examples) > 3 else ""
        shown = f" ({', '.join(named)}{more})" if named else ""
        return f"{self.severity}: {' and '.join(self.sets)}: {self.what}{shown}: {self.advice}"


@dataclass(frozen=True)
class Original:
    """A file as it lies. index: its place in the split, None where it does not decode (error)."""

    file: str
    split: str
    index: int | None
    format: str = ""
    mode: str = ""
    size: tuple[int, int] = (0, 0)
    error: str = ""


@dataclass(frozen=True)
class Subject:
    """A set, and the files that it was read from; none where it was read from arrays."""

    data: DataSet
    originals: Sequence[Original] = ()

    @property
    def splits(self) -> dict[str, Images]:
        """Both splits by name. A set that is judged on what it trains on has no second one."""
        train, test = self.data.train, self.data.test
        if train.pixels is test.pixels:
            test = test.take(torch.empty(0, dtype=torch.long))
        return {"train": train, "test": test}

    @cached_property
    def _names(self) -> dict[tuple[str, int | None], str]:
        return {(original.split, original.index): original.file for original in self.originals}

    def shown(self, split: str, index: int) -> Shown:
        """How a finding names one picture."""
        return Shown(
            set=self.data.name,
            split=split,
            index=index,
            file=self._names.get((split, index), ""),
            label=label_of(self.splits[split], index),
        )


def label_of(images: Images, index: int) -> str:
    """The class of one image, or its attributes ("none", or with commas); "" without labels."""
    if images.labels is None:
        return ""
    names, label = images.label_names, images.labels[index]
    return ", ".join(names[k] for k in (label.nonzero()[:, 0] if label.ndim else [label])) or "none"


def counted(count: int, what: str, plural: str = "") -> str:
    """`1 picture`, `1,200 pictures`."""
    return f"{count:,} {what if count == 1 else plural or what + 's'}"
