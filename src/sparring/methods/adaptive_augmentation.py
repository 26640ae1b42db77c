"""How many images a discriminator sees augmented: as many as keep it from learning them by heart.

Knows its logits, and no network. That real images are learned by heart is told by some that are
held out: judged like the others, and not learned from. Where their logits come to lie nearer to
those of generated images (Karras et al. 2020, arXiv 2006.06676, equation 1), and generated images
are told from real ones so well that it matters, more are augmented, else fewer, none at first: to
augment all would cost a short training half of its quality (docs/log.md). The augmentation is that
of Zhao et al. 2020 (arXiv 2006.10738).
"""

import torch
from torch import Tensor, nn

from sparring import ranks
from sparring.augment import differentiable
from sparring.game import of_training

HELD_OUT = 16
"""One real image in so many is held out."""
BY_HEART = 0.5
"""Of `by_heart`, from where on more images are augmented."""
TOLD_APART = 0.99
"""Of `told_apart`, likewise. At 0.9 a sixth of 230 faces was augmented, and its colours leaked."""
ALL_AUGMENTED = 50_000
"""Images in which the share of augmented ones may go from none to all; ten times as fast as
published, where trainings are a hundred times as long."""
_KEPT = 0.99  # of what was seen before, with each batch


class AdaptiveAugmentation(nn.Module):
    """Augments some of the images float32 [N, 3, S, S] in [-1, 1] that a discriminator is shown.

    share: of the images, those that are augmented. told_apart: share of pairs of a real and a
    generated image whose logits are in the right order, lately.
    """

    def __init__(self) -> None:
        super().__init__()
        self.share = of_training(torch.tensor(0.0))
        self.told_apart = of_training(torch.tensor(0.5))
        # The logits' sum, and how many: of real images that are learned from, of those that are
        # held out, and of generated ones.
        self.judged = of_training(torch.zeros(2, 3))
        self._verdicts: Tensor | None = None

    def forward(self, image: Tensor) -> Tensor:
        chance = ranks.drawn(
            lambda rows: torch.rand(rows, 1, 1, 1, device=image.device), len(image)
        )
        return torch.where(chance < self.share, differentiable(image), image)

    @property
    def by_heart(self) -> Tensor:
        """Where held-out images' logits lie: 0 as the other real ones', 1 as generated ones'."""
        learned, kept, drawn = self.judged[0] / self.judged[1].clamp_min(1)
        return (learned - kept) / (learned - drawn).abs().clamp_min(1e-6)

    def learned(self, image: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        """The logits [N] of the real images, such that nothing is learned from held-out ones.

        image: the real images as they are. fake: logits [N] of generated ones.
        """
        apart = held_out(image)
        self._verdicts = ranks.whole(torch.stack([real, fake, apart], 1).detach())
        return torch.where(apart, real.detach(), real)

    def step(self) -> None:
        """Take in the batch whose logits were last seen."""
        if self._verdicts is None:
            return
        real, fake, apart = self._verdicts.T
        learned = 1 - apart
        groups = torch.stack([learned, apart, torch.ones_like(apart)])
        sums = (groups * torch.stack([real, real, fake])).sum(1)
        self.judged.mul_(_KEPT).add_(torch.stack([sums, groups.sum(1)]))
        told_apart = ((real > fake) * learned).sum() / learned.sum().clamp_min(1)
        self.told_apart.lerp_(told_apart, 1 - _KEPT)
        more = (self.by_heart > BY_HEART) & (self.told_apart > TOLD_APART)
        self.share.add_(len(real) / ALL_AUGMENTED * (2.0 * more - 1)).clamp_(0, 1)


def held_out(image: Tensor) -> Tensor:
    """Which of images float32 [N, 3, S, S] in [-1, 1] are held out, bool [N].

    The sum of its pixels decides, hashed: the same ones in each epoch, mirrored or not.
    """
    levels = ((image + 1) * 127.5).round().long()
    return levels.sum((1, 2, 3)) * 2654435761 % 2**32 < 2**32 // HELD_OUT
