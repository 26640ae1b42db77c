"""Fetches published data sets into the folders in which the readers look for them.

Knows how a download goes on where it stopped, which pooch cannot; pooch compares hashes, and
gives a file its name once it is the published one. Knows nothing of what is in a file.
"""

import shutil
import tarfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, cast

import pooch
import requests

from sparring.data.published import SETS, File
from sparring.errors import RequestError, WorkFailed
from sparring.storage import write_atomically, writing

PATIENCE = 30.0
"""Seconds to wait for a server that sends nothing."""
WAITS = (1.0, 5.0, 15.0)
"""Seconds before each new attempt after a connection broke, while no byte arrives."""
_PIECE = 1 << 16

Say = Callable[[str], None]
Watch = Callable[[str, int, int], None]
"""Called with a file's name, the bytes that are here, and how many it has (0: unknown)."""


def get(name: str, out: Path, say: Say, watch: Watch) -> None:
    """Fetch the set `name`, one of SETS, into its folder below `out`; what is there is checked.

    say: is told each step, in a line. Raises RequestError where a file is there that is not the
    published one, or none can be written; WorkFailed where the network refuses.
    """
    asked = SETS[name]
    folder = out / asked.folder
    pooch.get_logger().setLevel("WARNING")
    say(f"{name}: {asked.megabytes:,} MB into {folder}; licence: {asked.licence} ({asked.page})")
    for files in asked.places:
        try:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                for file in files:
                    _provide(file, folder, say, watch)
            return
        except WorkFailed as failure:
            if files is not asked.places[-1]:
                say(f"{failure}; trying another place")
                continue
            names = ", ".join(file.name for file in asked.places[0])
            raise WorkFailed(
                f"{name} could not be fetched: {failure}; start again to go on, or fetch "
                f"{names} by hand from {asked.page} into {folder} and start again: it is checked"
            ) from failure


def _provide(file: File, folder: Path, say: Say, watch: Watch) -> None:
    """See to it that `folder` holds the file, or what it gives."""
    path = folder / file.name
    if file.gives and all((folder / given).exists() for given in file.gives):
        say(f"{folder}: {', '.join(file.gives)} are there")
        return
    record = path.with_name(f"{path.name}.sha256")
    known = file.known
    if not known and record.is_file():
        known = "sha256:" + record.read_text().split()[0]
    found = path.is_file()
    if found and known and not _has(path, known):
        raise RequestError(
            f"{path} is not the published file ({known}): move it away, or name another --out"
        )
    if not found:
        part = path.with_name(f".{path.name}.part")
        fetch = partial(_fetch, part=part, say=say, watch=partial(watch, file.name))
        try:
            pooch.retrieve(file.url, known or None, file.name, folder, downloader=fetch)
        except ValueError as error:  # another hash; pooch has removed the file
            raise WorkFailed(f"{file.url} gave another file than {known}") from error
    say(f"{path}: {'there already' if found else 'fetched'}, {_checked(path, known, record)}")
    if file.inside:
        _unpack(path, file)


def _has(path: Path, known: str) -> bool:
    algorithm, _, value = known.partition(":")
    return bool(pooch.file_hash(str(path), algorithm) == value)


def _checked(path: Path, known: str, record: Path) -> str:
    """Words on the file's hash; one that was not known is written into `record`."""
    if known:
        return f"as published ({known})" if not record.is_file() else f"as first seen ({known})"
    seen = pooch.file_hash(str(path), "sha256")
    write_atomically(record, f"{seen}  {path.name}\n".encode())
    return f"no hash is published: the one seen, sha256:{seen}, is in {record.name}"


def _fetch(
    url: str,
    goal: str,
    _: object,
    *,
    part: Path,
    say: Say,
    watch: Callable[[int, int], None],
) -> None:
    """Fetch all of `url` by way of `part`, which outlives a failure, into the file `goal`."""
    waits = iter(WAITS)
    while True:
        before = _size(part)
        try:
            _receive(url, part, watch)
            break
        except requests.RequestException as error:
            if _size(part) > before:
                waits = iter(WAITS)
            wait = next(waits, None)
            refused = error.response is not None and error.response.status_code < 500
            if wait is None or refused:
                raise WorkFailed(f"{url}: {_reason(error)}") from error
            say(f"{url}: {_reason(error)}; going on in {wait:.0f} s")
            time.sleep(wait)
    part.replace(goal)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _receive(url: str, part: Path, watch: Callable[[int, int], None]) -> None:
    """Receive what `part` lacks. Raises RequestException where the connection breaks."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=PATIENCE) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable and have:
            if answer.headers.get("Content-Range") == f"bytes */{have}":
                return  # it was whole
            part.unlink()
            raise requests.ConnectionError("what was here is of another file, and was removed")
        answer.raise_for_status()
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise WorkFailed(f"{url}: the server answers with a web page, not with the file")
        if answer.status_code != requests.codes.partial_content:
            have = 0  # the server can but begin anew
        total = have + int(answer.headers.get("Content-Length", 0))
        with part.open("ab" if have else "wb") as file:
            for piece in answer.iter_content(_PIECE):
                have += file.write(piece)
                watch(have, total)
    if have < total:  # which urllib3 1 does not tell
        raise requests.ConnectionError(f"only {have:,} of {total:,} bytes came")


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"{error.response.status_code} {error.response.reason}"
    return str(error).rpartition(": ")[2].rpartition("(")[2].strip("'\") ")


def _unpack(archive: Path, file: File) -> None:
    """Put what `file` gives beside its archive, each whole or not at all; then remove that."""
    folder = archive.parent
    with TemporaryDirectory(prefix=".", dir=folder) as place:
        try:
            with tarfile.open(archive) as tar:
                for member in tar:
                    _extract(tar, member, PurePosixPath(file.inside), Path(place))
            for name in file.gives:
                if not (folder / name).exists():
                    (Path(place) / name).rename(folder / name)
        except (tarfile.TarError, EOFError, FileNotFoundError) as error:
            raise WorkFailed(
                f"{archive} cannot be unpacked ({error}): unpack it by hand"
            ) from error
    archive.unlink()


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, top: PurePosixPath, into: Path) -> None:
    """Write a file that lies below `top` by its path there; no link, and none that leads out.

    By hand: the filters of `extractall` came with Python 3.11.4.
    """
    path = PurePosixPath(member.name)
    if not (member.isfile() and path.is_relative_to(top)):
        return
    if ".." in path.parts:
        raise tarfile.TarError(f"{path} would lie outside the destination")
    target = into / path.relative_to(top)
    target.parent.mkdir(parents=True, exist_ok=True)
    with cast(IO[bytes], tar.extractfile(member)) as packed, target.open("wb") as file:
        shutil.copyfileobj(packed, file)
