"""Reads an output folder: the plan, and each run's folder, as typed values.

Knows the files of the plan and of a run folder; knows no statistics, no figure and no page.
What a run is stands in its config.json; its name tells the method until that is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sparring.errors import RequestError
from sparring.report import arrays, checked, forms
from sparring.run import RunFolder

Array = np.ndarray[Any, np.dtype[Any]]

TESTS = "claims"
"""The folder inside a reproduction's that `sparring claims` writes into."""
FAILED = "failed"
"""How the state of a run begins that was stopped for good."""


@dataclass(frozen=True)
class DataUse:
    """A data set that was asked for, and the one that was used.

    kind: "real", or "stand-in" for images that the program drew itself.
    why: one sentence on the choice.
    """

    asked: str
    used: str
    kind: Literal["real", "stand-in"]
    why: str = ""

    @property
    def badge(self) -> str:
        """What a reader must know wherever the set is named; empty for the set itself."""
        if self.kind == "stand-in":
            return f"stand-in for {self.asked}" if self.asked != self.used else "stand-in"
        return f"not {self.asked}" if self.asked != self.used else ""

    @property
    def label(self) -> str:
        """The name with its badge, for figures."""
        return f"{self.used} ({self.badge})" if self.badge else self.used


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
        return _listed(self.folder, "events", forms.EVENTS)

    @cached_property
    def architecture(self) -> list[dict[str, Any]]:
        """The networks, from architecture.json; none where the file is missing."""
        return _listed(self.folder, "architecture", forms.ARCHITECTURE)

    @cached_property
    def openings(self) -> list[dict[str, Any]]:
        """Who opened labels of the target, from labels.json; none where that was not recorded."""
        return _listed(self.folder, "labels", forms.LABELS)

    @cached_property
    def twin(self) -> dict[str, Any]:
        """What the negative-transfer alarm said, from twin.json; empty where it was not asked."""
        exists = (self.folder.path / "twin.json").is_file()
        return dict(_read(self.folder, "twin", forms.TWIN)) if exists else {}

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


@dataclass(frozen=True)
class Arm:
    """One way to train in an experiment.

    runs: those that finished, by rising seed. planned: how many were to be played.
    gave_up: how many diverged until they were stopped for good.
    """

    runs: tuple[Run, ...]
    planned: int
    gave_up: int = 0


Arms = Mapping[str, Arm]
"""The arms of one experiment, by name."""


@dataclass(frozen=True)
class Reproduction:
    """An output folder: what was planned, the finished runs, and the runs still to come.

    data: the sets chosen for the source report's roles; empty where the plan is no reproduction.
    planned: the method of each planned run, by the run's name.
    missing: name and state ("not run", "not finished" or "failed ...") of each planned run
        without scores.
    events: run's name, step, kind and words of all that happened in trainings, finished or not.
    experiments: those that the plan is there for, by claim; empty where it has another purpose.
    tests: the output folder of `sparring claims` inside this one, where there is one.
    """

    out: Path
    command: str
    budget: str
    seeds: tuple[int, ...]
    started: str
    data: tuple[DataUse, ...]
    planned: dict[str, str]
    runs: tuple[Run, ...]
    missing: tuple[tuple[str, str], ...]
    events: tuple[dict[str, Any], ...]
    experiments: Mapping[str, Arms] = field(default_factory=dict)
    tests: "Reproduction | None" = None

    @property
    def reproduces(self) -> bool:
        """Whether the plan repeats the source report, rather than trains a method on its own."""
        return bool(self.data)

    def waits(self, method: str) -> bool:
        """Whether a planned run of `method` has no scores yet."""
        return any(self.planned[name] == method for name, _ in self.missing)

    @property
    def sets(self) -> list[str]:
        """The sets that the plan or a finished run uses, each once."""
        planned = [use.used for use in self.data]
        return list(dict.fromkeys(planned + [name for run in self.runs for name in run.sets]))

    def use(self, name: str) -> DataUse:
        """How the set `name` came to be used."""
        for use in self.data:
            if use.used == name:
                return use
        facts = self.facts(name)
        return DataUse(asked=name, used=name, kind=facts.get("kind", "real"))

    def facts(self, name: str) -> dict[str, Any]:
        """Kind, sizes and fingerprint of the set `name` as the first run that used it saw it."""
        for run in self.runs:
            if name in run.environment.get("data", {}):
                return dict(run.environment["data"][name])
        return {}

    def asked(self, sets: tuple[str, ...]) -> tuple[str, ...]:
        """The names that were asked for in place of `sets`."""
        return tuple(self.use(name).asked for name in sets)

    def faithful(self, sets: tuple[str, ...]) -> bool:
        """Whether every one of `sets` is the set that was asked for, not one in its place."""
        return not any(self.use(name).badge for name in sets)


