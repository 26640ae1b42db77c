"""Pictures that are there twice: with equal pixels, or nearly, in a set, its splits or two domains.

Nearly equal: the thumbnails, less their brightness and contrast, are close (CLOSE), differ by noise
alone (FIELD), and are far closer than either is to the pictures around it (ALONE): two people's
ones look more alike than two JPEGs of one photograph.

Tried on real digits and faces of 32 pixels before this was written. cleanvision 0.3.7 (96 MB with
pandas) pairs 557 of 10,000 MNIST digits, all wrongly, calls 6,561 of little information, and finds
66 % of copies saved as JPEG of quality 75. imagehash 4.3.2 (11 MB with PyWavelets), perceptual
hashes of 16 x 16 and up to 8 bits of difference: none of 10,000 wrongly but 2 of 30,000, 97 % of
JPEGs of digits, 66 % of faces; its pairs must be searched for, 49 s for 30,000. This: none wrongly
of 70,000, 99.8 and 100 %, 2 s for 10,000. All find copies that are 5 % brighter; none those that
are shifted by one of 32 pixels. So neither library is taken.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from sparring.data.doctor.findings import MOST, Finding, Severity, Shown, Subject, counted
from sparring.data.images import Images
from sparring.data.pixels import resize

SIDE = 16
"""Height and width of the thumbnails."""

CLOSE = 0.15
"""Distance of two thumbnails of mean 0 and norm 1, below which they may be of one picture."""

FIELD = 0.15
"""And no field of FIELDS x FIELDS may differ by more in brightness, in standard deviations of the
picture: in copies the difference is noise; between two people's ones, or an 8 and a 9 on a
display, it has a place."""

FIELDS = 8

ALONE = 0.45
"""And their distance must be less than this part of that to the CROWD-th picture around either."""

CROWD = 8

CHANCE = 0.001
"""In any large set a few are there twice: a smaller part of nearly equal pictures is not told."""

_AXES = 24  # principal axes, in which neighbours are looked for
_FLAT = 2.0  # standard deviation, of 255, below which a picture shows nothing


def check(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """All findings of this kind, in one set or between two."""
    pool = _Pool(subjects)
    equal = _equal(pool)
    yield from _told(pool, equal, near=False)
    yield from _told(pool, _near(pool, np.setdiff1d(pool.plain, equal[:, 1])), near=True)


@dataclass(frozen=True)
class _Pool:
    """All pictures of all splits of all sets, under one number each."""

    subjects: Sequence[Subject]

    @cached_property
    def parts(self) -> list[tuple[Subject, str, Images]]:
        return [(s, split, images) for s in self.subjects for split, images in s.splits.items()]

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """Of each picture its part, and its place in it."""
        return [(p, k) for p, (_, _, images) in enumerate(self.parts) for k in range(len(images))]

    @cached_property
    def thumbnails(self) -> np.ndarray:
        """Less brightness and contrast: float32 [N, 3 * SIDE**2] of mean 0 and norm 1, or 0."""
        small = torch.cat([resize(images.pixels, SIDE) for _, _, images in self.parts])
        rows = small.flatten(1).float()
        rows -= rows.mean(1, keepdim=True)
        norm = rows.norm(dim=1, keepdim=True)
        return (rows / norm.clamp(min=1)).mul_(norm > _FLAT * rows.shape[1] ** 0.5).numpy()

    @cached_property
    def plain(self) -> np.ndarray:
        """Numbers of the pictures that show something."""
        return np.flatnonzero(self.thumbnails.any(1))

    def shown(self, number: int) -> Shown:
        part, place = self.places[number]
        subject, split, _ = self.parts[part]
        return subject.shown(split, place)


def _equal(pool: _Pool) -> np.ndarray:
    """Pairs of equal pixels: int64 [K, 2], the first of its kind and each later one."""
    first: dict[bytes, int] = {}
    pairs, rows = [], (row for _, _, images in pool.parts for row in images.pixels.numpy())
    plain = set(pool.plain.tolist())
    for number, row in enumerate(rows):
        if number in plain:
            earlier = first.setdefault(blake2b(row.tobytes(), digest_size=16).digest(), number)
            if earlier != number:
                pairs.append((earlier, number))
    return np.array(pairs, np.int64).reshape(-1, 2)


def _near(pool: _Pool, numbers: np.ndarray) -> np.ndarray:
    """Pairs of nearly equal pictures among `numbers`: int64 [K, 2]."""
    rows = pool.thumbnails[numbers]
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    few = rows[:: max(1, len(rows) // 500)]
    # An orthonormal projection only shortens: whoever is near, is near here.
    low = rows @ np.linalg.svd(few, full_matrices=False)[2][:_AXES].T
    tree = cKDTree(low)
    _, others = tree.query(low, k=min(5, len(rows)), distance_upper_bound=CLOSE)
    one, column = np.nonzero(others < len(rows))
    pairs = np.sort(np.stack([one, others[one, column]], 1), 1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    difference = rows[pairs[:, 0]] - rows[pairs[:, 1]]
    apart = np.linalg.norm(difference, axis=1)
    shape = (-1, 3, FIELDS, SIDE // FIELDS, FIELDS, SIDE // FIELDS)
    fields = difference.reshape(shape).mean((1, 3, 5))
    near = (apart < CLOSE) & (np.abs(fields).max((1, 2)) * rows.shape[1] ** 0.5 < FIELD)
    pairs, apart = pairs[near], apart[near]
    around, _ = tree.query(low[pairs], k=[CROWD + 1], distance_upper_bound=CLOSE / ALONE)
    return numbers[pairs[apart < ALONE * around.min((1, 2))]]


def _told(pool: _Pool, pairs: np.ndarray, *, near: bool) -> Iterator[Finding]:
    """The pairs as findings: under two labels, in both domains, in both splits, in one split."""
    kinds: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for pair in pairs.tolist():
        one, other = map(pool.shown, pair)
        kinds[_kind(one, other), *dict.fromkeys([one.set, other.set])].append(pair)
    for (kind, *sets), found in kinds.items():
        severities, where, advice = _KINDS[kind]
        groups = _groups(np.array(found))
        copies = sum(map(len, groups)) - len(groups)
        if near and copies <= CHANCE * len(pool.places):
            continue
        yield Finding(
            severity=severities[near],
            kind=f"{'near' if near else 'equal'}-{kind}",
            sets=tuple(sets),
            what=f"{counted(copies, 'picture')} {'nearly ' * near}equal to another {where}",
            count=copies,
            advice=advice,
            examples=tuple(tuple(map(pool.shown, group[:4])) for group in groups[:MOST]),
        )


def _groups(pairs: np.ndarray) -> list[list[int]]:
    """The numbers in `pairs`, int64 [K, 2], those together that are linked."""
    numbers, ends = np.unique(pairs, return_inverse=True)
    links = coo_array((np.ones(len(pairs)), ends.reshape(-1, 2).T), shape=[len(numbers)] * 2)
    count, group = connected_components(links)
    return [numbers[group == g].tolist() for g in range(count)]


_KINDS: dict[str, tuple[tuple[Severity, Severity], str, str]] = {
    "two-labels": (("error", "warning"), "under another label", "keep the right one"),
    "in-train-and-test": (
        ("error", "warning"),
        "of the other split",
        "keep them out of test: what was trained on tests nothing",
    ),
    "in-both-domains": (("warning", "warning"), "of the other domain", "remove them from one"),
    "in-one-split": (("warning", "note"), "of the same split", "keep one of each"),
}


def _kind(one: Shown, other: Shown) -> str:
    if one.label and other.label and one.label.casefold() != other.label.casefold():
        return "two-labels"
    if one.set != other.set:
        return "in-both-domains"
    return "in-one-split" if one.split == other.split else "in-train-and-test"
