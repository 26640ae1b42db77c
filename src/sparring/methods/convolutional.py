"""What DCGAN and ACGAN share: DCGAN's two networks, and what can be changed about them.

The defaults are the source report's choices; each can be undone, to see what it was good for. Not
a method by itself.
"""

from dataclasses import dataclass

from sparring.game import GenerativeMethod, Shape
from sparring.nets.dcgan import Discriminator, Generator


@dataclass(eq=False, kw_only=True)
class ConvolutionalGAN(GenerativeMethod):
    """A generator and a discriminator after DCGAN, under spectral normalisation."""

    discriminator_width: int | None = None
    """Channels of the discriminator's first hidden layer, where they are not to be `width`."""
    spectral_norm: bool = True
    """Spectral normalisation in both networks."""
    discriminator_batch_norm: bool = False
    """Batch norm in the discriminator, as the original DCGAN has it."""
    discriminator_bias: bool = True
    """A bias in the discriminator's convolutions."""

    def make_generator(self, inputs: int, shape: Shape) -> Generator:
        """A generator of images of codes of length `inputs`."""
        return Generator(inputs, shape.size, self.width, self.spectral_norm)

    def make_discriminator(self, shape: Shape, attributes: int = 0) -> Discriminator:
        """A discriminator, with a head for `attributes` where there are any."""
        return Discriminator(
            shape.size,
            self.discriminator_width or self.width,
            attributes,
            spectral=self.spectral_norm,
            batch_norm=self.discriminator_batch_norm,
            bias=self.discriminator_bias,
        )
