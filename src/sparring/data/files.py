"""The files of a set, in a folder or in a zip, and what they are by their names."""

import bz2
import gzip
import os
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath

from sparring.data.decode import IMAGE_SUFFIXES
from sparring.data.images import composed
from sparring.errors import RequestError, check_name

MAX_BYTES = 512 << 20
"""A file that is larger than this, as it lies or unpacked, is refused."""

MAX_TEXT = 64 << 20
"""The same for a list: text grows some fifty times when it is parsed."""

_PACKED = {".gz": gzip.GzipFile, ".bz2": bz2.BZ2File}
_UTF8, _WINDOWS = 0x800, 0  # how a zip says what its names are, and where it was made
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

Files = Mapping[str, Entry]
"""Files by their path from the folder or zip that they lie in, with slashes."""


def damaged(
    place: object, reason: object, mend: str = "replace it by a whole copy"
) -> RequestError:
    """Build the error for a file that is not what its name says, or not all of it."""
    why = " ".join(str(reason).split()) or type(reason).__name__
    return RequestError(f"{place} is damaged or incomplete ({why}): {mend}")


def download_again(place: object, reason: object) -> RequestError:
    """The same for a file of a published set."""
    return damaged(place, reason, "download it again")


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
    """One UTF-8 text file. Raises RequestError where it is damaged, too large or no such text."""
    try:
        return read(entry, MAX_TEXT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"{entry} is no UTF-8 text ({error}): save it as UTF-8") from error


def entries(root: Path) -> dict[str, Entry]:
    """Every file below a folder or inside a zip, by its composed path from `root`, sorted.

    Links are followed. Hidden files are left out. Raises RequestError where `root` is neither, or
    a name is not UTF-8 or differs from another in composition alone.
    """
    if not root.exists():
        raise RequestError(f"{root} does not exist: give a folder of images, or a zip")
    found: dict[str, Entry] = {}
    for written, entry in _below(root) if root.is_dir() else _zipped(root):
        name = composed(written)
        if any(part.startswith(".") or part == "__MACOSX" for part in name.split("/")):
            continue
        check_name(name)
        if name in found:
            raise RequestError(f"{root} holds {name} twice: rename one or remove it")
        found[name] = entry
    return dict(sorted(found.items()))


def _below(
    folder: Path, start: str = "", above: tuple[Path, ...] = ()
) -> Iterator[tuple[str, Path]]:
    """The files below a folder, also through links, but for one that leads back up."""
    real = folder.resolve()
    if real in above:
        return
    with os.scandir(folder) as inside:
        for item in inside:
            if item.name.startswith("."):
                continue
            if item.is_dir():
                yield from _below(folder / item.name, f"{start}{item.name}/", (*above, real))
            else:  # a link that leads nowhere too: it is counted, or told when it is read
                yield start + item.name, folder / item.name


def _zipped(path: Path) -> Iterator[tuple[str, Member]]:
    if path.suffix.lower() != ".zip":
        raise RequestError(f"{path} is neither a folder nor a zip: name what holds the images")
    try:
        archive = zipfile.ZipFile(path)
    except (*_DAMAGE, NotImplementedError) as error:  # the last: a version from the future
        raise damaged(path, error) from error
    for written in dict.fromkeys(archive.namelist()):
        name = _spelt(archive.getinfo(written))
        if name.startswith("/") or ".." in name.split("/"):
            raise RequestError(f"{path} holds {name}, which leads out of it: pack it anew")
        if not name.endswith("/"):
            yield name, Member(archive, written)


def _spelt(info: zipfile.ZipInfo) -> str:
    """A path in a zip as it was meant.

    macOS writes UTF-8 and does not say so, Windows PowerShell 5 writes a backslash for a slash.
    """
    name = info.filename
    if not info.flag_bits & _UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()  # as which Python reads what says nothing
    return name.replace("\\", "/") if info.create_system == _WINDOWS else name


def suffix(name: str) -> str:
    """The end of a file's name, such as `.png`, in small letters."""
    return PurePosixPath(name).suffix.lower()


def images_of(files: Files) -> dict[str, Entry]:
    """Those of `files` that are named as images."""
    return {name: entry for name, entry in files.items() if suffix(name) in IMAGE_SUFFIXES}


def kinds(names: Iterable[str]) -> Counter[str]:
    """How many files there are of each suffix but those of images: `.txt`, "without a suffix"."""
    ends = (suffix(name) or "without a suffix" for name in names)
    return Counter(end for end in ends if end not in IMAGE_SUFFIXES)


def no_images(root: object, files: Files) -> RequestError:
    """The error for a place that holds none, with what it holds."""
    there = ", ".join(f"{count:,} {kind}" for kind, count in kinds(files).most_common(4))
    return RequestError(
        f"{root} holds no images ({f'found: {there}' if there else 'it is empty'}): "
        "put jpg, png, webp, bmp, gif or tiff there, or name another place"
    )


def unwrapped(files: Files) -> dict[str, Entry]:
    """The same files without the folders that all of them share: `faces/1.jpg` -> `1.jpg`."""
    start = len(shared(files))
    return {name[start:]: entry for name, entry in files.items()}


def shared(names: Iterable[str]) -> str:
    """The folders that all of `names` lie in: `faces/` of `faces/1.jpg` and `faces/a/2.jpg`."""
    folders = [name.split("/")[:-1] for name in names]
    ends = zip(min(folders, default=[]), max(folders, default=[]), strict=False)  # in sorted order
    return "".join(f"{one}/" for one, _ in takewhile(lambda pair: pair[0] == pair[1], ends))


def contents(files: Files, names: Iterable[str]) -> Iterator[tuple[str, bytes | RequestError]]:
    """Name and bytes of each of `names`, read one at a time; or why it cannot be read."""
    for name in names:
        try:
            yield name, read(files[name])
        except RequestError as error:
            yield name, error


def is_list(name: str) -> bool:
    """Whether a file is named as a list of labels: .csv, .tsv, .jsonl."""
    return suffix(name) in (".csv", ".tsv", ".jsonl")
