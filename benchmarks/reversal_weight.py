"""Target accuracy of DANN against the constant reversal weight, on the two stand-in domains.

Prints one row a weight and direction. Run: python -m benchmarks.reversal_weight [STEPS] [SEEDS]
"""

import sys
import tempfile
from pathlib import Path

import torch

from sparring.methods import DANN
from sparring.metrics.statistics import summarise
from sparring.runs import ClassifierRun, Library
from sparring.runs.folder import Run
from sparring.runs.progress import Screen
from sparring.trainer import Training

DOMAINS = ("photo-digits", "street-digits")


def accuracy(library: Library, weight: float | None, source: str, target: str, seed: int) -> float:
    """Target test accuracy; `weight` None is source-only."""
    method = DANN() if weight is None else DANN(reversal_weight=weight)
    scenario = "source-only" if weight is None else "adapted"
    training = Training(int(sys.argv[1]) if len(sys.argv) > 1 else 300, 64)
    job = ClassifierRun(method, scenario, source, target, seed, training, per_class=20)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / job.name)
        job.run(library, run, torch.device("cpu"), Screen())
        return float(run.scores.accuracy)


def main() -> None:
    library = Library(None)
    seeds = range(int(sys.argv[2]) if len(sys.argv) > 2 else 2)
    for source, target in (DOMAINS, DOMAINS[::-1]):
        for weight in (None, 0.03, 0.1, 0.3, 1.0):
            runs = [accuracy(library, weight, source, target, seed) for seed in seeds]
            mean = summarise(runs).mean
            shown = " ".join(f"{run:.1%}" for run in runs)
            print(f"{source} -> {target}  weight {weight}: {mean:.1%} ({shown})", flush=True)


if __name__ == "__main__":
    main()
