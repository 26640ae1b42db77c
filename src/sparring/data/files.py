"""The files of a set, in a folder or in a zip, and the split into train and test.

Knows names and bytes; knows nothing of pixels or labels.
"""

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from lzma import LZMAError
from pathlib import Path

from sparring.errors import RequestError, check_name

Entry = Path | zipfile.Path
"""A file in a folder or in a zip."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})


def damaged(place: object, reason: object) -> RequestError:
    """Build the error for a file that is not what its name says, or not all of it."""
    why = " ".join(str(reason).split()) or type(reason).__name__
    return RequestError(f"{place} is damaged or incomplete ({why}): download it again")


def read(entry: Entry) -> bytes:
    """All bytes of one file. Raises RequestError where the file or its zip is damaged."""
    try:
        return entry.read_bytes()
    except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError) as error:
        raise damaged(entry, error) from error
    except (NotImplementedError, RuntimeError) as error:  # unknown compression, or encrypted
        raise RequestError(f"cannot read {entry} ({error}): unpack the zip yourself") from error


def read_text(entry: Entry) -> str:
    """One UTF-8 text file. Raises RequestError where it is damaged."""
    try:
        return read(entry).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise damaged(entry, error) from error


def entries(root: Path) -> dict[str, Entry]:
    """Every file below a folder or inside a zip, by its path relative to `root`, sorted.

    Hidden files and folders are left out. Raises RequestError where `root` is neither a folder
    nor a zip that can be read, or where a name is not UTF-8.
    """
    found: dict[str, Entry]
    if root.is_dir():
        found = {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}
    elif root.is_file():
        found = _zipped(root)
    else:
        raise RequestError(f"{root} does not exist: give a folder of images, or a zip")
    names = [name for name in sorted(found) if not _hidden(name)]
    for name in names:
        check_name(name)
    return {name: found[name] for name in names}


def _zipped(path: Path) -> dict[str, Entry]:
    try:
        archive = zipfile.ZipFile(path)
    # NotImplementedError: a version from the future; ValueError: names or offsets out of range
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise damaged(path, error) from error
    names = [name for name in archive.namelist() if not name.endswith("/")]
    return {name: zipfile.Path(archive, name) for name in names}


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def images_of(files: Mapping[str, Entry]) -> dict[str, Entry]:
    """Those of `files` whose suffix is an image's, in any case."""
    return {n: e for n, e in files.items() if Path(n).suffix.lower() in IMAGE_SUFFIXES}


def below(files: Mapping[str, Entry], folder: str) -> dict[str, Entry]:
    """Those of `files` that lie in `folder`, by their path relative to it."""
    start = folder + "/"
    return {name.removeprefix(start): e for name, e in files.items() if name.startswith(start)}


def unwrapped(files: Mapping[str, Entry]) -> dict[str, Entry]:
    """The same files without the folders that all of them share: `faces/1.jpg` -> `1.jpg`."""
    inner = dict(files)
    while inner and all("/" in name for name in inner) and len({_top(name) for name in inner}) == 1:
        inner = below(inner, _top(next(iter(inner))))
    return inner


def _top(name: str) -> str:
    return name.split("/")[0]


def contents(files: Mapping[str, Entry], names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each of `names`, read one at a time."""
    return ((name, read(files[name])) for name in names)


def hash_split(names: Iterable[str], where: object) -> tuple[list[str], list[str]]:
    """Split names into train and test, about 80 to 20, by the SHA-256 of each name alone.

    A file stays on its side whatever is added beside it or removed. Raises RequestError where
    there are so few names that one side is empty.
    """
    train: list[str] = []
    test: list[str] = []
    for name in names:
        is_test = int.from_bytes(sha256(name.encode()).digest()[:8]) % 5 == 0
        (test if is_test else train).append(name)
    if not train or not test:
        raise RequestError(
            f"{where} has too few images ({len(train) + len(test)}) to split into train and test: "
            "add more, or make train/ and test/ yourself"
        )
    return train, test


def match(rows: Mapping[str, object], files: Mapping[str, Entry], where: object) -> None:
    """Raise RequestError unless every row of a list has its image and every image a row."""
    for missing, what, mend in (
        (sorted(rows.keys() - files.keys()), "rows without an image", "add the image"),
        (sorted(files.keys() - rows.keys()), "images without a row", "add the row"),
    ):
        if missing:
            raise RequestError(
                f"{where}: {len(missing)} {what}, the first is {missing[0]}: {mend}, or take it out"
            )
