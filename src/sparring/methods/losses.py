"""Losses that several methods share, as pure functions of logits and codes."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, normalize


def bce(logits: Tensor, truth: float | Tensor) -> Tensor:
    """Mean binary cross-entropy of logits (any shape) against a truth in [0, 1]."""
    if isinstance(truth, float):
        truth = torch.full_like(logits, truth)
    return binary_cross_entropy_with_logits(logits, truth)


def label_loss(logits: Tensor, label: Tensor) -> Tensor:
    """Loss of label logits [N, L]: of classes int64 [N], or of attributes float32 [N, L]."""
    return cross_entropy(logits, label) if label.ndim == 1 else bce(logits, label)


def hits(logits: Tensor, truth: bool | Tensor) -> Tensor:
    """Share of logits (any shape) on the right side of zero: above it where `truth` holds."""
    return ((logits.detach() > 0) == truth).float().mean()


def real_or_fake(real: Tensor, fake: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """A discriminator's loss on its logits of real and generated images, and terms for the log."""
    on_real, on_fake = bce(real, 1.0), bce(fake, 0.0)
    shares = {"hits_real": hits(real, True), "hits_fake": hits(fake, False)}
    return on_real + on_fake, {"real": on_real, "fake": on_fake, **shares}


def domain_loss(logits: Tensor, sources: int) -> tuple[Tensor, Tensor]:
    """Binary cross-entropy and accuracy of domain logits [N, 1]: 0 in the first `sources` rows."""
    truth = torch.zeros_like(logits)
    truth[sources:] = 1.0
    return bce(logits, truth), hits(logits, truth.bool())


def scale_invariant_error(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error less the squared mean error, per image, then averaged.

    Zero where an image differs from the truth by a constant (DSN, equation 4).
    """
    error = (prediction - truth).flatten(1)
    return (error.square().mean(1) - error.mean(1).square()).mean()


def difference_loss(private: Tensor, shared: Tensor) -> Tensor:
    """Squared correlation of codes [N, F], averaged over F x F (DSN, equation 5: summed).

    Codes are centred over the batch, their rows of unit length: shrinking them lowers no loss.
    """
    rows = [normalize(code - code.mean(0), dim=1) for code in (private.float(), shared.float())]
    with torch.autocast(private.device.type, enabled=False):
        return (rows[0].T @ rows[1]).square().mean()
