"""The studies of docs/results.md: the modern adaptation over pairs, its parts, other class shares.

Each plays its runs one after the other, goes on where it was stopped, and writes the numbers of
those that are finished. No setting differs between two pairs of a study.
Run: python -m benchmarks.study NAME DATA OUT [SEEDS]
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.made_sets import make
from benchmarks.skewed import SHARES
from msgspec import structs

from sparring.game import AdaptationMethod
from sparring.methods import DANN, DSN, MeanTeacher
from sparring.report.groups import classifier_scores
from sparring.runs import ClassifierRun, Library
from sparring.runs.folder import Run
from sparring.runs.negative_transfer import compare_twins
from sparring.runs.processes import play
from sparring.runs.progress import Screen
from sparring.runs.records import Scenario
from sparring.runtime import Machine
from sparring.storage import write_json
from sparring.trainer import Training

Arms = Mapping[str, Callable[[], AdaptationMethod]]
BATCH, PER_CLASS, SIZE = 64, 100, 32
TUNED = ("mnist-m", "meter-digits")
"""The pair on which the recipe was chosen."""


@dataclass(frozen=True)
class Study:
    """What is trained: every arm on every pair.

    twins: how many of the first seeds have a twin that learns from the source only, with the same
        network and augmentation.
    """

    steps: int
    pairs: tuple[tuple[str, str], ...]
    arms: Arms
    twins: int = 3

    def jobs(self, seed: int) -> Iterator[ClassifierRun]:
        training = Training(self.steps, BATCH)
        scenarios: tuple[Scenario, ...] = ("source-only", "adapted")[seed >= self.twins :]
        for source, target in self.pairs:
            for arm, method in self.arms.items():
                for scenario in scenarios:
                    yield ClassifierRun(
                        method(), scenario, source, target, seed, training, PER_CLASS, arm=arm
                    )


PLAIN: Arms = {"modern": MeanTeacher}
OTHER_SHARES = tuple(f"{TUNED[1]}-{shares}" for shares in SHARES)
STUDIES = {
    "pairs": Study(3000, (TUNED, TUNED[::-1]), PLAIN),
    "others": Study(
        3000,
        (
            ("mnist", "mnist-m"),
            ("photo-digits", "street-digits"),
            ("street-digits", "photo-digits"),
        ),
        PLAIN,
    ),
    "aside": Study(
        3000,
        (("mnist", "uci-digits"), ("uci-digits", "mnist"), ("women", "men"), ("men", "women")),
        PLAIN,
    ),
    "parts": Study(
        1500,
        (TUNED,),
        {
            "modern": MeanTeacher,
            "weak views": lambda: MeanTeacher(strong_views=False),
            "shares of the source": lambda: MeanTeacher(shares="source"),
            "shares free": lambda: MeanTeacher(shares="free"),
            "no threshold": lambda: MeanTeacher(threshold=0.0),
            "no source stage": lambda: MeanTeacher(source_stage=0.0),
            "DANN, fast": lambda: DANN(encoder="fast"),
            "DANN, fast, strong": lambda: DANN(encoder="fast", strong_views=True),
            "DSN, fast, strong": lambda: DSN(encoder="fast", strong_views=True),
        },
        twins=0,
    ),
    "shares": Study(
        1500,
        tuple((TUNED[0], name) for name in OTHER_SHARES),
        {
            "modern": MeanTeacher,
            "shares of the source": lambda: MeanTeacher(shares="source"),
            "shares free": lambda: MeanTeacher(shares="free"),
        },
        twins=0,
    ),
    "long": Study(4500, (TUNED, TUNED[::-1]), PLAIN),
}


def rows(folders: Iterable[Run]) -> Iterator[dict[str, Any]]:
    """Of each pair, arm and scenario the numbers of its runs, by rising seed."""
    groups: dict[tuple[str, ...], list[Run]] = {}
    for run in sorted(folders, key=lambda run: run.config.seed):
        key = (*run.config.sets, run.config.arm, str(run.config.scenario))
        groups.setdefault(key, []).append(run)
    for (source, target, arm, scenario), runs in groups.items():
        scores = [classifier_scores(run) for run in runs]
        yield {
            "source": source,
            "target": target,
            "arm": arm,
            "scenario": scenario,
            "method": runs[0].config.method,
            "settings": runs[0].config.settings,
            "steps": runs[0].config.training.steps,
            "seeds": [run.config.seed for run in runs],
            "accuracy": [found.accuracy for found in scores],
            "estimated": [found.expected for found in scores],
            "rings": [run.alarm.rings for run in runs if run.alarm],
            "seconds": [round(found.seconds) for found in scores],
            "labels_read": sorted({one.reader for run in runs for one in run.openings.openings}),
        }


def main() -> None:
    name, data, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    study, seeds = STUDIES[name], int(sys.argv[4]) if sys.argv[4:] else 3
    machine, library = Machine.of("cpu", jobs=1, threads=1), Library(data)
    machine.set_up()
    folders = []
    for job in (job for seed in range(seeds) for job in study.jobs(seed)):
        for asked in job.asked:
            if made := make(asked, library, SIZE):
                library.put(asked, made)
        folders.append(run := Run(out / name / job.name))
        if not run.finished:
            for ended in play([job], library, out / name, Screen(), machine):
                print(f"{job.name}: {ended.failure or f'{ended.seconds:.0f} s'}", flush=True)
        compare_twins([run for run in folders if run.finished], print)
        found = list(rows(run for run in folders if run.finished))
        about = {"command": f"python -m benchmarks.study {name} DATA OUT {seeds}"}
        about["environment"] = structs.asdict(folders[0].environment)
        write_json(out / f"{name}.json", about | {"rows": found})


if __name__ == "__main__":
    main()
