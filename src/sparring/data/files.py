"""The files of a set, in a folder or in a zip, and the split into train and test."""

import bz2
import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import takewhile
from pathlib import Path

from sparring.data.images import composed
from sparring.errors import RequestError, check_name

MAX_BYTES = 512 << 20
"""A file that is larger than this, as it lies or unpacked, is refused."""

MAX_TEXT = 64 << 20
"""The same for a list: text grows some fifty times when it is parsed."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})

_PACKED = {".gz": gzip.GzipFile, ".bz2": bz2.BZ2File}
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error)


@dataclass(frozen=True)
class Member:
    """A file in a zip. A zipfile.Path takes time and memory without bound for odd names."""

    archive: zipfile.ZipFile
    name: str

    def __str__(self) -> str:
        return f"{self.archive.filename}/{self.name}"


Entry = Path | Member
"""A file in a folder or in a zip."""


def damaged(place: object, reason: object) -> RequestError:
    """Build the error for a file that is not what its name says, or not all of it."""
    why = " ".join(str(reason).split()) or type(reason).__name__
    return RequestError(f"{place} is damaged or incomplete ({why}): download it again")


def read(entry: Entry, most: int = MAX_BYTES) -> bytes:
    """All bytes of one file, unpacked where it is .gz or .bz2. Raises RequestError.

    most: of a file that holds more than so many bytes, no more than these are ever taken up.
    """
    try:
        data = _unzip(entry, most) if isinstance(entry, Member) else _load(entry, most)
    except _DAMAGE as error:
        raise damaged(entry, error) from error
    except (NotImplementedError, RuntimeError) as error:  # unknown compression, or encrypted
        raise RequestError(f"cannot read {entry} ({error}): unpack the zip yourself") from error
    if data is None or len(data) > most:
        raise RequestError(f"{entry} holds more than {most >> 20} MB: give smaller files")
    return data


def _load(path: Path, most: int) -> bytes | None:
    if path.stat().st_size > most:
        return None
    if path.suffix not in _PACKED:
        return path.read_bytes()
    with _PACKED[path.suffix](path, "rb") as stream:
        return stream.read(most + 1)


def _unzip(member: Member, most: int) -> bytes | None:
    info = member.archive.getinfo(member.name)
    # Python's readers of the other methods take all that a few bytes may grow to.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError("neither stored nor deflated")
    if info.file_size > most:
        return None
    with member.archive.open(info) as file:
        return file.read(max(1, info.file_size))  # with no number it may take 2 GB at once


def read_text(entry: Entry) -> str:
    """One UTF-8 text file. Raises RequestError where it is damaged or too large."""
    try:
        return read(entry, MAX_TEXT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise damaged(entry, error) from error


def entries(root: Path) -> dict[str, Entry]:
    """Every file below a folder or inside a zip, by its composed path from `root`, sorted.

    Hidden ones are left out. Raises RequestError where `root` is neither, or a name is not UTF-8
    or differs from another in composition alone.
    """
    if not root.exists():
        raise RequestError(f"{root} does not exist: give a folder of images, or a zip")
    found: dict[str, Entry] = {}
    inside = (
        ((path.relative_to(root).as_posix(), path) for path in root.rglob("*") if path.is_file())
        if root.is_dir()
        else _zipped(root)
    )
    for written, entry in inside:
        name = composed(written)
        if any(part.startswith(".") or part == "__MACOSX" for part in name.split("/")):
            continue
        check_name(name)
        if name in found:
            raise RequestError(f"{root} holds {name} twice: rename one or remove it")
        found[name] = entry
    return dict(sorted(found.items()))


def _zipped(path: Path) -> Iterator[tuple[str, Member]]:
    try:
        archive = zipfile.ZipFile(path)
    except (*_DAMAGE, NotImplementedError) as error:  # the last: a version from the future
        raise damaged(path, error) from error
    for name in dict.fromkeys(archive.namelist()):
        if name.startswith("/") or ".." in name.split("/"):
            raise RequestError(f"{path} holds {name}, which leads out of it: pack it anew")
        if not name.endswith("/"):
            yield name, Member(archive, name)


def images_of(files: Mapping[str, Entry]) -> dict[str, Entry]:
    """Those of `files` that are named as images."""
    return {n: e for n, e in files.items() if Path(n).suffix.lower() in IMAGE_SUFFIXES}


def below(files: Mapping[str, Entry], folder: str) -> dict[str, Entry]:
    """Those of `files` that lie in `folder`, by their path relative to it."""
    start = folder + "/"
    return {name.removeprefix(start): e for name, e in files.items() if name.startswith(start)}


def unwrapped(files: Mapping[str, Entry]) -> dict[str, Entry]:
    """The same files without the folders that all of them share: `faces/1.jpg` -> `1.jpg`."""
    folders = [name.split("/")[:-1] for name in files]
    ends = zip(min(folders, default=[]), max(folders, default=[]), strict=False)  # in sorted order
    shared = takewhile(lambda pair: pair[0] == pair[1], ends)
    start = sum(len(folder) + 1 for folder, _ in shared)
    return {name[start:]: entry for name, entry in files.items()}


def contents(files: Mapping[str, Entry], names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each of `names`, read one at a time."""
    return ((name, read(files[name])) for name in names)


def hash_split(names: Iterable[str], where: object) -> tuple[list[str], list[str]]:
    """Split names into train and test, about 80 to 20, by the SHA-256 of each name alone.

    A file stays on its side whatever is added beside it or removed. Raises RequestError where
    there are so few names that one side is empty.
    """
    sides: tuple[list[str], list[str]] = ([], [])
    for name in names:
        sides[int.from_bytes(sha256(name.encode()).digest()[:8]) % 5 == 0].append(name)
    if not all(sides):
        raise RequestError(
            f"{where} has too few images ({sum(map(len, sides))}) to split into train and test: "
            "add more, or make train/ and test/ yourself"
        )
    return sides
