"""A small conditional GAN: what ten years of advice leave standing on a machine without a GPU.

The generator enlarges by resampling (nets/projection.py); hinge loss; of the generator a running
mean draws; the discriminator learns twice as fast, and sees as many images augmented as keep it
from learning real ones by heart (adaptive_augmentation.py), so that a few hundred will do. Labels
steer in two ways: the discriminator judges image and label together (projection), and a third
player learns to read the label of real images only, so that it rewards the generator for likeness
and not for exaggeration. As a head of the discriminator it would read worse: spectral normalisation
keeps its features close together (docs/log.md).

Miyato & Koyama 2018 (arXiv 1802.05637); Lim & Ye 2017 (hinge, 1705.02894); Jolicoeur-Martineau
2019 (relativistic, 1807.00734); Heusel et al. 2017 (two rates, 1706.08500).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus
from torch.optim import Adam, Optimizer

from sparring.augment import weak
from sparring.game import GenerativeMethod, Labelled, Limits, Move, Row, Shape, Unlabelled
from sparring.methods.adaptive_augmentation import AdaptiveAugmentation
from sparring.methods.losses import hits, label_loss
from sparring.nets.projection import LabelReader, ProjectionDiscriminator, UpsamplingGenerator


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
        self.augmentation = AdaptiveAugmentation() if self.augment else None

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
        if self.augmentation is not None:
            real = self.augmentation.learned(batch.image, real, faked)
            terms |= {
                "augmented": self.augmentation.share.clone(),
                "by_heart": self.augmentation.by_heart,
            }
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
        if self.augmentation is not None:
            self.augmentation.step()

    def _seen(self, image: Tensor) -> Tensor:
        """What the discriminator sees of images: some of them augmented."""
        return image if self.augmentation is None else self.augmentation(image)

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
