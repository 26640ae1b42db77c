"""ACGAN: a generator told what to draw, and a discriminator that must also say what it sees.

Each value of each attribute has a learned vector, which is joined to the generator's noise. The
discriminator has two heads on one trunk: real or fake, and the attributes. Both players are paid
for right attributes, on real and on fake images alike. The rest is as in DCGAN.

Odena et al. 2017 (arXiv 1610.09585), with DCGAN's networks under spectral normalisation.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.game import Labelled, Move, Shape
from sparring.methods.convolutional import ConvolutionalGAN
from sparring.methods.losses import bce, hits


@dataclass(eq=False, kw_only=True)
class ACGAN(ConvolutionalGAN):
    """Images from noise and binary attributes (one or many)."""

    batch_type = Labelled

    noise_size: int = 120
    embedding_size: int = 4
    """Length of the learned vector for each value of each attribute."""

    def build(self, shape: Shape) -> None:
        attributes = len(shape.labels)
        # Rows 2a and 2a + 1 embed attribute a off and on.
        self.embedding = nn.Embedding(2 * attributes, self.embedding_size)
        inputs = self.noise_size + attributes * self.embedding_size
        self.generator = self.make_generator(inputs, shape)
        self.discriminator = self.make_discriminator(shape, attributes)

    def players(self) -> dict[str, nn.Module]:
        generator = nn.ModuleList([self.embedding, self.generator])
        return {"discriminator": self.discriminator, "generator": generator}

    def moves(self, batch: Labelled, progress: float) -> Iterator[Move]:
        # Fakes are asked for with the real batch's labels: both have the same distribution.
        fake = self.sample(self.noise(len(batch.image), batch.image.device), batch.label)

        (real, seen_real), (faked, seen_fake) = self.discriminator.both(batch.image, fake.detach())
        on_real, label_real = bce(real, 1.0), bce(seen_real, batch.label)
        on_fake, label_fake = bce(faked, 0.0), bce(seen_fake, batch.label)
        yield Move(
            "discriminator",
            on_real + on_fake + label_real + label_fake,
            {
                "real": on_real,
                "fake": on_fake,
                "label_real": label_real,
                "label_fake": label_fake,
                "hits_real": hits(real, True),
                "hits_fake": hits(faked, False),
            },
        )

        validity, attribute = self.discriminator(fake)
        fools, label = bce(validity, 1.0), bce(attribute, batch.label)
        yield Move("generator", fools + label, {"fools": fools, "label": label})

    def sample(self, noise: Tensor, label: Tensor) -> Tensor:
        first_rows = 2 * torch.arange(label.shape[1], device=label.device)
        embedded = self.embedding(first_rows + label.long()).flatten(1)
        image: Tensor = self.generator(torch.cat([noise, embedded], 1))
        return image
