"""How often is the negative-transfer alarm right? Twins, source-only and adapted, on any domains.

DANN and DSN both ways between two domains, at the small budget of the claims. Goes on where it was
stopped; judges every pair anew, so a changed rule is measured on the runs that are there.
Run: python -m benchmarks.negative_transfer OUT DATA SOURCE TARGET FIRST_SEED SEEDS
"""

import sys
from pathlib import Path

from sparring.methods import DANN, DSN
from sparring.metrics.statistics import detector
from sparring.report2019.claims.experiments import SCALES
from sparring.runs import ClassifierRun, Library
from sparring.runs.folder import Run
from sparring.runs.negative_transfer import compare_twins
from sparring.runs.processes import play
from sparring.runs.progress import Screen
from sparring.runtime import Machine
from sparring.trainer import Training

SCALE = SCALES["small"]


def jobs(domains: tuple[str, str], seeds: range) -> list[ClassifierRun]:
    """Both methods, both ways, source-only and adapted, seed by seed."""
    training = Training(SCALE.adaptation_steps, SCALE.batch_size, "bfloat16")
    return [
        ClassifierRun(method, scenario, source, target, seed, training, SCALE.per_class)
        for seed in seeds
        for method in (DANN(), DSN())
        for source, target in (domains, domains[::-1])
        for scenario in ("source-only", "adapted")
    ]


def main() -> None:
    runs, data = Path(sys.argv[1]) / "runs", Path(sys.argv[2])
    first, count = map(int, sys.argv[5:7])
    planned = jobs((sys.argv[3], sys.argv[4]), range(first, first + count))
    waiting = [job for job in planned if not Run(runs / job.name).finished]
    for run in play(waiting, Library(data), runs, Screen(), Machine.of()):
        print(f"{run.job.name}: {run.failure or f'{run.seconds:.0f} s'}", file=sys.stderr)
    found = [Run(path) for path in sorted(runs.iterdir())]
    for run in found:
        (run.path / "twin.json").unlink(missing_ok=True)
    compare_twins(found, print)
    rings, worse = [], []
    for run in found:
        if run.alarm is None:
            continue
        change = run.scores.accuracy - Run(runs / run.alarm.twin).scores.accuracy
        rings.append(run.alarm.rings)
        worse.append(change < 0)
        print(f"{run.name}: {100 * change:+.1f} points. {run.alarm.words}")
    print(detector(rings, worse))


if __name__ == "__main__":
    main()
