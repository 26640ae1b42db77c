"""The modern methods with something on top, or in place of a part, or without one.

For studies alone (benchmarks/studies.py).

DANN: Ganin & Lempitsky 2015 (arXiv 1409.7495). CDAN, whose domain classifier sees each feature
times each class's probability: Long et al. 2018 (arXiv 1705.10667, equation 6). MDD, whose second
classifier should agree with the first on the source and disagree on the target: Zhang et al. 2019
(arXiv 1904.05801). Information maximisation, predictions sure of each image and even over all:
Liang et al. 2020 (SHOT, arXiv 2002.08546). Of generators, R1 + R2: the squared gradient of the
discriminator at real and at generated images, after Mescheder et al. 2018 (arXiv 1801.04406,
equation 9), both as in Huang et al. 2024 (R3GAN, arXiv 2501.05441).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.game import Labelled, Move, Pair, Shape, Unlabelled
from sparring.methods import METHODS, MeanTeacher, ProjectionGAN
from sparring.methods.losses import domain_loss
from sparring.nets.layers import Head, Standardised, reverse

MARGIN = 4.0
"""What MDD weighs agreement on the source by."""


class Named:
    """A method that is registered once there is one, also in a process that was sent it."""

    registered: ClassVar[str]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        METHODS.setdefault(cls.registered, cls)
        return super().__new__(cls)


@dataclass(eq=False, kw_only=True)
class VariedMeanTeacher(Named, MeanTeacher):
    """A mean teacher whose student's features or predictions have a further loss."""

    registered = "varied-mean-teacher"

    added: Literal["nothing", "dann", "cdan", "mdd", "information"] = "nothing"
    reversal_weight: float = 0.1
    """Of an adversary's gradient; DANN's in this package."""
    taught: bool = True
    """Whether the student learns the teacher's labels; else what is added is all it has."""
    standardised: bool = True
    """Whether images are standardised one by one."""

    def build(self, shape: Shape) -> None:
        super().build(shape)
        if not self.standardised:
            assert isinstance(self.feature_extractor, Standardised)
            self.feature_extractor = self.feature_extractor.network
        inputs, classes = self.label_predictor.in_features, len(shape.labels)
        sizes = {"dann": (inputs, 1), "cdan": (inputs * classes, 1), "mdd": (inputs, classes)}
        self.adversary = Head(*sizes[self.added]) if self.added in sizes else nn.Identity()
        self._features: Tensor | None = None

    def features(self, image: Tensor) -> Tensor:
        self._features = super().features(image)
        return self._features

    def adapt(self, batch: Pair, progress: float) -> Move:
        move = super().adapt(batch, progress)
        features, self._features = self._features, None  # the student's, of both domains
        assert features is not None
        loss = move.loss if self.taught else move.terms["task"]
        if self.added == "nothing":
            return Move("network", loss, move.terms)
        terms = self._further(features, len(batch.source.image))
        further = terms["further"]
        if self.added == "information":  # from when the target's labels would count
            further = self._weight(progress) * further
        return Move("network", loss + further, {**move.terms, **terms})

    def _further(self, features: Tensor, sources: int) -> dict[str, Tensor]:
        """The further loss, and what is logged with it. features: [N, F], the source's first."""
        logits = self.classify(features)
        if self.added == "information":
            return {"further": -information(logits[sources:])}
        if self.added == "mdd":
            guess = self.adversary(reverse(features, self.reversal_weight))
            return {"further": disparity(guess, logits.argmax(1), sources)}
        if self.added == "cdan":
            chance = logits.detach().softmax(1)
            features = (chance[:, :, None] * features[:, None]).flatten(1)
        guess = self.adversary(reverse(features, self.reversal_weight))
        domain, accuracy = domain_loss(guess, sources)
        return {"further": domain, "domain_accuracy": accuracy}


def disparity(logits: Tensor, label: Tensor, sources: int) -> Tensor:
    """MDD's loss of the second classifier's logits [N, K]; label: the first one's answers [N]."""
    agree = cross_entropy(logits[:sources], label[:sources])
    chance = logits[sources:].softmax(1).gather(1, label[sources:, None])
    return MARGIN * agree - torch.log1p(-chance.clamp(max=1 - 1e-6)).mean()


def information(logits: Tensor) -> Tensor:
    """Entropy of the mean prediction, less predictions' mean entropy, in nats; logits [N, K]."""
    chance = logits.softmax(1)
    mean = chance.mean(0)
    sure = (chance * logits.log_softmax(1)).sum(1).mean()
    return sure - (mean * mean.clamp_min(1e-12).log()).sum()


@dataclass(eq=False, kw_only=True)
class PenalisedGAN(Named, ProjectionGAN):
    """A projection GAN whose discriminator pays for steep logits."""

    registered = "penalised-gan"

    penalty: float = 1.0
    """Of the squared gradients, R1 and R2 together."""

    def moves(self, batch: Unlabelled | Labelled, progress: float) -> Iterator[Move]:
        for move in super().moves(batch, progress):
            if move.player != "discriminator":
                yield move
                continue
            steep = self._steepness(batch)
            terms = {**move.terms, "steepness": steep}
            yield Move("discriminator", move.loss + self.penalty / 2 * steep, terms)

    def _steepness(self, batch: Unlabelled | Labelled) -> Tensor:
        """Mean squared gradients of the logits at real and at generated images, added up."""
        count, device = len(batch.image), batch.image.device
        label = batch.label if isinstance(batch, Labelled) else torch.empty(count, 0, device=device)
        code = self._code(label)
        with torch.no_grad():
            fake = self.sample(self.noise(count, device), label)
        seen = self._seen(torch.cat([batch.image, fake])).requires_grad_()
        logits = self.discriminator(seen, torch.cat([code, code]))
        (slope,) = torch.autograd.grad(logits.sum(), seen, create_graph=True)
        return 2 * slope.float().square().sum((1, 2, 3)).mean()


@dataclass(eq=False, kw_only=True)
class RawGAN(Named, ProjectionGAN):
    """A projection GAN that draws as it is at the end, its running mean beside it."""

    registered = "raw-gan"
    averaged: ClassVar = {}
    beside: ClassVar = ProjectionGAN.averaged


@dataclass(eq=False, kw_only=True)
class AllAugmented(Named, ProjectionGAN):
    """A projection GAN whose discriminator sees all images augmented, from the start."""

    registered = "all-augmented-gan"

    def build(self, shape: Shape) -> None:
        super().build(shape)
        assert self.augmentation is not None
        self.augmentation.share.fill_(1.0)

    def stepped(self, progress: float) -> None:
        pass
