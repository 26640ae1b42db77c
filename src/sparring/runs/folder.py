"""The run folder: where one run writes everything that anyone reads later.

Knows files and their records; knows no torch, no method and no report. A run is *finished* when
`scores.json` exists.

    config.json           what was asked, with the fingerprints of the data
    env.json              where it ran: versions, commit, device, threads
    log.jsonl             one row every few steps: step, images, seconds, losses by player, terms
    events.json           only where something happened: alarms and rollbacks
    checkpoints/          to go on: until the scores are there, or kept to train on from the end
    snapshots/            likewise, generators only: what will be `progress` in the pictures
    candidates/           until the scores are there, adapted classifiers only: weights to choose
    model/                the trained model (see model_folder.py): weights, config, card
    architecture.json     the actual modules: layer, output shape, parameters
    pictures.safetensors  uint8 images: what a generator drew, and where labels change them;
                          what an adapted method made of images of both domains, if it draws
    features.safetensors  classifiers only: the t-SNE map: points, labels, domains
    outputs.safetensors   classifiers only: what two runs on the same domains are compared by,
                          and images of the confusion matrix's cells
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

from sparring.errors import RequestError, one_line
from sparring.runs.records import (
    Architecture,
    Config,
    Environment,
    Events,
    LogRow,
    Openings,
    Plan,
    TransferAlarm,
)
from sparring.runs.scores import Scores
from sparring.storage import write_atomically, write_json, writing

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
_LONGEST_NAME = 180  # bytes; file systems take 255


def run_name(*parts: object) -> str:
    """The name of a run's folder: `parts` with dashes between them.

    What a folder's name cannot hold becomes _, a long name is cut; a hash keeps such names apart.
    """
    name = "-".join(map(str, parts))
    plain = "".join("_" if c in "/\\" or not c.isprintable() else c for c in name)
    if plain == name and len(name.encode()) <= _LONGEST_NAME:
        return name
    cut = plain.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f"{cut}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def difference(before: Config, now: Config) -> str | None:
    """The first thing that differs, in words; None where nothing does."""
    old, new = flat(before), flat(now)
    for name in new | old:
        if old.get(name) != new.get(name):
            return f"its {name} was {old.get(name)}, now it is {new.get(name)}"
    return None


def flat(config: Config) -> dict[str, Any]:
    """The values of a configuration by name, each set of data in words."""
    plain = msgspec.json.decode(msgspec.json.encode(config))
    flat = {role: f"{d['name']} ({d['fingerprint'][:15]}…)" for role, d in plain["data"].items()}
    del plain["data"]
    for name, value in plain.items():
        nested = value if isinstance(value, dict) else {"": value}
        flat |= {f"{name} {key}".strip(): item for key, item in nested.items()}
    return flat


def read_plan(out: Path) -> Plan:
    """The plan of an output folder. Raises RequestError where it is missing or damaged."""
    path = out / "plan.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except (OSError, msgspec.MsgspecError) as error:
        words = f"cannot read {path}: {one_line(error)}; give the output folder of a training"
        raise RequestError(words) from error


class Run:
    """One run's folder. Records that others only read are read once, as properties.

    Reading raises RequestError where a file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name

    @property
    def begun(self) -> bool:
        return self._file(Config).is_file()

    @property
    def finished(self) -> bool:
        return self._file(Scores).is_file()

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
    def architecture(self) -> Architecture | None:
        return self.find(Architecture)

    @cached_property
    def alarm(self) -> TransferAlarm | None:
        return self.find(TransferAlarm)

    @property
    def events(self) -> Events:
        return self.find(Events) or Events()

    @property
    def openings(self) -> Openings:
        return self.find(Openings) or Openings()

    def resized(self, config: Config, scheduled: bool = False) -> bool:
        """Whether `config` asks for another number of steps of the run here, and nothing else new.

        scheduled: `Method.scheduled`. Raises RequestError where the folder holds another run or
        something else, or a run that cannot have so many steps.
        """
        if not self.begun:
            # A process that was killed at its start left hidden files.
            found = self.path.iterdir() if self.path.is_dir() else ()
            if self.path.is_file() or any(path.name[0] != "." for path in found):
                raise RequestError(f"{self.path} holds something else; name another --out")
            return False
        before = self.read(Config)
        was, steps = before.training.steps, config.training.steps
        same = structs.replace(before, training=structs.replace(before.training, steps=steps))
        if words := difference(same, config):
            raise RequestError(f"{self.path} holds another run: {words}; name another --out")
        if steps == was:
            return False
        why, saved = None, self._saved_step()
        if scheduled:
            why = f"what {config.method} does depends on the length of its training"
        elif steps <= (done := was if self.finished else saved):
            why = f"it has done {done:,}"
        elif self.finished and not saved:
            why = "its last state was not kept"
        if why:
            raise RequestError(
                f"{self.path} holds a training of {was:,} steps, which cannot have {steps:,}: "
                f"{why}; name another --out"
            )
        return True

    def _saved_step(self) -> int:
        """Steps done in the newest saved state; 0 where there is none."""
        from sparring.checkpoints import Checkpoints  # needs torch; who only reads does without

        return Checkpoints(self.path / "checkpoints").step

    def open(self, config: Config, scheduled: bool = False) -> None:
        """Make the folder of this run, or go on in it; a shorter run is no longer finished.

        Raises RequestError as `resized` does, and where the folder cannot be written.
        """
        resized = self.resized(config, scheduled)
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        if resized:
            for kind in (Scores, TransferAlarm):
                self._file(kind).unlink(missing_ok=True)
        if resized or not self.begun:
            self.write(config)

    def read(self, kind: type[R]) -> R:
        """The record of that kind."""
        path = self._file(kind)
        with _told(path):
            return msgspec.json.decode(path.read_bytes(), type=kind)

    def find(self, kind: type[R]) -> R | None:
        """The record of that kind; None where there is none."""
        return self.read(kind) if self._file(kind).is_file() else None

    def write(self, record: object) -> None:
        """Write a record into the file of its kind, whole or not at all."""
        write_json(self._file(Scores if isinstance(record, Scores) else type(record)), record)

    def rows(self) -> list[LogRow]:
        """The training log; none where there is none. A torn last line is left out."""
        path = self.path / "log.jsonl"
        if not path.is_file():
            return []
        with _told(path):
            whole = path.read_bytes().rpartition(b"\n")[0]
            return msgspec.json.Decoder(LogRow).decode_lines(whole)

    def write_arrays(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Write `name`.safetensors, whole or not at all."""
        contiguous = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
        write_atomically(self.path / f"{name}.safetensors", save(contiguous))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of `name`.safetensors; none where there is none."""
        path = self.path / f"{name}.safetensors"
        if not path.is_file():
            return {}
        with _told(path):
            return load(path.read_bytes())

    def tidy(self, keep_state: bool = False) -> None:
        """Remove what only an unfinished run needs. keep_state: it may be trained on."""
        for name in ("candidates",) if keep_state else ("candidates", "checkpoints", "snapshots"):
            shutil.rmtree(self.path / name, ignore_errors=True)

    def _file(self, kind: object) -> Path:
        return self.path / FILES[kind]


def publish(run: Run, out: Path) -> None:
    """Put the run's model into OUT/model, in place of one that is there."""
    fresh = out / ".model.tmp"
    with writing(out):
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(run.path / "model", fresh)
        shutil.rmtree(out / "model", ignore_errors=True)
        fresh.rename(out / "model")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, msgspec.MsgspecError, SafetensorError) as error:
        words = one_line(error)[:200]
        raise RequestError(f"cannot read {path}: {words}; remove the run folder") from error
