"""The names of data sets, and which reader reads what; knows nothing inside a file."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from math import log2
from pathlib import Path
from types import ModuleType

import torch

from sparring.data import standins
from sparring.data.formats import celeba, folders, idx, listed, mat, parquet, usps
from sparring.data.images import DIGITS, DataSet, Images, Splits, composed
from sparring.data.stored import Stored, told_apart
from sparring.errors import RequestError, unknown


@dataclass(frozen=True)
class Layout:
    """A way in which a set may lie in a place.

    found: whether it does, whole. read: the set at a size in pixels. side: of its pictures, in
    pixels. mirror: whether a mirrored picture is as good.
    """

    found: Callable[[Path], bool]
    read: Callable[[Path, int], Splits]
    side: Callable[[Path], float]
    mirror: bool = False


def _pictures(
    found: Callable[[Path], bool], stored: Callable[[Path], Stored], mirror: bool = False
) -> Layout:
    return Layout(found, lambda at, size: stored(at).read(size), lambda at: stored(at).side, mirror)


def _arrays(format: ModuleType) -> Layout:
    return Layout(format.found, format.read, lambda at: float(format.SIDE))


_PARQUET = _pictures(parquet.found, partial(parquet.stored, names=DIGITS))
_RELEASE = _pictures(listed.found_release, listed.stored_release)
_CELEBA = _pictures(celeba.found, celeba.stored, mirror=True)
_FACES = _pictures(celeba.found_pictures, celeba.stored, mirror=True)
_IDX, _MAT, _USPS = map(_arrays, (idx, mat, usps))


@dataclass(frozen=True)
class Real:
    """A real set: its folder below `--data`, and the layouts in which it may lie there.

    unlabelled: the layouts that lack its labels, which not everyone needs.
    """

    folder: str
    layouts: tuple[Layout, ...]
    expected: str
    unlabelled: tuple[Layout, ...] = ()

    def layout(self, data: Path, whole: bool = False) -> Layout | None:
        """How the set lies in `data`; None where no layout is complete. whole: with its labels."""
        layouts = self.layouts if whole else (*self.layouts, *self.unlabelled)
        return next((one for one in layouts if one.found(data / self.folder)), None)


REAL = {
    "mnist": Real("mnist", (_IDX,), "{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz"),
    "mnist-m": Real(
        "mnist_m",
        (_PARQUET, _RELEASE),
        "train.parquet and test.parquet, or mnist_m_{train,test} and mnist_m_*_labels.txt",
    ),
    "svhn": Real(
        "svhn",
        (_MAT, _PARQUET),
        "train_32x32.mat and test_32x32.mat, or train-*.parquet and test-*.parquet",
    ),
    "usps": Real("usps", (_USPS,), "usps.h5, or usps.bz2 and usps.t.bz2"),
    "celeba": Real(
        "celeba",
        (_CELEBA,),
        "img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt",
        (_FACES,),
    ),
    "meter-digits": Real("meter_digits", (_PARQUET,), "train.parquet and test.parquet"),
}
"""The real sets, by name."""

_OFFICIAL = (_RELEASE, _IDX, _MAT, _USPS)
_OWN = (
    _FACES,
    _pictures(parquet.found_any, parquet.stored),
    _pictures(listed.found, listed.stored),
    _pictures(lambda at: True, folders.stored),
)
"""How a set of one's own may lie; the first that is found counts."""

STAND_INS = {"mnist-m": "photo-digits", "svhn": "street-digits", "celeba": "toy-faces"}
"""By real set, the one of `standins.SETS` that stands in for it."""

KNOWN = REAL.keys() | standins.SETS.keys()
"""All names of the catalogue."""


def load(name: str, data: Path | None, *, size: int) -> DataSet:
    """Load a set by name, or a folder or zip of one's own by its path, at `size` pixels.

    data: the folder of real sets. A set of one's own is called after its folder or zip; the path
    of a list in it says which to take. Raises RequestError where it is unknown, missing, damaged
    or at odds with itself.
    """
    if name in standins.SETS:
        return standins.load(name, size)
    try:
        called, layout, place = _find(name, data)
        splits = layout.read(place, size)
    except OSError as error:  # such as a folder that one may not look into, or a name too long
        raise RequestError(f"cannot read {name}: {error}; check that it is there") from error
    return DataSet(called, "real", splits.train, splits.test, layout.mirror, splits.account)


def listed_by(table: str, images: str, size: int) -> DataSet:
    """The pictures of the folder or zip `images`, labelled by a list that may lie elsewhere.

    Raises RequestError.
    """
    place, path = _place(images), _place(table)
    if not path.is_file():
        raise RequestError(f"{table}: there is no such file: name a CSV of file names and labels")
    if images in KNOWN:
        raise RequestError(f"{images} has labels of its own: name a folder or zip beside {table}")
    try:
        splits = listed.stored(place, path).read(size)
    except OSError as error:
        raise RequestError(f"cannot read {images}: {error}; check that it is there") from error
    name = _unzipped(place.resolve()).name
    return DataSet(name, "real", splits.train, splits.test, account=splits.account)


def proposed_size(name: str, data: Path | None, largest: int) -> int:
    """The size in pixels at which to use a set: a power of two from 16 on, at most `largest`.

    It is the one nearest to the median of the shorter sides. name, data: as for `load`; no more
    than some pictures' heads are read. Raises RequestError.
    """
    if name in standins.SETS:
        side: float = standins.SETS[name].side
    else:
        try:
            _, layout, place = _find(name, data)
            side = layout.side(place)
        except OSError as error:
            raise RequestError(f"cannot read {name}: {error}; check that it is there") from error
    return max(16, min(largest, 2 ** round(log2(side))))


