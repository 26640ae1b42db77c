"""The run folder: where one run writes everything that anyone reads later.

Knows files and their records; knows no torch, no method and no report. A folder is *finished* when
`scores.json` exists, so a stopped reproduction goes on where it was.

    config.json           what was asked, with the fingerprints of the data
    env.json              where it ran: versions, commit, device, threads
    log.jsonl             one row every few steps: step, images, seconds, losses by player, terms
    events.json           only where something happened: alarms, rollbacks, and in what step
    checkpoints/          all it needs to go on (see checkpoints.py): until the scores are there,
                          longer where the last state is to be kept, to train on from it
    snapshots/            likewise, generators only: what will be `progress` in the pictures
    candidates/           until the scores are there, adapted classifiers only: weights to choose
    model/                the trained model (see model.py): weights, config, card
    architecture.json     the actual modules: layer, output shape, parameters
    pictures.safetensors  generators only: uint8 images, and where labels change them
    features.safetensors  classifiers only: the t-SNE map: points, labels, domains
    outputs.safetensors   classifiers only: what two runs on the same domains are compared by
    labels.json           classifiers only: who read labels of the target, and when
    twin.json             adapted only: how it compares with its source-only twin
    scores.json           the results
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from msgspec import structs
from safetensors import SafetensorError
from safetensors.numpy import load, save

from sparring.errors import RequestError
from sparring.runs.records import (
    Architecture,
    Config,
    Environment,
    Events,
    LogRow,
    Openings,
    Scores,
    TransferAlarm,
)
from sparring.storage import RowLog, write_atomically, writing

R = TypeVar("R")

FILES: dict[object, str] = {
    Config: "config.json",
    Environment: "env.json",
    Events: "events.json",
    Architecture: "architecture.json",
    Openings: "labels.json",
    TransferAlarm: "twin.json",
    Scores: "scores.json",
}
"""The file of each kind of record."""
WORKING = ("candidates", "checkpoints", "snapshots")
"""What only an unfinished run needs; all but the first serve to train on from its last state."""
_LONGEST_NAME = 180  # bytes; file systems take 255


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


def difference(before: Config, now: Config) -> str | None:
    """What the first thing is that differs, in words; None where nothing does."""
    old, new = _flat(before), _flat(now)
    for name in [*new, *old]:
        was, is_now = old.get(name, "absent"), new.get(name, "absent")
        if was != is_now:
            return f"its {name} was {was}, now it is {is_now}"
    return None


def _flat(config: Config) -> dict[str, Any]:
    """The values of a configuration by name, each set of data in words."""
    plain = msgspec.json.decode(msgspec.json.encode(config))
    data = plain.pop("data")
    flat = {role: f"{d['name']} ({d['fingerprint'][:15]}…)" for role, d in data.items()}
    for name, value in plain.items():
        nested = value if isinstance(value, dict) else {"": value}
        flat |= {f"{name} {key}".strip(): item for key, item in nested.items()}
    return flat


class RunFolder:
    """One run's folder; `name` is the folder's own name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def log(self) -> RowLog:
        """The training log, for whoever writes it."""
        return RowLog(self.path / "log.jsonl")

    @property
    def begun(self) -> bool:
        return (self.path / FILES[Config]).is_file()

    @property
    def finished(self) -> bool:
        return (self.path / FILES[Scores]).is_file()

    def compare(self, config: Config) -> bool:
        """Whether `config` asks for more steps of the run that is here, and for nothing else new.

        Raises RequestError where the folder holds a run of another request, or something else.
        """
        if not self.begun:
            if self.path.exists() and not (self.path.is_dir() and not any(self.path.iterdir())):
                raise RequestError(f"{self.path} holds something else; name another --out")
            return False
        before = self.read(Config)
        longer = config.training.steps > before.training.steps
        if longer:
            steps = structs.replace(before.training, steps=config.training.steps)
            before = structs.replace(before, training=steps)
        if words := difference(before, config):
            raise RequestError(f"{self.path} holds another run: {words}; name another --out")
        return longer

    def open(self, config: Config) -> None:
        """Make the folder of this run, or go on in it; a shorter run is no longer finished.

        Raises RequestError as `compare` does, and where the folder cannot be written.
        """
        longer = self.compare(config)
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        if longer:
            for kind in (Scores, TransferAlarm):
                (self.path / FILES[kind]).unlink(missing_ok=True)
        if longer or not self.begun:
            self.write(config)

    def read(self, kind: type[R]) -> R:
        """The record of that kind. Raises RequestError where it is missing or damaged."""
        path = self.path / FILES[kind]
        with _told(path):
            return msgspec.json.decode(path.read_bytes(), type=kind)

    def find(self, kind: type[R]) -> R | None:
        """The record of that kind; None where there is none. Raises RequestError."""
        return self.read(kind) if (self.path / FILES[kind]).is_file() else None

    def write(self, record: object) -> None:
        """Write a record into the file of its kind, whole or not at all."""
        kind = Scores if isinstance(record, Scores) else type(record)
        text = msgspec.json.format(msgspec.json.encode(record), indent=2)
        write_atomically(self.path / FILES[kind], text + b"\n")

    def rows(self) -> list[LogRow]:
        """The training log; none where there is none. Raises RequestError where it is damaged."""
        path = self.path / "log.jsonl"
        if not path.is_file():
            return []
        with _told(path):
            whole = path.read_bytes().rpartition(b"\n")[0]  # the last line may be torn
            return msgspec.json.decode(
                b"[" + b",".join(whole.splitlines()) + b"]", type=list[LogRow]
            )

    def write_arrays(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Write `name`.safetensors, whole or not at all."""
        contiguous = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
        write_atomically(self.path / f"{name}.safetensors", save(contiguous))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of `name`.safetensors; none where there is none. Raises RequestError."""
        path = self.path / f"{name}.safetensors"
        if not path.is_file():
            return {}
        with _told(path):
            return load(path.read_bytes())

    def tidy(self, keep_state: bool = False) -> None:
        """Remove what only an unfinished run needs. keep_state: it may be trained on."""
        for name in WORKING[:1] if keep_state else WORKING:
            shutil.rmtree(self.path / name, ignore_errors=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Raise RequestError, in one line, where a file of a run is missing or damaged."""
    try:
        yield
    except (OSError, ValueError, msgspec.MsgspecError, SafetensorError) as error:
        words = " ".join(str(error).split())[:200]
        raise RequestError(f"cannot read {path}: {words}; remove the run folder") from error


class Run(RunFolder):
    """A finished run, read once: what a report is made of."""

    @cached_property
    def config(self) -> Config:
        return self.read(Config)

    @cached_property
    def scores(self) -> Scores:
        return self.read(Scores)  # type: ignore[arg-type]

    @cached_property
    def environment(self) -> Environment:
        return self.read(Environment)

    @cached_property
    def events(self) -> Events:
        return self.find(Events) or Events()

    @cached_property
    def openings(self) -> Openings:
        return self.find(Openings) or Openings()

    @cached_property
    def alarm(self) -> TransferAlarm | None:
        return self.find(TransferAlarm)

    @cached_property
    def architecture(self) -> Architecture | None:
        return self.find(Architecture)
