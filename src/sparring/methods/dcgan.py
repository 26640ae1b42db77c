"""DCGAN: a generator and a discriminator under spectral normalisation.

The generator makes an image of normal noise by transposed convolutions with batch norm, ReLU and
a last tanh; the discriminator tells real from fake by strided convolutions with leaky ReLU, with
biases and without batch norm. Binary cross-entropy for both. For every batch the discriminator
moves first, on real images and detached fakes, then the generator, on the same fakes.

Radford et al. 2016 (arXiv 1511.06434) with Miyato et al. 2018 (arXiv 1802.05957).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import Tensor, nn

from sparring.game import Move, Shape, Unlabelled
from sparring.methods.convolutional import ConvolutionalGAN
from sparring.methods.losses import bce, real_or_fake


@dataclass(eq=False, kw_only=True)
class DCGAN(ConvolutionalGAN):
    """Images from noise."""

    batch_type = Unlabelled

    def build(self, shape: Shape) -> None:
        self.generator = self.make_generator(self.noise_size, shape)
        self.discriminator = self.make_discriminator(replace(shape, labels=()))

    def players(self) -> dict[str, nn.Module]:
        return {"discriminator": self.discriminator, "generator": self.generator}

    def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
        fake = self.generator(self.noise(len(batch.image), batch.image.device))

        (real, _), (faked, _) = self.discriminator.both(batch.image, fake.detach())
        yield Move("discriminator", *real_or_fake(real, faked))

        yield Move("generator", bce(self.discriminator(fake)[0], 1.0))

    def sample(self, noise: Tensor, label: Tensor) -> Tensor:
        return self.generator(noise)
