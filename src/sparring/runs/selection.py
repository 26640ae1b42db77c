"""Which state of a training label-free validators would choose; it is shown beside the last one.

Candidates are kept at a few moments of the training; afterwards each is scored by the validators,
and their consensus chooses. What the choice was worth is asked when it stands.
"""

from collections.abc import Sequence

import numpy as np
import torch
from msgspec import structs
from safetensors.torch import load_file, save
from torch import Tensor

from sparring.checkpoints import weights_of
from sparring.data.images import Images
from sparring.divergence import LogIntervals
from sparring.game import AdaptationMethod
from sparring.metrics.outputs import predict, predict_labelled
from sparring.metrics.statistics import rank_correlation
from sparring.metrics.validators import DomainOutputs, consensus, score
from sparring.runs.folder import Run
from sparring.runs.scores import Candidate, Selection
from sparring.storage import write_atomically

COUNT, APART = 5, 4
"""Candidates of a training at most, and steps between two of more than two."""
SEEN = 1000
"""Images of each domain, at most, that the validators look at."""


class Candidates:
    """Weights of one training at up to COUNT moments, evenly spaced, the last of them its end."""

    def __init__(self, method: AdaptationMethod, run: Run, steps: int) -> None:
        self.method, self.folder = method, run.path / "candidates"
        every = LogIntervals.of(steps).log
        count = min(COUNT, max(2, steps // APART))
        moments = {round(m / every) * every for m in np.linspace(0, steps, count + 1)[1:-1]}
        self.moments = (moments | {steps}) - {0}

    @property
    def steps(self) -> list[int]:
        """The moments that were kept; a training that was prolonged has none of its beginning."""
        return sorted(int(path.stem) for path in self.folder.glob("*.safetensors"))

    def observe(self, step: int) -> dict[str, float]:
        """Keep the weights, as they are evaluated, at the moments; the trainer's `observe`."""
        if step in self.moments:
            self.folder.mkdir(exist_ok=True)
            weights = {k: v.contiguous().cpu() for k, v in weights_of(self.method).items()}
            write_atomically(self.folder / f"{step:09d}.safetensors", save(weights))
        return {}

    def load(self, copy: AdaptationMethod, step: int) -> AdaptationMethod:
        """`copy`, which is built like the method, with the weights at `step`."""
        copy.load_state_dict(load_file(self.folder / f"{step:09d}.safetensors"))
        return copy


def sample(count: int, most: int = SEEN) -> Tensor:
    """Rising places of at most `most` of `count` images, the same for every run: int64."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    return order[:most].sort().values


def choose(
    candidates: Candidates,
    copy: AdaptationMethod,
    held_out: Images,
    unlabelled: Images,
    last: DomainOutputs,
    device: torch.device,
) -> Selection:
    """Choose by `validators.consensus`; nothing is known of accuracies yet.

    copy: built like the method of the candidates; is given weights of one after another.
    held_out: source images that were not trained on, with labels. unlabelled: target images.
    last: what the last candidate says of them.
    """
    steps = candidates.steps
    scores = []
    for step in steps[:-1]:
        earlier = candidates.load(copy, step)
        on_source = predict_labelled(earlier, held_out, device)
        scores.append(score(DomainOutputs(on_source, predict(earlier, unlabelled, device))))
    scores.append(score(last))
    return Selection(
        rule="consensus",
        candidates=tuple(
            Candidate(step=step, validators=found, accuracy=None)
            for step, found in zip(steps, scores, strict=True)
        ),
        chosen=consensus(_columns(scores)),
        rank_correlation=dict.fromkeys(scores[0]),
    )


def judged(selection: Selection, accuracies: Sequence[float]) -> Selection:
    """The selection beside the truth: accuracies of the candidates on the target's test images."""
    candidates = [
        structs.replace(candidate, accuracy=accuracy)
        for candidate, accuracy in zip(selection.candidates, accuracies, strict=True)
    ]
    columns = _columns([candidate.validators for candidate in candidates])
    correlations = {name: rank_correlation(c, accuracies) for name, c in columns.items()}
    return structs.replace(selection, candidates=tuple(candidates), rank_correlation=correlations)


def _columns(scores: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    return {name: [row[name] for row in scores] for name in scores[0]}
