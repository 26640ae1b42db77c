"""The names of data sets, and which reader reads what; knows nothing inside a file."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from sparring.data import standins
from sparring.data.formats import celeba, folders, idx, listed, mat, parquet, usps
from sparring.data.images import DIGITS, DataSet, Images, composed
from sparring.errors import RequestError, unknown

Found = Callable[[Path], bool]
Read = Callable[[Path, int], tuple[Images, Images]]


@dataclass(frozen=True)
class Real:
    """A real set: its folder below `--data`, and the layouts in which it may lie there."""

    folder: str
    layouts: tuple[tuple[Found, Read], ...]
    expected: str
    mirror: bool = False

    def reader(self, data: Path) -> Read | None:
        """What reads the set as it lies in `data`; None where no layout is complete."""
        return next((read for found, read in self.layouts if found(data / self.folder)), None)


_PARQUET = (parquet.found, partial(parquet.read, names=DIGITS))

REAL = {
    "mnist": Real(
        "mnist", ((idx.found, idx.read),), "{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz"
    ),
    "mnist-m": Real(
        "mnist_m",
        (_PARQUET, (listed.found_release, listed.read_release)),
        "train.parquet and test.parquet, or mnist_m_{train,test} and mnist_m_*_labels.txt",
    ),
    "svhn": Real(
        "svhn",
        ((mat.found, mat.read), _PARQUET),
        "train_32x32.mat and test_32x32.mat, or train-*.parquet and test-*.parquet",
    ),
    "usps": Real("usps", ((usps.found, usps.read),), "usps.h5, or usps.bz2 and usps.t.bz2"),
    "celeba": Real(
        "celeba",
        ((celeba.found, celeba.read),),
        "img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt",
        mirror=True,
    ),
    "meter-digits": Real("meter_digits", (_PARQUET,), "train.parquet and test.parquet"),
}
"""The real sets, by name."""

STAND_INS = {"photo-digits": "mnist-m", "street-digits": "svhn", "toy-faces": "celeba"}
"""The sets that the program draws itself, and the real set that each stands in for."""


def load(name: str, data: Path | None, *, size: int) -> DataSet:
    """Load a set by name, or a folder or zip of one's own by its path, at `size` pixels.

    data: the folder of real sets. A set of one's own is called after its folder or zip.
    Raises RequestError where it is unknown, missing, damaged or at odds with itself.
    """
    if name in STAND_INS:
        return standins.load(name, size)
    try:
        if name in REAL:
            return _real(name, data, size)
        path = _place(name)
        if (name and path.exists()) or os.sep in name:
            return _own(path, size)
    except OSError as error:  # such as a folder that one may not look into, or a name too long
        raise RequestError(f"cannot read {name}: {error}; check that it is there") from error
    raise unknown("data set", name, [*REAL, *STAND_INS, "the path of a folder or zip"])


def _place(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError as error:  # ~stranger
        raise RequestError(f"there can be no data set at {name}: {error}") from error


def find(name: str, data: Path | None) -> bool:
    """Whether the real set `name` lies in `data`, whole. Raises RequestError for other names."""
    if name not in REAL:
        raise unknown("real data set", name, REAL)
    return data is not None and REAL[name].reader(data) is not None


def _real(name: str, data: Path | None, size: int) -> DataSet:
    real = REAL[name]
    if data is None or (read := real.reader(data)) is None:
        stand_in = next((mine for mine, of in STAND_INS.items() if of == name), None)
        instead = f", or ask for its stand-in {stand_in}" if stand_in else ""
        missing = "--data DIR is not given" if data is None else f"not in {data / real.folder}"
        raise RequestError(
            f"{name} is a real set, and {missing}: put {real.expected} into "
            f"{data or 'DIR'}/{real.folder}{instead}"
        )
    train, test = read(data / real.folder, size)
    return DataSet(name, "real", train, test, real.mirror)


def _own(path: Path, size: int) -> DataSet:
    """A set of one's own, told by what is in it. Only faces in CelebA's layout are mirrored."""
    layout = next((one for one in (celeba, parquet, listed) if one.found(path)), folders)
    train, test = layout.read(path, size)
    name = _unzipped(path.resolve()).name
    return DataSet(name, "real", train, test, mirror=layout is celeba)


def _unzipped(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() == ".zip" else path


def distinct_names(asked: Sequence[str]) -> tuple[str, ...]:
    """What each of `asked`, names or paths, is called in records: equal only for the same set.

    A set of one's own is called by the shortest end of its full path that no other set asked for,
    and no name of the catalogue, shares: `a/digits`, `b/digits`.
    """
    known = REAL.keys() | STAND_INS.keys()
    own = {name: _place(name).resolve() for name in asked if name not in known}
    ends = {path: [*_ends(_unzipped(path)), str(path)] for path in own.values()}

    def shortest(path: Path) -> str:
        taken = known.union(*(others for other, others in ends.items() if other != path))
        return next(end for end in ends[path] if end not in taken)

    return tuple(shortest(own[name]) if name in own else name for name in asked)


def _ends(path: Path) -> list[str]:
    """`c`, `b/c`, `a/b/c` of the path `/a/b/c`, all composed."""
    parts = [composed(part) for part in path.parts[1:]]
    return ["/".join(parts[start:]) for start in reversed(range(len(parts)))]


def align(source: DataSet, target: DataSet) -> DataSet:
    """The target with its classes numbered as the source's of the same name, if it has any.

    Raises RequestError where it has classes that the source lacks, or attributes.
    """
    if "attributes" in (target.train.kind, target.test.kind):
        raise RequestError(f"{target.name} has attributes: put each class into a folder of its own")
    names = [composed(name) for name in source.train.label_names]
    theirs = [composed(name) for name in target.train.label_names]
    if unheard := [name for name in theirs if name not in names]:
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

    return replace(target, train=renumbered(target.train), test=renumbered(target.test))


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
