"""Reads an output folder: the plan, its runs, and what has become of those that are not finished.

Knows the plan and the run folders; knows no figure and no page. A run that cannot be read is told
and left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from sparring.errors import RequestError
from sparring.runs.common import method_of
from sparring.runs.folder import Run
from sparring.runs.records import Data, Plan, Use
from sparring.runs.schedule import read_plan

TESTS = "claims"
"""The folder of an output folder in which the experiments that belong to it have their own."""
FAILED, DAMAGED = "failed", "damaged"
"""How the state of a run begins that was stopped for good, or that cannot be read."""


@dataclass(frozen=True)
class Arm:
    """One way to train in an experiment.

    runs: those that finished, by rising seed. gave_up: how many diverged until they were stopped
    for good.
    """

    runs: tuple[Run, ...]
    gave_up: int = 0


Arms = Mapping[str, Arm]
"""The arms of one experiment, by name."""


def badge(use: Use) -> str:
    """What a reader must know wherever the set is named; empty where it is the set asked for."""
    if use.kind == "stand-in":
        return f"stand-in for {use.asked}" if use.asked != use.used else "stand-in"
    return f"not {use.asked}" if use.asked != use.used else ""


@dataclass(frozen=True)
class Report:
    """An output folder: what was planned, the finished runs, and the runs still to come.

    missing: state of each planned run that is not finished, or not readable, by its name.
    methods: of the planned runs, each once, in the plan's order.
    events: run's name, step, kind and words of all that happened in trainings, finished or not.
    experiments: those that the plan is there for, by claim; empty where it has another purpose.
    tests: the report on the folder `TESTS` inside this one, where there is one.
    """

    out: Path
    plan: Plan
    runs: tuple[Run, ...]
    missing: Mapping[str, str]
    methods: tuple[str, ...]
    events: tuple[dict[str, Any], ...]
    experiments: Mapping[str, Arms] = field(default_factory=dict)
    tests: "Report | None" = None

    @property
    def every_run(self) -> tuple[Run, ...]:
        """The finished runs, those of `tests` too."""
        return self.runs + (self.tests.every_run if self.tests else ())

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the finished runs, rising."""
        return tuple(sorted({run.config.seed for run in self.runs}))

    @property
    def sets(self) -> list[str]:
        """The sets that the plan or a finished run uses, each once."""
        planned = [use.used for use in self.plan.uses]
        return list(dict.fromkeys(planned + [name for r in self.runs for name in r.config.sets]))

    def use(self, name: str) -> Use:
        """How the set `name` came to be used."""
        facts = self.facts(name)
        plain = Use(asked=name, used=name, kind=facts.kind if facts else "real", why="")
        return next((use for use in self.plan.uses if use.used == name), plain)

    def facts(self, name: str) -> Data | None:
        """The set `name` as the first run that used it saw it; None before any has."""
        data = (data for run in self.every_run for data in run.config.data.values())
        return next((one for one in data if one.name == name), None)

    def label(self, name: str) -> str:
        """The name of a set with its badge, for figures."""
        found = badge(self.use(name))
        return f"{name} ({found})" if found else name

    def asked(self, sets: tuple[str, ...]) -> tuple[str, ...]:
        """The names that were asked for in place of `sets`."""
        return tuple(self.use(name).asked for name in sets)

    def faithful(self, sets: tuple[str, ...]) -> bool:
        """Whether every one of `sets` is the set that was asked for, not one in its place."""
        return not any(badge(self.use(name)) for name in sets)


def collect(out: Path) -> Report:
    """Read the output folder `out`. Raises RequestError where it holds no plan.json."""
    plan = read_plan(out)
    runs = [Run(out / "runs" / name) for name in plan.runs]
    states = {run.name: _state(run) for run in runs}
    done = {run.name: run for run in runs if not states[run.name]}
    missing = {name: state for name, state in states.items() if state}
    return Report(
        out=out,
        plan=plan,
        runs=tuple(done.values()),
        missing=missing,
        # A run that has not begun has no config: its name begins with its method.
        methods=tuple(dict.fromkeys(map(method_of, plan.runs))),
        events=tuple(
            {"run": run.name} | msgspec.to_builtins(event)
            for run in runs
            if not states[run.name].startswith(DAMAGED)
            for event in run.events.events
        ),
        experiments={
            claim: {arm: _arm(names, done, missing) for arm, names in arms.items()}
            for claim, arms in plan.experiments.items()
        },
        tests=collect(out / TESTS) if (out / TESTS / "plan.json").is_file() else None,
    )


def _state(run: Run) -> str:
    """What became of a planned run; empty where it is finished and all its records are read."""
    try:
        if not run.begun:
            return "not run"
        _ = (run.config, run.events)
        if run.finished:
            _ = (run.scores, run.environment, run.openings, run.alarm, run.architecture, run.rows())
            return ""
    except RequestError as error:
        return f"{DAMAGED} ({error})"
    last = run.events.events[-1] if run.events.events else None
    if last and last.kind == "gave up":
        return f"{FAILED} at step {last.step:,}: {last.what}"
    return "not finished"


def _arm(names: list[str], done: Mapping[str, Run], missing: Mapping[str, str]) -> Arm:
    runs = sorted((done[n] for n in names if n in done), key=lambda run: run.config.seed)
    gave_up = sum(missing.get(name, "").startswith(FAILED) for name in names)
    return Arm(tuple(runs), gave_up)
