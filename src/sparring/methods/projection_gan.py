"""A small conditional GAN: what ten years of advice leave standing on a machine without a GPU.

Generator and discriminator of `nets.projection`; hinge loss; of the generator a running mean draws;
the discriminator learns twice as fast and sees all images through differentiable augmentation, so
that a few hundred will do. Labels steer in two ways: the discriminator judges image and label
together (projection), and an auxiliary head reads the label of real images only, so that it rewards
the generator for likeness and not for exaggeration.

Miyato & Koyama 2018 (arXiv 1802.05637); Lim & Ye 2017 (hinge, 1705.02894); Jolicoeur-Martineau
2019 (relativistic, 1807.00734); Heusel et al. 2017 (two rates, 1706.08500); Zhao et al. 2020
(augmentation, 2006.10738).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus
from torch.optim import Adam, Optimizer

from sparring.augment import differentiable
from sparring.game import GenerativeMethod, Labelled, Move, Shape, Unlabelled
from sparring.methods.losses import hits, label_loss
from sparring.nets.projection import ProjectionDiscriminator, UpsamplingGenerator


@dataclass(eq=False, kw_only=True)
class ProjectionGAN(GenerativeMethod):
    """Images from noise alone, or from noise and classes or attributes."""

    batch_type = Unlabelled | Labelled
    PRESETS: ClassVar = {"modern": {}}
    averaged: ClassVar = {"generator": 0.998}

    betas: tuple[float, float] = (0.0, 0.99)
    width: int = 24
    discriminator_width: int = 48
    """Channels of the discriminator's first hidden layer."""
    discriminator_rate: float = 4e-4
    """Step size of the discriminator's Adam."""
    loss: Literal["hinge", "bce", "relativistic"] = "hinge"
    """What the players are paid for; "relativistic" compares generated images with real ones."""
    augment: bool = True
    """Show the discriminator augmented images."""
    label_weight: float = 0.5
    """Of the auxiliary head's loss on real images, for the discriminator."""
    generator_label_weight: float = 0.2
    """Of that head's loss on generated images, for the generator."""

    def build(self, shape: Shape) -> None:
        self.shape = shape
        labels = len(shape.labels)
        self.generator = UpsamplingGenerator(self.noise_size + labels, shape.size, self.width)
        self.discriminator = ProjectionDiscriminator(shape.size, self.discriminator_width, labels)

    def players(self) -> dict[str, nn.Module]:
        return {"discriminator": self.discriminator, "generator": self.generator}

    def optimizer(self, player: str, parameters: list[Tensor]) -> Optimizer:
        rate = self.discriminator_rate if player == "discriminator" else self.learning_rate
        return Adam(parameters, lr=rate, betas=self.betas, fused=True)

    def moves(self, batch: Unlabelled | Labelled, progress: float) -> Iterator[Move]:
        count, device = len(batch.image), batch.image.device
        label = batch.label if isinstance(batch, Labelled) else torch.empty(count, 0, device=device)
        code = self._code(label)
        fake = self.sample(self.noise(count, device), label)

        both = self._seen(torch.cat([batch.image, fake.detach()]))
        validity, said = self.discriminator(both, torch.cat([code, code]))
        real, faked = validity.chunk(2)
        loss = self._contest(real, faked)
        terms = {"hits_real": hits(real, True), "hits_fake": hits(faked, False)}
        if self.shape.labels:
            terms["label_real"] = label_loss(said[:count], label)
            loss = loss + self.label_weight * terms["label_real"]
        yield Move("discriminator", loss, terms)

        validity, said = self.discriminator(self._seen(fake), code)
        if self.loss == "relativistic":
            real = self.discriminator(self._seen(batch.image), code)[0]
        loss, terms = self._praise(validity, real.detach()), {}
        if self.shape.labels:
            terms = {"fools": loss, "label": label_loss(said, label)}
            loss = loss + self.generator_label_weight * terms["label"]
        yield Move("generator", loss, terms)

    def _seen(self, image: Tensor) -> Tensor:
        return differentiable(image) if self.augment else image

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
