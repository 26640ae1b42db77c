"""How hard the digit stand-ins are: the report's classifier, trained on one, tested on both.

Claim: on its own set it scores about 90 % or more, on the other between 30 % and 85 %, in both
directions, so that adaptation has something to win. Prints one row a direction and seed.

Net: ResNet18 with the 7x7 stem, the quick budget.
Run: python -m benchmarks.standin_difficulty [SEEDS]
"""

import sys
import tempfile
from pathlib import Path

import torch

from sparring.methods import DANN
from sparring.report2019.plan import BUDGETS
from sparring.runs import ClassifierRun, Library
from sparring.runs.folder import Run
from sparring.runs.progress import Screen
from sparring.trainer import Training

DOMAINS = ("photo-digits", "street-digits")


def main() -> None:
    library, quick = Library(None), BUDGETS["quick"]
    for source, target in (DOMAINS, DOMAINS[::-1]):
        for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 2):
            training = Training(quick.adaptation_steps, quick.batch_size)
            job = ClassifierRun(DANN(), "source-only", source, target, seed, training)
            with tempfile.TemporaryDirectory() as place:
                run = Run(Path(place) / job.name)
                job.run(library, run, torch.device("cpu"), Screen())
                own, other = run.scores.source_accuracy, run.scores.accuracy
            print(f"{source} (seed {seed}): own test {own:.1%}, {target} {other:.1%}", flush=True)


if __name__ == "__main__":
    main()
