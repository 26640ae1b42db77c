"""What DCGAN and ACGAN share: two networks and the alarm. Not a method by itself.

The defaults are the source report's choices; each can be undone, to see what it was good for.
"""

from dataclasses import dataclass
from typing import ClassVar

from sparring.game import GenerativeMethod, Row, Shape
from sparring.nets.dcgan import Discriminator, Generator

LOST = 7.0
"""A generator's loss in a lost game: its images pass for real with a probability of 1 in 1,000."""


@dataclass(eq=False, kw_only=True)
class ConvolutionalGAN(GenerativeMethod):
    """A generator and a discriminator after DCGAN.

    Subclasses have players of these names and log the terms of `real_or_fake` with every batch.
    """

    beside: ClassVar = {"generator": 0.998}

    discriminator_width: int | None = None
    """Channels of the discriminator's first hidden layer, where they are not to be `width`."""
    spectral_norm: bool = True
    """Spectral normalisation in both networks."""
    discriminator_batch_norm: bool = False
    """Batch norm in the discriminator, as the original DCGAN has it."""
    discriminator_bias: bool = True
    """A bias in the discriminator's convolutions."""

    def make_generator(self, inputs: int, shape: Shape) -> Generator:
        """From codes of length `inputs`."""
        return Generator(inputs, shape.size, self.width, self.spectral_norm)

    def make_discriminator(self, shape: Shape) -> Discriminator:
        """With a head for the labels where there are any."""
        return Discriminator(
            shape.size,
            self.discriminator_width or self.width,
            len(shape.labels),
            spectral=self.spectral_norm,
            batch_norm=self.discriminator_batch_norm,
            bias=self.discriminator_bias,
        )

    def alarm(self, row: Row) -> str | None:
        """The discriminator has won: it errs on no image, and the generator learns little."""
        hits = min(row.terms["hits_real"], row.terms["hits_fake"])
        loss = row.terms.get("fools", row.losses["generator"])  # without the label's part
        if hits < 0.999 or loss < LOST:
            return None
        won = f"the discriminator has won: it tells {hits:.1%} of real and generated images apart"
        return f"{won}, and the generator's loss is {loss:.1f}"
