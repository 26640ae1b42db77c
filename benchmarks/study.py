"""Plays a study of docs/results.md (benchmarks/studies.py): each of its runs with several seeds.

Goes on where it was stopped; OUT/NAME.json gets the numbers of the runs that are finished.
Run: python -m benchmarks.study NAME DATA OUT [--seeds 5] [--device cuda --jobs 8]
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import tyro
from benchmarks.made_sets import MadeSets
from benchmarks.studies import STUDIES, measured, shown
from msgspec import json, structs

from sparring.runs import Job
from sparring.runs.folder import Run
from sparring.runs.negative_transfer import compare_twins
from sparring.runs.processes import play
from sparring.runs.progress import Screen
from sparring.runtime import Machine
from sparring.storage import write_json


def rows(runs: Iterable[Run]) -> Iterator[dict[str, Any]]:
    """What was asked of runs that differ in the seed alone, and by rising seed their numbers."""
    groups: dict[bytes, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.config.seed):
        groups.setdefault(json.encode(shown(run), order="sorted"), []).append(run)
    for same in groups.values():
        found = [measured(run) for run in same]
        numbers = {name: [one[name] for one in found] for name in found[0]}
        yield shown(same[0]) | {"seeds": [run.config.seed for run in same]} | numbers


def finished(folder: Path, asked: Iterable[Job]) -> list[Run]:
    """Those of the runs asked for in `folder` that are finished."""
    return [run for job in asked if (run := Run(folder / job.name)).finished]


def write(name: str, out: Path, asked: Sequence[Job]) -> None:
    """OUT/NAME.json, from what is finished of the study's runs."""
    classifiers = (
        run for run in finished(out / name, asked) if run.config.scenario != "generation"
    )
    compare_twins(classifiers, print)
    if runs := finished(out / name, asked):  # read anew: they know their alarms by now
        seeds = 1 + max(job.seed for job in asked)
        command = f"python -m benchmarks.study {name} DATA OUT --seeds {seeds}"
        about = {"command": command, "environment": structs.asdict(runs[0].environment)}
        write_json(out / f"{name}.json", about | {"rows": list(rows(runs))})


def main(
    name: tyro.conf.Positional[str],
    data: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    seeds: int = 3,
    device: str = "cpu",
    jobs: int = 1,
) -> None:
    """Play the study `name` on the sets under `data`, on so many processes of one thread."""
    machine, library = Machine.of(device, jobs, threads=1), MadeSets(data)
    machine.set_up()
    asked = [job for seed in range(seeds) for job in STUDIES[name].jobs(seed)]
    there = {run.path.name for run in finished(out / name, asked)}
    missing = [job for job in asked if job.name not in there]
    for ended in play(missing, library, out / name, Screen(), machine):
        print(f"{ended.job.name}: {ended.failure or f'{ended.seconds:.0f} s'}", flush=True)
        write(name, out, asked)
    write(name, out, asked)


if __name__ == "__main__":
    tyro.cli(main)
