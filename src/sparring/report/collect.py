"""Reads an output folder: the plan, its runs, and what has become of those that are not finished.

Knows the plan; what is in a run's folder is read in `runs`. Knows no statistics, no figure and no
page. A run's name tells its method until its config.json is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sparring.report import checked, forms
from sparring.report.runs import Run, listed, read, read_run
from sparring.runs.folder import RunFolder

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

    @property
    def every_run(self) -> tuple[Run, ...]:
        """The finished runs, those of `tests` too."""
        return self.runs + (self.tests.every_run if self.tests else ())

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
        for run in self.every_run:
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
            for event in listed(f, "events", forms.EVENTS)
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


def _method(folder: RunFolder) -> str:
    """The method of a planned run; before it starts only its name tells, which begins with it."""
    if (folder.path / "config.json").is_file():
        return str(read(folder, "config", {"method": checked.text})["method"])
    return folder.name.partition("-")[0]


def _state(folder: RunFolder) -> str:
    if not (folder.path / "config.json").is_file():
        return "not run"
    events = listed(folder, "events", forms.EVENTS)
    if events and events[-1]["kind"] == "gave up":
        return f"{FAILED} at step {events[-1]['step']:,}: {events[-1]['what']}"
    return "not finished"
