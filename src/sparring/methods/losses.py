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


def hits(logits: Tensor, truth: bool) -> Tensor:
    """Share of logits (any shape) on the right side of zero: above it where `truth` holds."""
    return ((logits.detach() > 0) == truth).float().mean()


def domain_loss(logits: Tensor, sources: int) -> Tensor:
    """Binary cross-entropy of domain logits [N, 1]: the first `sources` rows 0, the rest 1."""
    truth = torch.zeros_like(logits)
    truth[sources:] = 1.0
    return bce(logits, truth)


def domain_accuracy(logits: Tensor, sources: int) -> Tensor:
    """Share of domain logits [N, 1] on the right side of zero; 0.5 is a guess."""
    is_target = torch.arange(len(logits), device=logits.device) >= sources
    return ((logits.detach().flatten() > 0) == is_target).float().mean()


def scale_invariant_error(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error less the squared mean error, per image, then averaged.

    Zero where an image differs from the truth by a constant (DSN, equation 4).
    """
    error = (prediction - truth).flatten(1)
    return (error.square().mean(1) - error.mean(1).square()).mean()


def difference_loss(private: Tensor, shared: Tensor) -> Tensor:
    """Squared correlation of private and shared codes [N, F], averaged over the F x F entries.

    Codes are centred over the batch and each row is scaled to unit length, so that the loss
    cannot be lowered by shrinking the codes (DSN, equation 5; there the sum over entries).
    """
    rows = [normalize(code - code.mean(0), dim=1) for code in (private.float(), shared.float())]
    with torch.autocast(private.device.type, enabled=False):
        return (rows[0].T @ rows[1]).square().mean()
