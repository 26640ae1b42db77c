"""The run folder: where one training run writes everything that anyone reads later.

Knows files; knows no torch, no method and no report. A folder is *finished* when `scores.json`
exists, so a stopped reproduction goes on where it was.

    config.json         what was asked: method, scenario, data, seed, settings, training
    env.json            where it ran: versions, commit, device, threads, data fingerprints
    log.jsonl           one row every few steps: step, images, seconds, losses by player, terms
    events.json         only where something happened: alarms, rollbacks, and in what step
    weights.safetensors the networks
    checkpoints/        until the scores are there: all it needs to go on (see checkpoints.py)
    candidates/         likewise, adaptation only: weights to choose from
    film/               likewise, generators only: what will be the progress in samples.npz
    architecture.json   the actual modules: layer, output shape, parameters
    samples.npz         generators only: uint8 images, and where labels change them
    features.npz        classifiers only: t-SNE coordinates with class and domain
    outputs.npz         classifiers only: what two runs on the same domains are compared by
    labels.json         classifiers only: who read labels of the target, and when (jobs/labels.py)
    twin.json           adapted only: how it compares with its source-only twin (jobs/twins.py)
    scores.json         the results
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sparring.errors import RequestError

WORKING = ("checkpoints", "film", "candidates")
_LONGEST_NAME = 180  # bytes; file systems take 255


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
    """Give a file that is written its name, so that a reader, or a crash, sees all of it or none.

    Both the bytes and the new name are on the disk when this returns.
    """
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_atomically(path: Path, data: bytes) -> None:
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
    """Remove the temporary files that killed processes left anywhere under `folder`.

    shared: other processes of this machine may be at work there; theirs stay.
    """
    for path in folder.rglob(".*.tmp"):
        if not (shared and _running(path.name.split(".")[-2])):
            path.unlink(missing_ok=True)


def _running(pid: str) -> bool:
    """Whether another process has this number."""
    if not pid.isdecimal() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # someone else's
        pass
    return True


def _row(line: bytes, path: Path) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not (isinstance(row, dict) and isinstance(row.get("step"), int)):
        raise RequestError(f"cannot read {path}: a row is damaged; remove the run folder")
    return row


def finite(value: Any) -> Any:
    """`value` with every float in it that is not finite as None: JSON has no NaN."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically. A number that is not finite becomes null."""
    text = json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())


def run_name(*parts: object) -> str:
    """The name of a run's folder: `parts` with dashes between them.

    Characters that a folder's name cannot hold, or that do not print, become _, and a long name
    is cut; a hash then keeps it apart from other names.
    """
    name = "-".join(map(str, parts))
    plain = "".join("_" if c in "/\\" or not c.isprintable() else c for c in name)
    if plain == name and len(name.encode()) <= _LONGEST_NAME:
        return name
    cut = plain.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f"{cut}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class RunFolder:
    """One run's folder; `name` is the folder's own name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def weights(self) -> Path:
        """The file of the networks."""
        return self.path / "weights.safetensors"

    @property
    def finished(self) -> bool:
        return (self.path / "scores.json").is_file()

    def open(self, config: dict[str, Any]) -> None:
        """Create the folder for `config`, or go on in one that holds the same configuration.

        Raises RequestError where the folder holds something else or another configuration.
        """
        config = json.loads(json.dumps(config))
        if not self.path.exists() or not any(self.path.iterdir()):
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise RequestError(f"cannot create {self.path}: {error.strerror}") from error
            write_json(self.path / "config.json", config)
            return
        if not (self.path / "config.json").is_file():
            raise RequestError(f"{self.path} holds something that is no run; choose another --out")
        self._compare(config, {*self.read("config"), *config})

    def tidy(self) -> None:
        """Remove what only an unfinished run needs."""
        for name in WORKING:
            shutil.rmtree(self.path / name, ignore_errors=True)

    def check(self, request: dict[str, Any]) -> None:
        """Raise RequestError where a run is here that does not fit `request`, or is damaged.

        request: what is known of the configuration before the data are loaded.
        """
        if (self.path / "config.json").is_file():
            request = json.loads(json.dumps(request))
            self._compare(request, set(request))
        if self.finished:
            self.read("scores")

    def _compare(self, config: dict[str, Any], keys: set[str]) -> None:
        found = self.read("config")
        if other := sorted(key for key in keys if found.get(key) != config.get(key)):
            raise RequestError(
                f"{self.path} holds a run with another {', '.join(other)}; "
                "choose another --out, or remove that folder"
            )

    def read(self, name: str) -> Any:
        """The content of `name`.json, an object or a list.

        Raises RequestError where it is missing or damaged.
        """
        path = self.path / f"{name}.json"
        expected = list if name in ("architecture", "events", "labels") else dict
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise RequestError(f"cannot read {path}: {error}; remove the run folder") from error
        if not isinstance(value, expected):
            raise RequestError(f"cannot read {path}: it is damaged; remove the run folder")
        return value

    def write(self, name: str, value: Any) -> None:
        """Write `name`.json."""
        write_json(self.path / f"{name}.json", value)

    def write_events(self, events: list[dict[str, Any]]) -> None:
        """Write events.json; a training without events has none."""
        if events:
            self.write("events", events)
        else:
            (self.path / "events.json").unlink(missing_ok=True)

    def events(self) -> list[dict[str, Any]]:
        """What happened while training: step, kind and plain words, in order; often nothing."""
        exists = (self.path / "events.json").is_file()
        return list(self.read("events")) if exists else []

    def append_log(self, row: dict[str, Any]) -> None:
        """Add one row to log.jsonl. A number that is not finite becomes null."""
        path = self.path / "log.jsonl"
        with writing(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(finite(row), allow_nan=False) + "\n")

    def sync_log(self) -> None:
        """Bring the log to the disk, so that it is never behind a saved state."""
        path = self.path / "log.jsonl"
        if path.is_file():
            with writing(path), path.open("rb") as file:
                os.fsync(file.fileno())

    def log(self) -> Iterator[dict[str, Any]]:
        """The rows of log.jsonl in order; none where there is no log. Skips a torn last line.

        Raises RequestError where a row is damaged.
        """
        path = self.path / "log.jsonl"
        if not path.is_file():
            return
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield _row(line, path)

    def cut_log(self, step: int) -> None:
        """Drop the rows after `step`: a resumed run writes them again."""
        rows = [json.dumps(row) + "\n" for row in self.log() if row["step"] <= step]
        write_atomically(self.path / "log.jsonl", "".join(rows).encode())
