"""The files of a set, in a folder or in a zip, and the split into train and test.

Knows names and bytes; knows nothing of pixels or labels.
"""

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BufferedIOBase
from itertools import takewhile
from pathlib import Path

from sparring.errors import RequestError, check_name

MAX_BYTES = 512 << 20
"""A file that is larger than this, as it lies or unpacked, is refused."""

MAX_TEXT = 64 << 20
"""The same for a list: text grows some fifty times when it is parsed."""

_PIECE = 1 << 20


@dataclass(frozen=True)
class Member:
    """A file in a zip. It is read where it is: nothing is ever unpacked to the disk.

    Not a zipfile.Path: that takes time and memory without bound over names of many slashes.
    """

    archive: zipfile.ZipFile
    name: str

    def __str__(self) -> str:
        return f"{self.archive.filename}/{self.name}"


Entry = Path | Member
"""A file in a folder or in a zip."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})


def damaged(place: object, reason: object) -> RequestError:
    """Build the error for a file that is not what its name says, or not all of it."""
    why = " ".join(str(reason).split()) or type(reason).__name__
    return RequestError(f"{place} is damaged or incomplete ({why}): download it again")


def too_large(place: object, most: int) -> RequestError:
    """Build the error for a file that would take more memory than any such file needs."""
    return RequestError(f"{place} holds more than {most >> 20} MB: give smaller files")


def read(entry: Entry, most: int = MAX_BYTES) -> bytes:
    """All bytes of one file. Raises RequestError for a damaged one, or one of over `most` bytes."""
    try:
        if isinstance(entry, Member):
            return _unzip(entry, most)
        if entry.stat().st_size > most:
            raise too_large(entry, most)
        return entry.read_bytes()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise damaged(entry, error) from error
    except (NotImplementedError, RuntimeError) as error:  # unknown compression, or encrypted
        raise RequestError(f"cannot read {entry} ({error}): unpack the zip yourself") from error


def _unzip(member: Member, most: int) -> bytes:
    info = member.archive.getinfo(member.name)
    # Python's readers of the other methods take all that a few bytes may grow to.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError("neither stored nor deflated")
    if info.file_size > most:
        raise too_large(member, most)
    with member.archive.open(info) as file:
        return file.read(max(1, info.file_size))  # with no number it may take 2 GB at once


def read_stream(stream: BufferedIOBase, place: object, most: int) -> bytes:
    """All bytes of a stream that unpacks. Raises RequestError where they are more than `most`."""
    data = bytearray()
    while piece := stream.read(_PIECE):
        data += piece
        if len(data) > most:
            raise too_large(place, most)
    return bytes(data)


def read_text(entry: Entry) -> str:
    """One UTF-8 text file. Raises RequestError where it is damaged or too large."""
    try:
        return read(entry, MAX_TEXT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise damaged(entry, error) from error


def entries(root: Path) -> dict[str, Entry]:
    """Every file below a folder or inside a zip, by its path relative to `root`, sorted.

    Hidden files and folders are left out. Raises RequestError where `root` is neither a folder
    nor a zip that can be read, or where a name is not UTF-8.
    """
    found: dict[str, Entry]
    if root.is_dir():
        found = _below(root)
    elif root.is_file():
        found = _zipped(root)
    else:
        raise RequestError(f"{root} does not exist: give a folder of images, or a zip")
    names = [name for name in sorted(found) if not _hidden(name)]
    for name in names:
        check_name(name)
    return {name: found[name] for name in names}


def _below(root: Path) -> dict[str, Entry]:
    try:
        return {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}
    except (OSError, RecursionError) as error:
        raise RequestError(
            f"cannot list {root} ({error}): check who may read it and how deep its folders lie"
        ) from error


def _zipped(path: Path) -> dict[str, Entry]:
    try:
        archive = zipfile.ZipFile(path)
    # NotImplementedError: a version from the future; ValueError: names or offsets out of range
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise damaged(path, error) from error
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if outside := next((name for name in names if _leads_out(name)), None):
        raise RequestError(f"{path} holds {outside}, which leads out of it: pack it anew")
    return {name: Member(archive, name) for name in names}


def _leads_out(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/")


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
