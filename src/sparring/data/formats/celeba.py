"""CelebA's aligned faces in their official layout, with the 40 attributes."""

from pathlib import Path

from sparring.data.files import entries, hash_split, images_of, read_text
from sparring.data.formats.listed import labelled, rows_of
from sparring.data.images import Images
from sparring.errors import RequestError

_PLACES = ("img_align_celeba", "img_align_celeba.zip")
_ATTRIBUTES = "list_attr_celeba.txt"
_PARTITION = "list_eval_partition.txt"
_TRAIN, _VALIDATION, _TEST = "012"


def found(folder: Path) -> bool:
    """Whether the pictures and their attributes are there."""
    return (folder / _ATTRIBUTES).is_file() and any((folder / p).exists() for p in _PLACES)


def read(folder: Path, size: int) -> tuple[Images, Images]:
    """Read the train and test faces: the central square over the whole width, resized.

    Labels are int64 [N, 40] in {0, 1}. The partition is the official one (its validation part is
    left out); without its file, `hash_split`.
    Raises RequestError where files are missing, damaged or at odds with each other.
    """
    place = next(folder / name for name in _PLACES if (folder / name).exists())
    pictures = {name.split("/")[-1]: entry for name, entry in images_of(entries(place)).items()}
    path = folder / _ATTRIBUTES
    # Python has one "0" in memory for all, but would have eight million times "-1".
    _, header, *lines = [*read_text(path).replace(" -1", " 0").splitlines(), "", ""]
    names = tuple(header.split())
    rows = rows_of(map(str.split, lines), len(names), pictures, path)
    train, test = (
        labelled({name: rows[name] for name in part}, pictures, path, names, size, attributes=True)
        for part in _partition(folder, list(rows))
    )
    return train, test


def _partition(folder: Path, names: list[str]) -> tuple[list[str], list[str]]:
    """The pictures for training and for testing, by lines of `000001.jpg 0`."""
    path = folder / _PARTITION
    if not path.is_file():
        return hash_split(names, folder)
    parts = {line[0]: line[-1] for line in map(str.split, read_text(path).splitlines()) if line}
    if missing := [n for n in names if parts.get(n) not in (_TRAIN, _VALIDATION, _TEST)]:
        raise RequestError(
            f"{path}: {len(missing)} pictures have no part 0, 1 or 2, the first is {missing[0]}: "
            "download it again, or remove it to have the split made"
        )
    return [n for n in names if parts[n] == _TRAIN], [n for n in names if parts[n] == _TEST]
