"""Files that are written whole or not at all, JSON, and logs that grow row by row.

Knows nothing of what is in a file, and needs no torch.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from sparring.errors import RequestError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise RequestError where the system refuses to write `path`: disk full, read-only, gone."""
    try:
        yield
    except OSError as error:
        raise RequestError(
            f"cannot write {path}: {error.strerror}; mend that and start again, to go on, "
            "or choose another --out"
        ) from error


def temporary_for(path: Path) -> Path:
    """Where this process writes what `publish` will call `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def publish(temporary: Path, path: Path) -> None:
    """Give a written file its name. Bytes and name are on the disk when this returns."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write `data` to `path`: a reader, or a crash, sees the old file or the new one.

    Raises RequestError where the disk is full or the folder cannot be written.
    """
    temporary = temporary_for(path)
    with writing(path):
        try:
            temporary.write_bytes(data)
            publish(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def sweep(folder: Path, *, shared: bool = False) -> None:
    """Remove the temporary files and folders that killed processes left anywhere under `folder`.

    shared: other processes of this machine may be at work there; theirs stay.
    """
    for path in list(folder.rglob(".*.tmp")):
        if shared and _running(path.name.split(".")[-2]):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _running(pid: str) -> bool:
    """Whether another process has this number."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # someone else's
        return True
    return int(pid) != os.getpid()


def to_json(value: Any) -> bytes:
    """`value` as JSON in one line. A number that is not finite becomes null: JSON has no NaN."""
    # Scalars of numpy are the one kind of value that msgspec does not know.
    return msgspec.json.encode(value, enc_hook=lambda scalar: scalar.item())


def write_json(path: Path, value: Any) -> None:
    """Write a record, or plain values, as indented JSON, atomically; see `to_json`."""
    write_atomically(path, msgspec.json.format(to_json(value), indent=2) + b"\n")


class RowLog:
    """A file of JSON rows, one a line, each with a whole number `step`, in rising order."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, row: Any) -> None:
        with writing(self.path), self.path.open("ab") as file:
            file.write(to_json(row) + b"\n")

    def sync(self) -> None:
        """Bring the rows to the disk, so that they are never behind a saved state."""
        if self.path.is_file():
            with writing(self.path), self.path.open("rb") as file:
                os.fsync(file.fileno())

    def rows(self) -> list[dict[str, Any]]:
        """The rows, without a torn last line. Raises RequestError where one is damaged."""
        if not self.path.is_file():
            return []
        whole = self.path.read_bytes().rpartition(b"\n")[0]
        try:
            return [msgspec.json.decode(line, type=dict) for line in whole.splitlines()]
        except msgspec.MsgspecError as error:
            raise RequestError(
                f"cannot read {self.path}: a row is damaged; remove the run folder"
            ) from error

    def cut(self, step: int) -> None:
        """Drop the rows after `step`: a resumed training writes them again."""
        rows = [to_json(row) + b"\n" for row in self.rows() if row["step"] <= step]
        write_atomically(self.path, b"".join(rows))
