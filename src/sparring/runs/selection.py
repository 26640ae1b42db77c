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

from sparring.data.images import Images
from sparring.divergence import LogIntervals
from sparring.game import AdaptationMethod
from sparring.metrics.predict import predict, predict_labelled
from sparring.metrics.statistics import rank_correlation
from sparring.metrics.validators import MEMBERS, DomainOutputs, consensus, score
from sparring.runs.folder import RunFolder
from sparring.runs.records import Candidate, Selection
from sparring.storage import write_atomically

COUNT = 5
"""Candidates of a training."""
SEEN = 1000
"""Images of each domain, at most, that the validators look at."""
MEMORY = 0.5
"""What the running mean of the candidates' weights keeps of itself at each of them."""


class Candidates:
    """Weights of one training at up to COUNT moments, evenly spaced, the last of them its end."""

    def __init__(self, method: AdaptationMethod, folder: RunFolder, steps: int) -> None:
        self.method, self.folder = method, folder.path / "candidates"
        every = LogIntervals.of(steps).log
        moments = {round(m / every) * every for m in np.linspace(0, steps, COUNT + 1)[1:-1]}
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
            state = self.method.state_dict()
            weights = {name: value.contiguous().cpu() for name, value in state.items()}
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
) -> Choice | None:
    """Choose by `validators.consensus`; None where there are too few images to judge by.

    copy: built like the method of the candidates; is given weights of one after another.
    held_out: source images that were not trained on, with labels. unlabelled: target images.
    """
    columns: dict[str, list[float]] = {}
    mean: dict[str, Tensor] = {}
    for step in candidates.steps:
        weights = candidates.weights(step)
        mean = {k: _blend(mean.get(k), v) for k, v in weights.items()}
        copy.load_state_dict(mean)
        averaged = predict(copy, unlabelled, device).logits
        copy.load_state_dict(weights)
        source = predict_labelled(copy, held_out, device)
        seen = DomainOutputs(source, predict(copy, unlabelled, device), averaged)
        for name, value in score(seen).items():
            columns.setdefault(name, []).append(value)
    if not set(MEMBERS) <= columns.keys():
        return None
    return Choice(candidates.steps, columns, consensus(columns))


def accuracies(
    candidates: Candidates, copy: AdaptationMethod, test: Images, device: torch.device
) -> list[float]:
    """Each candidate's accuracy on `test`, in order of their steps; for when one is chosen."""
    found = []
    for step in candidates.steps:
        copy.load_state_dict(candidates.weights(step))
        found.append(predict_labelled(copy, test, device).accuracy)
    return found


def _blend(mean: Tensor | None, value: Tensor) -> Tensor:
    if mean is None or not value.is_floating_point():
        return value
    return mean.lerp(value, 1 - MEMORY)
