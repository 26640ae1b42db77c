"""The mean teacher with a domain classifier on top: what an adversary still adds to it.

DANN: Ganin & Lempitsky 2015 (arXiv 1409.7495). CDAN, whose domain classifier sees each feature
times each class's probability: Long et al. 2018 (arXiv 1705.10667, equation 6). Both with DANN's
reversal weight in this package. For studies alone (benchmarks/studies.py).
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sparring.game import Move, Pair, Shape
from sparring.methods import METHODS, MeanTeacher
from sparring.methods.losses import domain_loss
from sparring.nets.layers import Head, reverse


@dataclass(eq=False, kw_only=True)
class AdversarialMeanTeacher(MeanTeacher):
    """A mean teacher whose student's features are also trained against a domain classifier."""

    reversal_weight: float = 0.1
    conditional: bool = False
    """Whether the domain classifier sees features times class probabilities (CDAN)."""
    taught: bool = True
    """Whether the student learns the teacher's labels; else the adversary is all it has."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "AdversarialMeanTeacher":
        # Known by name where there is one, also in a process that was sent it.
        METHODS.setdefault("adversarial-mean-teacher", cls)
        return super().__new__(cls)

    def build(self, shape: Shape) -> None:
        super().build(shape)
        inputs: int = self.label_predictor.in_features
        inputs *= len(shape.labels) if self.conditional else 1
        self.domain_classifier = Head(inputs, 1)
        self._features: Tensor | None = None

    def features(self, image: Tensor) -> Tensor:
        self._features = super().features(image)
        return self._features

    def adapt(self, batch: Pair, progress: float) -> Move:
        move = super().adapt(batch, progress)
        seen, self._features = self._features, None  # the student's, of both domains
        assert seen is not None
        if self.conditional:
            chance = self.classify(seen).detach().softmax(1)
            seen = (chance[:, :, None] * seen[:, None]).flatten(1)
        guess = self.domain_classifier(reverse(seen, self.reversal_weight))
        domain, accuracy = domain_loss(guess, len(batch.source.image))
        terms = {**move.terms, "domain": domain, "domain_accuracy": accuracy}
        task = move.loss if self.taught else move.terms["task"]
        return Move("network", task + domain, terms)
