"""CelebA's aligned faces in their official layout, with the 40 attributes.

Knows this one layout; knows nothing of other sets.
"""

from functools import partial
from pathlib import Path

import torch

from sparring.data.decode import decode_all
from sparring.data.files import contents, damaged, entries, hash_split, images_of, match, read_text
from sparring.data.images import Images
from sparring.data.labels import composed
from sparring.errors import RequestError

_PLACES = ("img_align_celeba", "img_align_celeba.zip")
_ATTRIBUTES = "list_attr_celeba.txt"
_PARTITION = "list_eval_partition.txt"
_TRAIN, _TEST = "0", "2"  # and "1", the validation part


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
    names, rows = _attributes(folder / _ATTRIBUTES)
    match(rows, pictures, folder / _ATTRIBUTES)

    def images(part: list[str]) -> Images:
        values = b"".join(rows[name] for name in part)
        pixels, kept = decode_all(partial(contents, pictures, part), len(part), size, place)
        labels = torch.frombuffer(bytearray(values), dtype=torch.uint8).view(len(part), len(names))
        return Images(pixels, labels[kept].long(), names)

    train, test = map(images, _partition(folder, list(rows)))
    return train, test


def _attributes(path: Path) -> tuple[tuple[str, ...], dict[str, bytes]]:
    """The names of the attributes, and A bytes, 0 or 1, by picture."""
    count, header, *lines = [*composed(read_text(path)).splitlines(), "", ""]
    names = tuple(header.split())
    rows: dict[str, bytes] = {}
    for name, *values in filter(None, map(str.split, lines)):
        if len(values) != len(names) or not {"-1", "1"}.issuperset(values):
            raise damaged(path, f"the row of {name} is not {len(names)} times -1 or 1")
        rows[name] = bytes(value == "1" for value in values)
    if not names or count.strip() != str(len(rows)):
        raise damaged(path, f"{len(rows)} rows, where the first line promises {count.strip()}")
    return names, rows


def _partition(folder: Path, names: list[str]) -> tuple[list[str], list[str]]:
    """The pictures for training and for testing, by lines of `000001.jpg 0`."""
    path = folder / _PARTITION
    if not path.is_file():
        return hash_split(names, folder)
    lines = [line.split() for line in composed(read_text(path)).splitlines() if line.strip()]
    if wrong := next((line for line in lines if len(line) != 2), None):
        raise damaged(path, f"the row of {wrong[0]} has {len(wrong)} fields, not 2")
    parts = dict(lines)
    if missing := [name for name in names if parts.get(name) not in ("0", "1", "2")]:
        raise RequestError(
            f"{path}: {len(missing)} pictures have no part 0, 1 or 2, the first is {missing[0]}: "
            "download it again, or remove it to have the split made"
        )
    return [n for n in names if parts[n] == _TRAIN], [n for n in names if parts[n] == _TEST]
