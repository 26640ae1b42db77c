"""CelebA's aligned faces with the 40 attributes, as its authors and the mirrors lay them out."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from sparring.data.files import Entry, Files, entries, images_of, read_text, suffix
from sparring.data.images import Account
from sparring.data.splits import Split, divide
from sparring.data.stored import Part, Stored, numbers
from sparring.errors import RequestError

_PICTURES = "img_align_celeba"  # begins the name of a folder or a zip
_ATTRIBUTES, _PARTITION = "list_attr_celeba", "list_eval_partition"
_SPLITS: Mapping[str, Split] = {"0": "train", "1": "val", "2": "test"}


def found(folder: Path) -> bool:
    """Whether the pictures and their attributes are there, be it below Img/ and Anno/."""
    return found_pictures(folder) and _list(entries(folder), _ATTRIBUTES) is not None


def found_pictures(folder: Path) -> bool:
    """Whether the pictures are there: a method without labels needs no more."""
    there = folder.is_dir() or (folder.suffix.lower() == ".zip" and folder.exists())
    return there and any(_lies_there(name) for name in entries(folder))


def stored(folder: Path) -> Stored:
    """The train and test faces as they lie.

    Labels are int64 [N, 40] in {0, 1}; without their list there are none. Taken is what has a
    picture and a row. The partition is the official one (its validation part is left out, or
    serves for testing); without its list, `hash_split`.
    Raises RequestError where files are damaged or at odds with each other.
    """
    files, account = entries(folder), Account()
    pictures = _pictures(files)
    path = _list(files, _ATTRIBUTES)
    names: tuple[str, ...] = ()
    order = list(pictures)
    if path is not None:
        names, listed = _attributes(path)
        stems = {PurePosixPath(name).stem: name for name in pictures}
        rows = {stems[stem]: row for stem, row in listed.items() if stem in stems}
        if not rows:
            raise RequestError(f"{path}: none of its rows has a picture in {folder}")
        account.left_out["rows without a picture"] += len(listed) - len(rows)
        account.left_out["pictures without a row"] += len(pictures) - len(rows)
        order = list(rows)
    parts = []
    for side in divide(_partition(files, order), None, folder, account):
        labels = None
        if path is not None:
            some = {name: rows[name] for name in side}
            labels = numbers(some, path, names, attributes=True)
        parts.append(Part.of(pictures, side, labels))
    return Stored(folder, parts, names, account)


def _pictures(files: Files) -> dict[str, Entry]:
    """The pictures, in a folder or a zip, by the name of each."""
    there = {name: entry for name, entry in files.items() if _lies_there(name)}
    zips = [e for e in there.values() if isinstance(e, Path) and suffix(e.name) == ".zip"]
    found = images_of(there) or (images_of(entries(zips[0])) if zips else {})
    return {name.rpartition("/")[2]: entry for name, entry in found.items()}


def _list(files: Files, name: str) -> Entry | None:
    """The list of that name: the official one ends in .txt, that of the mirrors in .csv."""
    ends = (f"/{name}.txt", f"/{name}.csv")
    return next((entry for path, entry in files.items() if f"/{path}".endswith(ends)), None)


def _attributes(path: Entry) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """The names of the attributes, and by picture without its .jpg their values, "0" or "1"."""
    # Python has one "0" in memory for all, but would have eight million times "-1".
    text = read_text(path).replace(",", " ").replace(" -1", " 0")
    lines = [line for line in map(str.split, text.splitlines()) if line]
    official = bool(lines) and len(lines[0]) == 1  # begins with the number of pictures
    header = [*lines, [], []][1] if official else [*lines, []][0][1:]
    rows: dict[str, list[str]] = {}
    for name, *values in lines[2 if official else 1 :]:
        if len(values) != len(header):
            raise RequestError(f"{path}: {name} has {len(values)} labels, not {len(header)}")
        rows[PurePosixPath(name).stem] = values
    return tuple(header), rows


def _partition(files: Files, names: list[str]) -> dict[str, Split | None]:
    """The split of each picture, by lines of `000001.jpg 0`; None where there is none."""
    path = _list(files, _PARTITION)
    lines = [] if path is None else read_text(path).replace(",", " ").splitlines()
    splits = {PurePosixPath(line[0]).stem: line[-1] for line in map(str.split, lines) if line}
    return {name: _SPLITS.get(splits.get(PurePosixPath(name).stem, "")) for name in names}


def _lies_there(name: str) -> bool:
    """Whether a path is that of a picture, or of the zip of them."""
    *folders, file = name.split("/")
    inside = any(folder.startswith(_PICTURES) for folder in folders)
    return inside or (file.startswith(_PICTURES) and suffix(file) == ".zip")
