"""What the pixels and labels of one set say of themselves: one-value pictures, the range of
values, rare and absent classes. Knows no files and no other set."""

from collections.abc import Iterator
from statistics import median

from sparring.data.doctor.facts import counts
from sparring.data.doctor.findings import MOST, Finding, Subject, counted
from sparring.data.images import Images

FEWEST = 3
"""A class of fewer training pictures is rare, as is one of under a tenth of the median."""

DARK = 32
"""A set without a value so high is not encoded in 0 to 255; nor is its negative."""


def check(subject: Subject) -> Iterator[Finding]:
    """All findings of these kinds."""
    yield from _values(subject)
    for split, images in subject.splits.items():
        if images.kind == "classes":
            yield from _classes(subject, split, counts(images))
    if subject.data.train.kind == "attributes":
        yield from _attributes(subject, subject.data.train)


def _values(subject: Subject) -> Iterator[Finding]:
    lowest, highest, flat = 255, 0, []
    for split, images in subject.splits.items():
        if len(images):
            low, high = (images.pixels.amin((2, 3)), images.pixels.amax((2, 3)))
            lowest, highest = min(lowest, int(low.min())), max(highest, int(high.max()))
            flat += [(split, k) for k in (low == high).all(1).nonzero()[:, 0].tolist()]
    name = subject.data.name
    if lowest <= highest and (highest < DARK or lowest > 255 - DARK):
        yield Finding(
            severity="error",
            kind="range",
            sets=(name,),
            what=f"all values lie in {lowest} to {highest} of 0 to 255",
            count=len(subject.data.train) + len(subject.data.test),
            advice="save the pictures with values from 0 to 255; "
            "these look like 0 to 1, or like 12 bits that are stored in 16",
            examples=tuple(
                (subject.shown("train", k),) for k in range(min(3, len(subject.data.train)))
            ),
        )
    elif flat:
        yield Finding(
            severity="warning",
            kind="one-value",
            sets=(name,),
            what=f"{counted(len(flat), 'picture')} of one value only",
            count=len(flat),
            advice="remove them, or look how they were written",
            examples=tuple((subject.shown(*place),) for place in flat[:MOST]),
        )


def _classes(subject: Subject, split: str, found: list[int]) -> Iterator[Finding]:
    names = subject.splits[split].label_names
    training = split == "train"
    fewest = max(FEWEST, median(found) / 10)
    absent = [name for name, n in zip(names, found, strict=True) if n == 0]
    rare = [f"{name} ({n})" for name, n in zip(names, found, strict=True) if 0 < n < fewest]
    if absent:
        yield Finding(
            severity="error" if training else "warning",
            kind="absent-class",
            sets=(subject.data.name,),
            what=f"{counted(len(absent), 'class', 'classes')} without a picture in {split}: "
            + ", ".join(absent[:MOST]),
            count=len(absent),
            advice="add some: it cannot be learnt" if training else "add some: it is not tested",
        )
    if rare and training:
        yield Finding(
            severity="warning",
            kind="rare-class",
            sets=(subject.data.name,),
            what=f"{counted(len(rare), 'rare class', 'rare classes')} in train: "
            f"{', '.join(rare[:MOST])}, where a class has {median(found):,.0f} pictures",
            count=len(rare),
            advice="add some, or leave the class out",
        )


def _attributes(subject: Subject, train: Images) -> Iterator[Finding]:
    with_it = zip(train.label_names, counts(train), strict=True)
    poor = [f"{name} ({n})" for name, n in with_it if min(n, len(train) - n) < FEWEST]
    if poor:
        yield Finding(
            severity="warning",
            kind="rare-class",
            sets=(subject.data.name,),
            what=f"{counted(len(poor), 'attribute')} of almost no picture, or of almost all, in "
            f"train: {', '.join(poor[:MOST])}, of {len(train):,} pictures",
            count=len(poor),
            advice="leave them out with --labels",
        )
