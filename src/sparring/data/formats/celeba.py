"""CelebA's aligned faces in their official layout, with the 40 attributes.

Knows this one layout; knows nothing of other sets.
"""

import logging
from functools import partial
from pathlib import Path

import torch

from sparring.data.decode import decode_all
from sparring.data.files import (
    Entry,
    contents,
    damaged,
    entries,
    hash_split,
    images_of,
    match,
    read_text,
)
from sparring.data.images import Images
from sparring.errors import RequestError

_PLACES = ("img_align_celeba", "img_align_celeba.zip")
_ATTRIBUTES = "list_attr_celeba.txt"
_PARTITION = "list_eval_partition.txt"
_IDENTITY = "identity_CelebA.txt"
_log = logging.getLogger("sparring")


def found(folder: Path) -> bool:
    """Whether the pictures and their attributes are there."""
    return (folder / _ATTRIBUTES).is_file() and any((folder / p).exists() for p in _PLACES)


def read(folder: Path, size: int) -> tuple[Images, Images]:
    """Read the train and test faces: the central square over the whole width, resized.

    Labels are int64 [N, 40] in {0, 1}. The partition is the official one (its validation part is
    left out); without its file, `hash_split`. An identity in both splits is warned of.
    Raises RequestError where files are missing, damaged or at odds with each other.
    """
    place = next((folder / name for name in _PLACES if (folder / name).exists()), None)
    if place is None:
        raise RequestError(f"{folder} has neither {' nor '.join(_PLACES)}: download one")
    pictures = {name.split("/")[-1]: entry for name, entry in images_of(entries(place)).items()}
    names, rows = _attributes(folder / _ATTRIBUTES)
    match(rows, pictures, folder / _ATTRIBUTES)
    splits = _partition(folder, list(rows))
    _check_identities(folder / _IDENTITY, splits)
    train, test = (_images(pictures, part, rows, names, size, place) for part in splits)
    return train, test


def _images(
    pictures: dict[str, Entry],
    part: list[str],
    rows: dict[str, bytes],
    names: tuple[str, ...],
    size: int,
    place: Path,
) -> Images:
    pixels, kept = decode_all(partial(contents, pictures, part), len(part), size, place)
    values = torch.frombuffer(bytearray(b"".join(rows[name] for name in part)), dtype=torch.uint8)
    return Images(pixels, values.view(len(part), len(names))[kept].long(), names)


def _attributes(path: Path) -> tuple[tuple[str, ...], dict[str, bytes]]:
    """The names of the attributes, and A bytes, 0 or 1, by picture."""
    count, header, *lines = [*read_text(path).splitlines(), "", ""]
    names = tuple(header.split())
    rows: dict[str, bytes] = {}
    for line in filter(None, map(str.split, lines)):
        values = line[1:]
        if len(values) != len(names) or not {"-1", "1"}.issuperset(values):
            raise damaged(path, f"the row of {line[0]} is not {len(names)} times -1 or 1")
        rows[line[0]] = bytes(value == "1" for value in values)
    if not names or count.strip() != str(len(rows)):
        raise damaged(path, f"{len(rows)} rows, where the first line promises {count.strip()}")
    return names, rows


def _table(path: Path) -> dict[str, str]:
    """Lines of `000001.jpg 2880`."""
    lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
    if wrong := next((line for line in lines if len(line) != 2), None):
        raise damaged(path, f"the row of {wrong[0]} has {len(wrong)} fields, not 2")
    return {line[0]: line[1] for line in lines}


def _partition(folder: Path, names: list[str]) -> tuple[list[str], list[str]]:
    path = folder / _PARTITION
    if not path.is_file():
        return hash_split(names, folder)
    parts = _table(path)
    if missing := [name for name in names if parts.get(name) not in ("0", "1", "2")]:
        raise RequestError(
            f"{path}: {len(missing)} pictures have no part 0, 1 or 2, the first is {missing[0]}: "
            "download it again, or remove it to have the split made"
        )
    return [n for n in names if parts[n] == "0"], [n for n in names if parts[n] == "2"]


def _check_identities(path: Path, splits: tuple[list[str], list[str]]) -> None:
    if not path.is_file():
        return
    identity = _table(path)
    train, test = ({identity[name] for name in part if name in identity} for part in splits)
    if shared := train & test:
        _log.warning("%s: %d persons are in both train and test", path.parent, len(shared))
