"""A small conditional GAN: what ten years of advice leave standing on a machine without a GPU.

The generator enlarges by resampling (nets/projection.py); hinge loss; of the generator a running
mean draws; the discriminator learns twice as fast. So that a few hundred images will do, it sees
some through differentiable augmentation, but only as many as keep it from learning real ones by
heart, which one in sixteen tells that it judges and does not learn from: to augment all would cost
a short training half of its quality (docs/log.md). Labels steer in
two ways: the discriminator judges image and label together (projection), and a third player learns
to read the label of real images only, so that it rewards the generator for likeness and not for
exaggeration. As a head of the discriminator it would read worse: spectral normalisation keeps its
features close together (docs/log.md).

Miyato & Koyama 2018 (arXiv 1802.05637); Lim & Ye 2017 (hinge, 1705.02894); Jolicoeur-Martineau
2019 (relativistic, 1807.00734); Heusel et al. 2017 (two rates, 1706.08500); Zhao et al. 2020
(augmentation, 2006.10738); Karras et al. 2020 (how much of it, 2006.06676, equation 1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus
from torch.optim import Adam, Optimizer

from sparring import ranks
from sparring.augment import differentiable, weak
from sparring.game import (
    GenerativeMethod,
    Labelled,
    Limits,
    Move,
    Row,
    Shape,
    Unlabelled,
    of_training,
)
from sparring.methods.losses import hits, label_loss
from sparring.nets.projection import LabelReader, ProjectionDiscriminator, UpsamplingGenerator

HELD_OUT = 16
"""One real image in so many is held out of what the discriminator learns from."""
BY_HEART = 0.5
"""Where from its logits of real images to those of generated ones the held-out ones' may lie, until
the others count as learned by heart: 0 where held-out images look as real, 1 as generated ones."""
SURE = 0.9
"""Share of pairs of a real and a generated image that it tells apart, up to which a discriminator
needs no check, whatever it has learned by heart."""
ALL_AUGMENTED = 50_000
"""Images in which the share of augmented ones may go from none to all; ten times as fast as
published, where trainings are a hundred times as long."""


@dataclass(eq=False, kw_only=True)
class ProjectionGAN(GenerativeMethod):
    """Images from noise alone, or from noise and classes or attributes."""

    batch_type = Unlabelled | Labelled
    PRESETS: ClassVar = {"modern": {}}
    averaged: ClassVar = {"generator": 0.998}
    # Under hinge loss a discriminator that is right by the margin has no gradient, and is well.
    limits: ClassVar = Limits(gradient=0.0)

    learning_rate: float = 2e-4
    """Step size of the generator's Adam."""
    betas: tuple[float, float] = (0.0, 0.99)
    """Decay rates of the two moments of Adam, of the generator and the discriminator."""
    width: int = 24
    """Channels of the generator's last hidden layer."""
    discriminator_width: int = 48
    """Channels of the discriminator's first hidden layer."""
    discriminator_rate: float = 4e-4
    """Step size of the discriminator's Adam."""
    loss: Literal["hinge", "bce", "relativistic"] = "hinge"
    """What the players are paid for; "relativistic" compares generated images with real ones."""
    augment: bool = True
    """Show the discriminator augmented images, as far as it learns real ones by heart."""
    reader_width: int = 32
    """Channels of the label reader's first hidden layer."""
    reader_rate: float = 1e-3
    """Step size of the label reader's Adam."""
    label_weight: float = 0.2
    """Of the reader's loss on generated images, for the generator."""

    def build(self, shape: Shape) -> None:
        self.shape = shape
        labels = len(shape.labels)
        self.generator = UpsamplingGenerator(self.noise_size + labels, shape.size, self.width)
        self.discriminator = ProjectionDiscriminator(shape.size, self.discriminator_width, labels)
        self.reader = LabelReader(shape.size, self.reader_width, labels) if labels else None
        self.augmented = of_training(torch.tensor(0.0))  # share of images
        # Lately, of real images that are learned from, held out, and of generated ones: the
        # logits' sum, and how many.
        self.judged = of_training(torch.zeros(2, 3))
        self.told_apart = of_training(torch.tensor(0.5))  # share of pairs, lately
        self._verdicts: Tensor | None = None

    def players(self) -> dict[str, nn.Module]:
        players = {"discriminator": self.discriminator, "generator": self.generator}
        return players if self.reader is None else {"reader": self.reader, **players}

    def optimizer(self, player: str, parameters: list[Tensor]) -> Optimizer:
        if player == "reader":  # plays against nobody
            return Adam(parameters, lr=self.reader_rate, fused=True)
        rate = self.discriminator_rate if player == "discriminator" else self.learning_rate
        return Adam(parameters, lr=rate, betas=self.betas, fused=True)

    def moves(self, batch: Unlabelled | Labelled, progress: float) -> Iterator[Move]:
        count, device = len(batch.image), batch.image.device
        label = batch.label if isinstance(batch, Labelled) else torch.empty(count, 0, device=device)
        code = self._code(label)
        fake = self.sample(self.noise(count, device), label)

        seen = self._seen(torch.cat([batch.image, fake.detach()]))
        real, faked = self.discriminator(seen, torch.cat([code, code])).chunk(2)
        terms = {"hits_real": hits(real, True), "hits_fake": hits(faked, False)}
        if self.augment:
            apart = held_out(batch.image)
            self._verdicts = ranks.whole(torch.stack([real, faked, apart], 1).detach())
            real = torch.where(apart, real.detach(), real)
            terms |= {"augmented": self.augmented.clone(), "by_heart": self._by_heart()}
        yield Move("discriminator", self._contest(real, faked), terms)
        if self.reader is not None:
            yield Move("reader", label_loss(self._read(batch.image), label))

        if self.loss == "relativistic":
            real = self.discriminator(self._seen(batch.image), code)
        loss, terms = self._praise(self.discriminator(self._seen(fake), code), real.detach()), {}
        if self.reader is not None:
            terms = {"fools": loss, "label": label_loss(self._read(fake), label)}
            loss = loss + self.label_weight * terms["label"]
        yield Move("generator", loss, terms)

    def alarm(self, row: Row) -> str | None:
        stands_still = row.gradients.get("generator", 1.0) < Limits.gradient
        return "the generator learns nothing any more" if stands_still else None

    def stepped(self, progress: float) -> None:
        if self._verdicts is None:
            return
        real, fake, apart = self._verdicts.T
        learned = 1 - apart
        groups = torch.stack([learned, apart, torch.ones_like(apart)])
        sums = (groups * torch.stack([real, real, fake])).sum(1)
        self.judged.mul_(0.99).add_(torch.stack([sums, groups.sum(1)]))
        told_apart = ((real > fake) * learned).sum() / learned.sum().clamp_min(1)
        self.told_apart.lerp_(told_apart, 0.01)
        more = (self._by_heart() > BY_HEART) & (self.told_apart > SURE)
        self.augmented.add_(len(real) / ALL_AUGMENTED * (2.0 * more - 1)).clamp_(0, 1)

    def _by_heart(self) -> Tensor:
        """Where held-out images lie: 0 as the other real ones, 1 as the generated ones."""
        learned, kept, drawn = self.judged[0] / self.judged[1].clamp_min(1)
        return (learned - kept) / (learned - drawn).abs().clamp_min(1e-6)

    def _seen(self, image: Tensor) -> Tensor:
        """What the discriminator sees of images: some of them augmented."""
        if not self.augment:
            return image
        chance = ranks.drawn(
            lambda rows: torch.rand(rows, 1, 1, 1, device=image.device), len(image)
        )
        return torch.where(chance < self.augmented, differentiable(image), image)

    def _read(self, image: Tensor) -> Tensor:
        """The reader's logits. Of shifted images: what `_seen` hides may be what the label says."""
        assert self.reader is not None
        logits: Tensor = self.reader(weak(image, pixels=image.shape[-1] // 16))
        return logits

    def _contest(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss on its logits [N] of real and generated images."""
        if self.loss == "hinge":
            return relu(1 - real).mean() + relu(1 + fake).mean()
        if self.loss == "bce":
            return softplus(-real).mean() + softplus(fake).mean()
        return softplus(fake - real).mean()

    def _praise(self, fake: Tensor, real: Tensor) -> Tensor:
        """The generator's loss."""
        if self.loss == "hinge":
            return -fake.mean()
        return softplus(-fake if self.loss == "bce" else real - fake).mean()

    def _code(self, label: Tensor) -> Tensor:
        """Labels as numbers float32 [N, L]: one of L classes, or attributes from -1 to 1."""
        if label.ndim == 1:
            return torch.eye(len(self.shape.labels), device=label.device)[label]
        return 2 * label - 1

    def sample(self, noise: Tensor, label: Tensor) -> Tensor:
        return self.generator(torch.cat([noise, self._code(label)], 1))


def held_out(image: Tensor) -> Tensor:
    """Which of images float32 [N, 3, S, S] in [-1, 1] are held out, bool [N].

    The sum of its pixels decides, hashed: the same ones in each epoch, mirrored or not.
    """
    levels = ((image + 1) * 127.5).round().long()
    return levels.sum((1, 2, 3)) * 2654435761 % 2**32 < 2**32 // HELD_OUT