def read_plan(out: Path) -> dict[str, Any]:
    """The plan of the output folder `out`. Raises RequestError where it is missing or damaged."""
    path = out / "plan.json"
    with checked.told(path, "give the folder that `sparring reproduce` wrote"):
        return dict(checked.parse(path.read_bytes(), forms.PLAN))


def collect(out: Path) -> Reproduction:
    """Read the output folder `out`.

    Raises RequestError where it holds no plan.json, or where a file is damaged.
    """
    plan = read_plan(out)
    folders = {name: RunFolder(out / "runs" / name) for name in plan["runs"]}
    runs = {name: read_run(folder) for name, folder in folders.items() if folder.finished}
    states = {name: _state(folder) for name, folder in folders.items() if name not in runs}
    inside = out / TESTS
    return Reproduction(
        out=out,
        command=plan["command"],
        budget=plan["budget"],
        seeds=tuple(plan["seeds"]),
        started=plan["started"],
        data=tuple(
            DataUse(use["asked"], use["used"], use["kind"], use.get("why", ""))
            for use in plan["data"]
        ),
        planned={name: _method(folder) for name, folder in folders.items()},
        runs=tuple(runs.values()),
        missing=tuple(states.items()),
        events=tuple(
            {"run": f.name} | event
            for f in folders.values()
            for event in _listed(f, "events", forms.EVENTS)
        ),
        experiments={
            claim: {name: _arm(names, runs, states) for name, names in arms.items()}
            for claim, arms in plan.get("experiments", {}).items()
        },
        tests=collect(inside) if (inside / "plan.json").is_file() else None,
    )


def _arm(names: list[str], runs: Mapping[str, Run], states: Mapping[str, str]) -> Arm:
    finished = sorted((runs[name] for name in names if name in runs), key=lambda run: run.seed)
    gave_up = sum(states.get(name, "").startswith(FAILED) for name in names)
    return Arm(tuple(finished), len(names), gave_up)


def read_run(folder: RunFolder) -> Run:
    """Read a finished run. Raises RequestError where a file is missing or damaged."""
    config = _read(folder, "config", forms.CONFIG)
    generates = config["scenario"] == "generation"
    keys = ("faces",) if generates else ("source", "target")
    with checked.told(folder.path / "config.json"):
        checked.check(config, forms.GENERATION if generates else forms.ADAPTATION)
    form = forms.GENERATION_SCORES if generates else forms.ADAPTATION_SCORES
    scores = _read(folder, "scores", form)
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
        environment=_read(folder, "env", forms.ENVIRONMENT),
        scores=scores,
    )


def _read(folder: RunFolder, name: str, form: checked.Form) -> Any:
    """The content of `name`.json in that form. Raises RequestError."""
    path = folder.path / f"{name}.json"
    with checked.told(path):
        return checked.parse(path.read_bytes(), form)


def _listed(folder: RunFolder, name: str, form: checked.Form) -> list[dict[str, Any]]:
    """The content of `name`.json, a list; empty where there is no such file."""
    exists = (folder.path / f"{name}.json").is_file()
    return list(_read(folder, name, form)) if exists else []


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


def _method(folder: RunFolder) -> str:
    """The method of a planned run; before it starts only its name tells, which begins with it."""
    if (folder.path / "config.json").is_file():
        return str(_read(folder, "config", {"method": checked.text})["method"])
    return folder.name.partition("-")[0]


def _state(folder: RunFolder) -> str:
    if not (folder.path / "config.json").is_file():
        return "not run"
    events = _listed(folder, "events", forms.EVENTS)
    if events and events[-1]["kind"] == "gave up":
        return f"{FAILED} at step {events[-1]['step']:,}: {events[-1]['what']}"
    return "not finished"
