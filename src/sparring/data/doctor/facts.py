"""What a set is, in numbers: counts by class, files, values of the channels. Judges nothing."""

from collections import Counter

import torch
from msgspec import Struct

from sparring.data.doctor.findings import Subject, counted
from sparring.data.images import Images

SEEN = 2000
"""Training pictures, spread evenly, that statistics of pixels are of."""


class Facts(Struct, frozen=True, kw_only=True):
    """A set in numbers. classes, or attributes: by name, the pictures in train and in test.

    formats, sizes: files by `JPEG RGB` and by `640x480`, the commonest first. lowest, highest: of
    all values; mean, std: of red, green and blue in up to SEEN training pictures, 0 to 255.
    """

    set: str
    train: int
    test: int
    classes: dict[str, tuple[int, int]]
    formats: dict[str, int]
    sizes: dict[str, int]
    lowest: int
    highest: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def line(self) -> str:
        """The set in one line of text."""
        told = [f"{self.train:,} train", f"{self.test:,} test"]
        if self.classes:
            counts = [f"{name} {sum(both):,}" for name, both in self.classes.items()]
            told.append(_first(counts, 12, counted(len(counts), "label")))
        else:
            told.append("no labels (a trained model estimates their shares: sparring adapt)")
        for group in (self.formats, self.sizes):
            if group:
                told.append(_first([f"{key} ({n:,})" for key, n in group.items()], 3))
        told.append(f"values {self.lowest} to {self.highest}")
        told.append("mean of R, G, B " + ", ".join(f"{value:.0f}" for value in self.mean))
        return f"{self.set}: {'; '.join(told)}"


def facts(subject: Subject) -> Facts:
    """The numbers of one set."""
    train, test = subject.splits.values()
    good = [file for file in subject.originals if not file.error]
    formats = Counter(f"{file.format} {file.mode}" for file in good)
    sizes = Counter("{}x{}".format(*file.size) for file in good)
    names, both = train.label_names or test.label_names, (counts(train), counts(test))
    held = [part.pixels for part in (train, test) if len(part)]
    seen = spread(train if len(train) else test).pixels.float()
    std, mean = torch.std_mean(seen, dim=(0, 2, 3), correction=0)
    return Facts(
        set=subject.data.name,
        train=len(train),
        test=len(test),
        classes={name: (both[0][k], both[1][k]) for k, name in enumerate(names)},
        formats=dict(formats.most_common()),
        sizes=dict(sizes.most_common()),
        lowest=min((int(part.min()) for part in held), default=0),
        highest=max((int(part.max()) for part in held), default=0),
        mean=tuple(round(value, 1) for value in mean.tolist()),
        std=tuple(round(value, 1) for value in std.tolist()),
    )


def counts(images: Images) -> list[int]:
    """Pictures of each class, or with each attribute; zeros where there are no labels."""
    number = len(images.label_names)
    if images.labels is None:
        return [0] * number
    if images.kind == "attributes":
        return images.labels.sum(0).tolist()
    return torch.bincount(images.labels, minlength=number).tolist()


def spread(images: Images) -> Images:
    """At most SEEN of the images, evenly spread over all."""
    return images.take(torch.arange(0, len(images), max(1, len(images) // SEEN))[:SEEN])


def _first(words: list[str], most: int, title: str = "") -> str:
    more = f", {len(words) - most:,} more" if len(words) > most else ""
    return (f"{title}: " if title else "") + ", ".join(words[:most]) + more
