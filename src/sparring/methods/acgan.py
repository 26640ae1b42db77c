"""ACGAN: a generator told what to draw, and a discriminator that must also say what it sees.

Each class, or each value of each attribute, has a learned vector, which is joined to the
generator's noise. The discriminator has two heads on one trunk: real or fake, and the labels. Both
players are paid for right labels, on real and on fake images alike. The rest is as in DCGAN.

Odena et al. 2017 (arXiv 1610.09585), with DCGAN's networks under spectral normalisation.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.game import Labelled, Move, Shape
from sparring.methods.convolutional import ConvolutionalGAN
from sparring.methods.losses import bce, label_loss, real_or_fake


@dataclass(eq=False, kw_only=True)
class ACGAN(ConvolutionalGAN):
    """Images from noise and labels: exclusive classes, or any number of binary attributes."""

    batch_type = Labelled

    noise_size: int = 120
    embedding_size: int = 4
    """Length of the learned vector for each class, or for each value of each attribute."""

    def build(self, shape: Shape) -> None:
        labels = len(shape.labels)
        # Row k embeds class k. Rows 2a and 2a + 1 embed attribute a off and on.
        exclusive = shape.kind == "classes"
        self.embedding = nn.Embedding(labels if exclusive else 2 * labels, self.embedding_size)
        codes = 1 if exclusive else labels
        self.generator = self.make_generator(self.noise_size + codes * self.embedding_size, shape)
        self.discriminator = self.make_discriminator(shape)

    def players(self) -> dict[str, nn.Module]:
        generator = nn.ModuleList([self.embedding, self.generator])
        return {"discriminator": self.discriminator, "generator": generator}

    def moves(self, batch: Labelled, progress: float) -> Iterator[Move]:
        # Fakes are asked for with the real batch's labels: both have the same distribution.
        fake = self.sample(self.noise(len(batch.image), batch.image.device), batch.label)

        (real, seen_real), (faked, seen_fake) = self.discriminator.both(batch.image, fake.detach())
        loss, terms = real_or_fake(real, faked)
        on_real, on_fake = label_loss(seen_real, batch.label), label_loss(seen_fake, batch.label)
        terms |= {"label_real": on_real, "label_fake": on_fake}
        yield Move("discriminator", loss + on_real + on_fake, terms)

        validity, seen = self.discriminator(fake)
        fools, label = bce(validity, 1.0), label_loss(seen, batch.label)
        yield Move("generator", fools + label, {"fools": fools, "label": label})

    def sample(self, noise: Tensor, label: Tensor) -> Tensor:
        if label.ndim == 1:
            code = self.embedding(label)
        else:
            off = 2 * torch.arange(label.shape[1], device=label.device).expand(label.shape)
            share = label[:, :, None].float()  # 0 and 1 give the two rows bit for bit
            code = torch.lerp(self.embedding(off), self.embedding(off + 1), share).flatten(1)
        return self.generator(torch.cat([noise, code], 1))
