"""Two domains compared: the names of their classes, and whether they are encoded alike.

Domains do differ: that is why one adapts. So an encoding is called different only where undoing it
brings the two very close, while as they are they lie far apart. All is measured on statistics of
each picture (thumbnail, contrast, skewness, colour), in units of how much pictures of one domain
differ among each other.
"""

import re
import unicodedata
from collections.abc import Iterator

import torch
from torch import Tensor

from sparring.data.doctor.facts import spread
from sparring.data.doctor.findings import MOST, Finding, Severity, Subject, counted
from sparring.data.pixels import resize

APART = 0.5
"""Domains that differ by less, in standard deviations, are left alone."""

CLOSE = 0.15
"""How far they may still be apart when a wrong encoding is undone, beside what chance explains."""

GAIN = 3
"""How many times closer undoing must bring them."""

_SIDE = 16  # pixels of a thumbnail, of which statistics are taken
_WEIGHTS = torch.tensor([0.299, 0.587, 0.114])


def check(source: Subject, target: Subject) -> Iterator[Finding]:
    """All findings between two sets."""
    yield from _names(source, target)
    yield from _encoding(source, target)


def _names(source: Subject, target: Subject) -> Iterator[Finding]:
    if {source.data.train.kind, target.data.train.kind} != {"classes"}:
        return
    ours, theirs = ({_plain(n): n for n in s.data.train.label_names} for s in (source, target))
    sets = source.data.name, target.data.name
    near = [f"'{ours[k]}' and '{theirs[k]}'" for k in ours if k in theirs and ours[k] != theirs[k]]
    unknown = [name for plain, name in theirs.items() if plain not in ours]
    missing = [name for plain, name in ours.items() if plain not in theirs]
    found: tuple[tuple[Severity, str, list[str], str, str], ...] = (
        ("error", "class-names", near, "written in two ways", "write them alike"),
        ("error", "unknown-class", unknown, f"of {sets[1]} alone", "name them alike, or remove"),
        ("warning", "missing-class", missing, f"of {sets[0]} alone", "add some, or leave it out"),
    )
    for severity, kind, names, words, advice in found:
        if names:
            yield Finding(
                severity=severity,
                kind=kind,
                sets=sets,
                what=f"{counted(len(names), 'class', 'classes')} {words}: "
                + ", ".join(names[:MOST]),
                count=len(names),
                advice=advice,
            )


def _plain(name: str) -> str:
    """A name without what people write in different ways: case, and - or _ for a space."""
    return re.sub(r"(?<=\w)[-_ ]+(?=\w)", " ", unicodedata.normalize("NFKC", name).casefold())


def _encoding(source: Subject, target: Subject) -> Iterator[Finding]:
    ours, theirs = (resize(spread(s.data.train).pixels, _SIDE).float() for s in (source, target))
    if min(len(ours), len(theirs)) < 2:
        return
    apart = distance(ours, theirs)
    chance = (1 / len(ours) + 1 / len(theirs)) ** 0.5
    found = {
        "one is inverted, a negative of the other": distance(255 - ours, theirs),
        "one has red and blue swapped (BGR, not RGB)": distance(ours.flip(1), theirs),
    }
    if _has_colour(ours) != _has_colour(theirs):
        found["one is grey, the other has colour"] = distance(_grey(ours), _grey(theirs))
    words = min(found, key=lambda words: found[words])
    left = found[words]
    if apart >= APART and left <= CLOSE + chance and apart >= GAIN * left:
        yield Finding(
            severity="error",
            kind="encoding",
            sets=(source.data.name, target.data.name),
            what=f"the two domains are encoded differently: {words}; undone, they lie "
            f"{left:.2f} standard deviations apart, as they are {apart:.2f}",
            count=len(ours) + len(theirs),
            advice="save both in the same way",
            examples=tuple((s.shown("train", k),) for s in (source, target) for k in range(2)),
        )


def _grey(pixels: Tensor) -> Tensor:
    return torch.einsum("nchw,c->nhw", pixels, _WEIGHTS)[:, None].expand_as(pixels)


def _has_colour(pixels: Tensor) -> bool:
    return float((pixels.amax(1) - pixels.amin(1)).mean()) > 1


def distance(ours: Tensor, theirs: Tensor) -> float:
    """How far two domains are apart: root mean square, over the statistics, of the difference of
    their means in standard deviations. Pixels: float [N, 3, S, S], 0 to 255."""
    one, other = _statistics(ours), _statistics(theirs)
    # One level of 255 at least: what is the same in all pictures has no deviation.
    deviation = ((one.var(0) + other.var(0)) / 2 + 1).sqrt()
    return float(((one.mean(0) - other.mean(0)) / deviation).square().mean().sqrt())


def _statistics(pixels: Tensor) -> Tensor:
    """Of each picture, in levels of 0 to 255: brightness of 4x4 fields, contrast, skewness; of red
    and blue, less green, the mean, deviation and share in the brightness. Float [N, 24]."""
    grey = torch.einsum("nchw,c->nhw", pixels, _WEIGHTS)
    fields = torch.nn.functional.adaptive_avg_pool2d(grey, 4).flatten(1)
    centred = (grey - grey.mean((1, 2), keepdim=True)).flatten(1)
    third = centred.pow(3).mean(1)
    skewness = third.sign() * third.abs() ** (1 / 3)
    colours = (pixels[:, [0, 2]] - pixels[:, 1:2]).flatten(2)
    shared = (colours * centred[:, None]).mean(2)
    shared = shared.sign() * shared.abs().sqrt()
    columns = [centred.std(1), skewness, *colours.mean(2).T, *colours.std(2).T, *shared.T]
    return torch.cat([fields, torch.stack(columns, 1)], 1)