def _find(name: str, data: Path | None) -> tuple[str, Layout, Path]:
    """What a set is called, how it lies, and where. Raises RequestError, and OSError."""
    if name in REAL:
        return name, *_real(name, data)
    path = _place(name)
    if not ((name and path.exists()) or os.sep in name):
        raise unknown("data set", name, [*KNOWN, "the path of a folder or zip"])
    official = ((one, at) for one in _OFFICIAL for at in _insides(path) if one.found(at))
    own = ((one, path) for one in _OWN if one.found(path))
    return _unzipped(path.resolve()).name, *next(chain(official, own))


def _insides(path: Path) -> Iterator[Path]:
    """The place, and the folder that lies alone in it, or is called `raw`, as torchvision does."""
    yield path
    inner = [p for p in path.iterdir() if p.name[0] != "."] if path.is_dir() else []
    for folder in inner:
        if folder.is_dir() and (len(inner) == 1 or folder.name == "raw"):
            yield from _insides(folder)


def _place(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError as error:  # ~stranger
        raise RequestError(f"there can be no data set at {name}: {error}") from error


def find(name: str, data: Path) -> bool:
    """Whether the real set `name` lies in `data`, whole."""
    return REAL[name].layout(data, whole=True) is not None


def _real(name: str, data: Path | None) -> tuple[Layout, Path]:
    real = REAL[name]
    if data is None or (layout := real.layout(data)) is None:
        instead = f", or ask for its stand-in {STAND_INS[name]}" if name in STAND_INS else ""
        instead += f"; the folder {name} here is ./{name}" if Path(name).exists() else ""
        missing = "--data DIR is not given" if data is None else f"not in {data / real.folder}"
        raise RequestError(
            f"{name} is a real set, and {missing}: put {real.expected} into "
            f"{data or 'DIR'}/{real.folder}{instead}"
        )
    return layout, data / real.folder


def _unzipped(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() == ".zip" else path


def distinct_names(asked: Sequence[str]) -> tuple[str, ...]:
    """What each of `asked`, names or paths, is called in records: equal only for the same set.

    A set of one's own is called by the shortest end of its full path that no other set asked for,
    and no name of the catalogue, shares: `a/digits`, `b/digits`.
    """
    own = {name: _place(name).resolve() for name in asked if name not in KNOWN}
    ends = {path: [*_ends(_unzipped(path)), str(path)] for path in own.values()}

    def shortest(path: Path) -> str:
        taken = KNOWN.union(*(others for other, others in ends.items() if other != path))
        return next(end for end in ends[path] if end not in taken)

    return tuple(shortest(own[name]) if name in own else name for name in asked)


def _ends(path: Path) -> list[str]:
    """`c`, `b/c`, `a/b/c` of the path `/a/b/c`, all composed."""
    parts = [composed(part) for part in path.parts[1:]]
    return ["/".join(parts[start:]) for start in reversed(range(len(parts)))]


def align(source: DataSet, target: DataSet) -> DataSet:
    """The target with its classes numbered as the source's of the same name, if it has any.

    What it lacks of them is noted. Raises RequestError where it has classes that the source lacks,
    or attributes.
    """
    if "attributes" in (target.train.kind, target.test.kind):
        raise RequestError(f"{target.name} has attributes: put each class into a folder of its own")
    names = [composed(name) for name in source.train.label_names]
    theirs = [composed(name) for name in target.train.label_names]
    if unheard := [name for name in theirs if name not in names]:
        told_apart([*names, *unheard], f"{source.name} and {target.name}")
        raise RequestError(
            f"{target.name} has classes that {source.name} lacks: {', '.join(unheard[:5])}: "
            "name them alike, or remove them"
        )
    if not theirs:
        return target
    number = torch.tensor([names.index(name) for name in theirs])

    def renumbered(images: Images) -> Images:
        labels = None if images.labels is None else number[images.labels]
        return replace(images, labels=labels, label_names=source.train.label_names)

    account = target.account
    if missing := [name for name in names if name not in theirs]:
        notes = [*account.notes, f"it lacks of {source.name}: {', '.join(missing)}"]
        account = replace(account, notes=notes)
    train, test = renumbered(target.train), renumbered(target.test)
    return replace(target, train=train, test=test, account=account)


def attributes(dataset: DataSet, names: str) -> DataSet:
    """The same set with only the attributes, or only the classes, in `names`: "Smiling,Male".

    They are numbered in the order asked for; "all" stands for all not yet named, so that
    "Smiling,all" puts one first. Of exclusive classes the images of the others are left out.
    Raises RequestError where the set has no labels, or not these.
    """
    known = dataset.train.label_names
    if "none" in (dataset.train.kind, dataset.test.kind):
        raise RequestError(f"{dataset.name} has no labels: name a set that has attributes, classes")
    wanted: dict[str, None] = {}
    for name in map(composed, map(str.strip, names.split(","))):
        if name not in (*known, "all"):
            raise unknown("attribute or class", name, known)
        wanted |= dict.fromkeys(known if name == "all" else [name])
    places = torch.tensor([known.index(name) for name in wanted])

    def pick(part: Images) -> Images:
        assert part.labels is not None  # checked above
        if part.kind == "attributes":
            return replace(part, labels=part.labels[:, places], label_names=tuple(wanted))
        some = part.take(torch.isin(part.labels, places).nonzero()[:, 0])
        assert some.labels is not None
        numbers = (some.labels[:, None] == places).int().argmax(1)
        return replace(some, labels=numbers, label_names=tuple(wanted))

    if tuple(wanted) == known:
        return dataset
    return replace(dataset, train=pick(dataset.train), test=pick(dataset.test))
