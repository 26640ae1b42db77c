"""Which state of a training label-free validators would choose; it is shown beside the last one.

Candidates are kept at a few moments of the training; afterwards each is scored by the validators,
and their consensus chooses. What the choice was worth is asked when it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from sparring.checkpoints import weights_of
from sparring.data.images import Images
from sparring.divergence import LogIntervals
from sparring.game import AdaptationMethod
from sparring.metrics.outputs import predict, predict_labelled
from sparring.metrics.statistics import rank_correlation
from sparring.metrics.validators import DomainOutputs, consensus, score
from sparring.runs.folder import RunFolder
from sparring.runs.records import Candidate, Selection
from sparring.storage import write_atomically

COUNT, APART = 5, 4
"""Candidates of a training at most, and steps between two of more than two."""
SEEN = 1000
"""Images of each domain, at most, that the validators look at."""


class Candidates:
    """Weights of one training at up to COUNT moments, evenly spaced, the last of them its end."""

    def __init__(self, method: AdaptationMethod, folder: RunFolder, steps: int) -> None:
        self.method, self.folder = method, folder.path / "candidates"
        every = LogIntervals.of(steps).log
        count = min(COUNT, max(2, steps // APART))
        moments = {round(m / every) * every for m in np.linspace(0, steps, count + 1)[1:-1]}
        self.moments = (moments | {steps}) - {0}

    @property
    def steps(self) -> list[int]:
        """The moments that were kept; a training that was prolonged has none of its beginning."""
        return sorted(int(path.stem) for path in self.folder.glob("*.safetensors"))

    def _path(self, step: int) -> Path:
        return self.folder / f"{step:09d}.safetensors"

    def observe(self, step: int) -> dict[str, float]:
        """Keep the weights, as they are evaluated, at the moments; the trainer's `observe`."""
        if step in self.moments:
            self.folder.mkdir(exist_ok=True)
            weights = {k: v.contiguous().cpu() for k, v in weights_of(self.method).items()}
            write_atomically(self._path(step), save(weights))
        return {}

    def weights(self, step: int) -> dict[str, Tensor]:
        """The weights at `step`."""
        return load_file(self._path(step))


@dataclass(frozen=True)
class Choice:
    """What the validators said of each candidate, and the place of the one that they chose.

    scores: by validator, one number a candidate, in the order of `steps`.
    """

    steps: list[int]
    scores: dict[str, list[float]]
    chosen: int

    def record(self, accuracies: Sequence[float] | None) -> Selection:
        """For the run's scores. accuracies: of each candidate on the target's test images."""
        candidates = (
            Candidate(
                step=step,
                validators={name: column[place] for name, column in self.scores.items()},
                accuracy=accuracies[place] if accuracies else None,
            )
            for place, step in enumerate(self.steps)
        )
        correlations = {
            name: rank_correlation(column, accuracies) if accuracies else None
            for name, column in self.scores.items()
        }
        return Selection(
            rule="consensus",
            candidates=tuple(candidates),
            chosen=self.chosen,
            rank_correlation=correlations,
        )


def some(images: Images, seed: int) -> Images:
    """At most SEEN random images; the same for every run with this seed."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return images.take(order[:SEEN].sort().values)


def choose(
    candidates: Candidates,
    copy: AdaptationMethod,
    held_out: Images,
    unlabelled: Images,
    device: torch.device,
) -> Choice:
    """Choose by `validators.consensus`.

    copy: built like the method of the candidates; is given weights of one after another.
    held_out: source images that were not trained on, with labels. unlabelled: target images.
    """
    columns: dict[str, list[float]] = {}
    for step in candidates.steps:
        copy.load_state_dict(candidates.weights(step))
        source = predict_labelled(copy, held_out, device)
        seen = DomainOutputs(source, predict(copy, unlabelled, device))
        for name, value in score(seen).items():
            columns.setdefault(name, []).append(value)
    return Choice(candidates.steps, columns, consensus(columns))


def accuracies(
    candidates: Candidates,
    copy: AdaptationMethod,
    test: Images,
    device: torch.device,
    last: float | None,
) -> list[float] | None:
    """Each candidate's accuracy on `test`, in order of their steps; for when one is chosen.

    last: that of the last one, which is known; None where `test` has no labels.
    """
    if last is None:
        return None
    found = []
    for step in candidates.steps[:-1]:
        copy.load_state_dict(candidates.weights(step))
        found.append(predict_labelled(copy, test, device).accuracy)
    return [*found, last]
