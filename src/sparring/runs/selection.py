"""Which state of a training to keep, decided without target labels.

Candidates are kept at a few moments of the training; afterwards each is scored by the label-free
validators, and their consensus chooses. What the choice was worth is asked when it stands.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.checkpoints import read_sealed, write_sealed
from sparring.data.images import Images
from sparring.divergence import Rhythm
from sparring.errors import RequestError
from sparring.game import AdaptationMethod
from sparring.metrics.predict import predict, predict_labelled
from sparring.metrics.statistics import rank_correlation
from sparring.metrics.validators import View, consensus, score
from sparring.runs.folder import RunFolder

COUNT = 5
"""Candidates of a training."""
SEEN = 1000
"""Images of each domain, at most, that the validators look at."""
MEMORY = 0.5
"""What the running mean of the candidates' weights keeps of itself at each of them."""


class Candidates:
    """The weights of one training at COUNT moments, evenly spaced, the last of them its end."""

    def __init__(self, method: AdaptationMethod, folder: RunFolder, steps: int) -> None:
        self.method, self.folder = method, folder.path / "candidates"
        every = Rhythm.of(steps).log
        moments = {round(m / every) * every for m in np.linspace(0, steps, COUNT + 1)[1:-1]}
        self.steps = sorted((moments | {steps}) - {0})

    def _path(self, step: int) -> Path:
        return self.folder / f"{step:09d}.sealed"

    def observe(self, step: int) -> dict[str, float]:
        """Keep the weights if `step` is one of the moments; the trainer's `observe`."""
        if step in self.steps:
            self.folder.mkdir(exist_ok=True)
            write_sealed(self._path(step), self.method.state_dict())
        return {}

    def weights(self, step: int) -> dict[str, Tensor]:
        """The weights at `step`. Raises RequestError where the file is damaged."""
        try:
            return read_sealed(self._path(step))[0]
        except (OSError, ValueError) as error:
            raise RequestError(
                f"cannot read {self._path(step)}: {error}; remove the run folder"
            ) from error

    def load(self, step: int) -> None:
        """Give the method its weights of `step`."""
        self.method.load_state_dict(self.weights(step))


@dataclass(frozen=True)
class Choice:
    """What the validators said of each candidate, and the one that was chosen.

    scores: by validator, one number a candidate, in the order of `steps`.
    """

    step: int
    steps: list[int]
    scores: dict[str, list[float]]

    def as_dict(self, accuracies: list[float]) -> dict[str, Any]:
        """For scores.json, beside the candidates' true accuracies on the target's test images."""
        truth = dict(zip(self.steps, accuracies, strict=True))
        return {
            "rule": "consensus",
            "steps": self.steps,
            "accuracies": accuracies,
            "chosen": {"step": self.step, "accuracy": truth[self.step]},
            "last": {"step": self.steps[-1], "accuracy": accuracies[-1]},
            "oracle": {"accuracy": max(accuracies)},
            "validators": {
                name: {"scores": values, "rank_correlation": rank_correlation(values, accuracies)}
                for name, values in self.scores.items()
            },
        }


def some(images: Images, seed: int) -> Images:
    """At most SEEN random images; the same for every run with this seed."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return images.take(order[:SEEN].sort().values)


def choose(
    candidates: Candidates, held_out: Images, unlabelled: Images, device: torch.device
) -> Choice:
    """Choose by `validators.consensus`, and leave the method with the weights chosen.

    held_out: source images that were not trained on, with labels. unlabelled: target images.
    """
    columns: dict[str, list[float]] = {}
    mean: dict[str, Tensor] = {}
    for step in candidates.steps:
        weights = candidates.weights(step)
        mean = {k: _blend(mean.get(k), v) for k, v in weights.items()}
        candidates.method.load_state_dict(mean)
        averaged = predict(candidates.method, unlabelled, device).logits
        candidates.method.load_state_dict(weights)
        source = predict_labelled(candidates.method, held_out, device)
        view = View(source, predict(candidates.method, unlabelled, device), averaged)
        for name, value in score(view).items():
            columns.setdefault(name, []).append(value)
    chosen = candidates.steps[consensus(columns)]
    candidates.load(chosen)
    return Choice(chosen, candidates.steps, columns)


def _blend(mean: Tensor | None, value: Tensor) -> Tensor:
    if mean is None or not value.is_floating_point():
        return value
    return mean.lerp(value, 1 - MEMORY)
