"""The one place for the names of data sets, and for telling what a folder of one's own holds.

Knows which reader reads what; knows nothing inside a file.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn.functional import one_hot

from sparring.data.files import entries
from sparring.data.formats import celeba, folders, idx, listed, mat, parquet, usps
from sparring.data.images import DataSet, Images
from sparring.data.pixels import resize
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
        folder = data / self.folder
        return next((read for found, read in self.layouts if found(folder)), None)


_PARQUET = (parquet.found, parquet.read_digits)

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

    data: the folder of real sets; None where there is none.
    Raises RequestError where the name is unknown, or the set is missing, damaged or at odds
    with itself.
    """
    if name in STAND_INS:
        return _stand_in(name, size)
    path = _place(name)
    try:
        if name in REAL:
            return _real(name, data, size)
        if (name and path.exists()) or os.sep in name:
            return _own(path, size)
    except OSError as error:  # such as a folder that one may not look into
        raise RequestError(f"cannot read {name}: {error}; check who may read it") from error
    raise unknown("data set", name, [*REAL, *STAND_INS, "the path of a folder or zip"])


def name_of(asked: str) -> str:
    """The name of the set that `load` would give for `asked`."""
    return asked if asked in REAL or asked in STAND_INS else _own_name(_place(asked))


def _place(name: str) -> Path:
    try:
        path = Path(name).expanduser()
        path.exists()
    except (OSError, RuntimeError) as error:  # a name too long; ~stranger
        raise RequestError(f"there can be no data set at {name}: {error}") from error
    return path


def _own_name(path: Path) -> str:
    return path.resolve().stem


def find(name: str, data: Path | None) -> Path | None:
    """The folder of the real set `name` below `data`; None where it is not there, or not whole.

    Raises RequestError where `name` is no real set.
    """
    if name not in REAL:
        raise unknown("real data set", name, REAL)
    if data is None or REAL[name].reader(data) is None:
        return None
    return data / REAL[name].folder


def _real(name: str, data: Path | None, size: int) -> DataSet:
    real = REAL[name]
    read = real.reader(data) if data is not None else None
    if data is None or read is None:
        stand_in = next((mine for mine, of in STAND_INS.items() if of == name), None)
        instead = f", or ask for its stand-in {stand_in}" if stand_in else ""
        missing = "--data DIR is not given" if data is None else f"not in {data / real.folder}"
        raise RequestError(
            f"{name} is a real set, and {missing}: put {real.expected} into "
            f"{data or 'DIR'}/{real.folder}{instead}"
        )
    train, test = read(data / real.folder, size)
    return DataSet(name, "real", train, test, real.mirror)


def _stand_in(name: str, size: int) -> DataSet:
    from sparring.data.standins import photo_digits, street_digits, toy_faces

    draw = {"photo-digits": photo_digits, "street-digits": street_digits, "toy-faces": toy_faces}
    drawn = draw[name]()
    if drawn.train.size == size:
        return drawn
    train, test = (replace(s, pixels=resize(s.pixels, size)) for s in (drawn.train, drawn.test))
    return replace(drawn, train=train, test=test)


def _own(path: Path, size: int) -> DataSet:
    """A set of one's own, told by what is in it. Only faces in CelebA's layout are mirrored."""
    read: Read
    faces = celeba.found(path)
    if faces:
        read = celeba.read
    elif parquet.found(path):
        read = parquet.read
    elif listed.found(entries(path)):
        read = listed.read
    else:
        read = folders.read
    train, test = read(path, size)
    return DataSet(_own_name(path), "real", train, test, mirror=faces)


def same_classes(source: DataSet, target: DataSet) -> None:
    """Raise RequestError where both domains name their classes and the names differ."""
    ours, theirs = source.train.label_names, target.train.label_names
    if not ours or not theirs or ours == theirs:
        return
    differences = [
        f"only {name} has {', '.join(sorted(set(own) - set(other))[:5])}"
        for name, own, other in (
            (source.name, ours, theirs),
            (target.name, theirs, ours),
        )
        if set(own) - set(other)
    ]
    raise RequestError(
        f"{source.name} and {target.name} have different classes: "
        f"{'; '.join(differences) or 'the same names in another order'}: give both the same"
    )


def classified(dataset: DataSet, role: str) -> None:
    """Raise RequestError unless both splits of `role` (source, target) have class labels."""
    for part, images in (("train", dataset.train), ("test", dataset.test)):
        if images.labels is None or images.labels.ndim != 1:
            raise RequestError(
                f"the {role} {dataset.name} has no class labels on its {part} images: "
                "put them into one folder a class, or name another set"
            )


def _with_attributes(images: Images, name: str) -> Images:
    if images.labels is None:
        raise RequestError(f"{name} has no attributes: name a set of faces that has some")
    if images.labels.ndim == 2:
        return images
    return replace(images, labels=one_hot(images.labels, len(images.label_names)))


def attributes(dataset: DataSet, names: str) -> DataSet:
    """The same set with only the attributes in `names`: "Smiling,Male", or "all".

    Each class of a set with class labels counts as an attribute, which its images alone have.
    Labels become int64 [N, A] in the order asked for. Raises RequestError where the set has no
    labels, or not these.
    """
    known = dataset.train.label_names
    train, test = (_with_attributes(part, dataset.name) for part in (dataset.train, dataset.test))
    dataset = replace(dataset, train=train, test=test)
    if names == "all":
        return dataset
    wanted = tuple(dict.fromkeys(name.strip() for name in names.split(",")))
    for name in wanted:
        if name not in known:
            raise unknown("attribute", name, known)
    columns = torch.tensor([known.index(name) for name in wanted])

    def pick(part: Images) -> Images:
        assert part.labels is not None  # checked above
        return replace(part, labels=part.labels[:, columns], label_names=wanted)

    return replace(dataset, train=pick(dataset.train), test=pick(dataset.test))
