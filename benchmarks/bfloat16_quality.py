"""Does bfloat16 cost quality? The same seeds in both arithmetics, paired.

DCGAN (narrow, 32-pixel faces; Fréchet distance) and DANN (target test accuracy). Goes on where it
was stopped. Run: python -m benchmarks.bfloat16_quality OUT [DATA] [SEEDS]
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from sparring.methods import DANN, DCGAN
from sparring.metrics.statistics import paired_difference, summarise
from sparring.report2019.claims.experiments import SCALES
from sparring.report2019.plan import find_data
from sparring.runs import ClassifierRun, GeneratorRun, Job, Library
from sparring.runs.folder import Run
from sparring.runs.processes import play
from sparring.runs.progress import Screen
from sparring.runs.records import Use
from sparring.runtime import Machine, Precision
from sparring.trainer import Training

SCALE = SCALES["small"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


def jobs(found: Mapping[str, Use], precision: Precision, seeds: int) -> list[Job]:
    """One DCGAN and one DANN a seed."""
    drawing = Training(SCALE.generation_steps, SCALE.batch_size, precision)
    adapting = Training(SCALE.adaptation_steps, SCALE.batch_size, precision)
    faces, source, target = (found[name].used for name in ("celeba", "mnist-m", "svhn"))
    judging = SCALE.judge_steps, SCALE.judged
    method, size = DCGAN(width=SCALE.width), SCALE.size
    planned: list[Job] = []
    for seed in range(seeds):
        planned += [
            GeneratorRun(method, faces, "", seed, drawing, *judging, size=size, arm=precision),
            ClassifierRun(
                DANN(), "adapted", source, target, seed, adapting, SCALE.per_class, precision
            ),
        ]
    return planned


def score(job: Job, runs: Path) -> float:
    scores = Run(runs / job.name).scores
    found = scores.accuracy if isinstance(job, ClassifierRun) else scores.metrics["frechet"]
    return float(found)


def main() -> None:
    runs = Path(sys.argv[1])
    data = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    seeds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    found = find_data(data)
    planned = {precision: jobs(found, precision, seeds) for precision in PRECISIONS}
    waiting = [j for some in planned.values() for j in some if not Run(runs / j.name).finished]
    for run in play(waiting, Library(data), runs, Screen(), Machine.of()):
        print(f"{run.job.name}: {run.failure or f'{run.seconds:.0f} s'}", file=sys.stderr)
    for kind, what in (
        (GeneratorRun, "DCGAN, Fréchet distance"),
        (ClassifierRun, "DANN, accuracy"),
    ):
        scores = {
            precision: {j.seed: score(j, runs) for j in some if isinstance(j, kind)}
            for precision, some in planned.items()
        }
        for precision, values in scores.items():
            over = summarise(values.values())
            print(f"{what}, {precision}: {over.mean:.4g} ± {over.sd or 0:.3g} (n = {over.n})")
        gap = paired_difference(scores["bfloat16"], scores["float32"])
        between = "none" if gap.interval is None else "{:+.3g} to {:+.3g}".format(*gap.interval)
        print(f"bfloat16 less float32: {gap.summary.mean:+.4g} ({between}), sign {gap.sign}")


if __name__ == "__main__":
    main()
