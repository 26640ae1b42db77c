"""Reads one run's folder, as typed values.

Knows the files of a run folder; knows no plan, no statistics and no figure. What a run is stands in
its config.json.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sparring.errors import RequestError
from sparring.report import arrays, checked, forms
from sparring.runs.folder import RunFolder

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Log:
    """A run's log as columns of equal length L.

    step, images: int64 [L], images seen so far. losses, terms, gradients (norms by player) and
    measures: float64 [L] by name, NaN where a row lacks it.
    """

    step: Array
    images: Array
    losses: dict[str, Array]
    terms: dict[str, Array]
    gradients: dict[str, Array]
    measures: dict[str, Array]

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True)
class Run:
    """A finished run.

    scenario: "generation", "source-only", "adapted" or "target-only".
    sets: names of the data it used: (faces,) or (source, target).
    attributes: names of the labels of a generator; empty without labels.
    scores: the content of scores.json; accuracies are fractions, rows of a confusion matrix
        are true classes.
    """

    folder: RunFolder
    method: str
    scenario: str
    sets: tuple[str, ...]
    attributes: tuple[str, ...]
    seed: int
    preset: str
    settings: dict[str, Any]
    training: dict[str, Any]
    environment: dict[str, Any]
    scores: dict[str, Any]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def about(self) -> str:
        """What the method says of itself; empty for runs made before that was recorded."""
        return str(self.environment.get("about", ""))

    @property
    def machine(self) -> dict[str, Any]:
        """The environment without what depends on data and method."""
        return {k: v for k, v in self.environment.items() if k not in ("data", "about")}

    @cached_property
    def log(self) -> Log:
        """The training log. Raises RequestError where it is damaged."""
        rows = _rows(self.folder)

        def columns(part: str) -> dict[str, Array]:
            names = dict.fromkeys(name for row in rows for name in row.get(part, {}))
            if len(names) > checked.MAX_CURVES:
                raise RequestError(
                    f"{self.folder.path} has a log of {len(names)} curves: remove it"
                )
            return {
                name: np.array([row.get(part, {}).get(name, np.nan) for row in rows], float)
                for name in names
            }

        step = np.array([row["step"] for row in rows], np.int64)
        images = np.array([row["images"] for row in rows], np.int64)
        parts = (columns(part) for part in ("losses", "terms", "gradients", "measures"))
        return Log(step, images, *parts)

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """What happened while training: step, kind and plain words, in order; often nothing."""
        return listed(self.folder, "events", forms.EVENTS)

    @cached_property
    def architecture(self) -> list[dict[str, Any]]:
        """The networks, from architecture.json; none where the file is missing."""
        return listed(self.folder, "architecture", forms.ARCHITECTURE)

    @cached_property
    def openings(self) -> list[dict[str, Any]]:
        """Who opened labels of the target, from labels.json; none where that was not recorded."""
        return listed(self.folder, "labels", forms.LABELS)

    @cached_property
    def twin(self) -> dict[str, Any]:
        """What the negative-transfer alarm said, from twin.json; empty where it was not asked."""
        exists = (self.folder.path / "twin.json").is_file()
        return dict(read(self.folder, "twin", forms.TWIN)) if exists else {}

    def arrays(self, name: str) -> dict[str, Array]:
        """The arrays of `name`.npz (samples, features, outputs); none where it is missing.

        Raises RequestError where the file is damaged, or holds what cannot be drawn.
        """
        path = self.folder.path / f"{name}.npz"
        if not path.is_file():
            return {}
        check = arrays.CHECKS[name]
        with checked.told(path):
            found = arrays.read_arrays(path)
            return check(found) if found else {}


def read_run(folder: RunFolder) -> Run:
    """Read a finished run. Raises RequestError where a file is missing or damaged."""
    config = read(folder, "config", forms.CONFIG)
    generates = config["scenario"] == "generation"
    keys = ("faces",) if generates else ("source", "target")
    with checked.told(folder.path / "config.json"):
        checked.check(config, forms.GENERATION if generates else forms.ADAPTATION)
    form = forms.GENERATION_SCORES if generates else forms.ADAPTATION_SCORES
    scores = read(folder, "scores", form)
    with checked.told(folder.path / "scores.json"):
        forms.check_together(scores)
    return Run(
        folder=folder,
        method=config["method"],
        scenario=config["scenario"],
        sets=tuple(config[key] for key in keys),
        attributes=tuple(config.get("attributes", ())),
        seed=config["seed"],
        preset=config["preset"],
        settings=config["settings"],
        training=config["training"],
        environment=read(folder, "env", forms.ENVIRONMENT),
        scores=scores,
    )


def read(folder: RunFolder, name: str, form: checked.Form) -> Any:
    """The content of `name`.json in that form. Raises RequestError."""
    path = folder.path / f"{name}.json"
    with checked.told(path):
        return checked.parse(path.read_bytes(), form)


def listed(folder: RunFolder, name: str, form: checked.Form) -> list[dict[str, Any]]:
    """The content of `name`.json, a list; empty where there is no such file."""
    exists = (folder.path / f"{name}.json").is_file()
    return list(read(folder, name, form)) if exists else []


def _rows(folder: RunFolder) -> list[dict[str, Any]]:
    """The rows of the log, as `RunFolder.log` gives them, in their form. Raises RequestError."""
    path = folder.path / "log.jsonl"
    if not path.is_file():
        return []
    with checked.told(path):
        lines = path.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]  # the last may be torn
        if len(whole) > checked.MAX_ROWS:
            raise checked.Unfit(f"it has {len(whole)} rows")
        return [checked.parse(line, forms.LOG_ROW) for line in whole]
