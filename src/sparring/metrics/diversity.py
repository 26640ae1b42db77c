"""How varied generated images are, against real ones."""

import torch
from torch import Tensor
from torch.nn.functional import pdist


def mean_distance(image: Tensor) -> float:
    """Mean root-mean-square pixel distance between all pairs of uint8 images [N, 3, S, S]."""
    flat = image.flatten(1).float()
    return float(pdist(flat).mean() / flat.shape[1] ** 0.5)


def diversity(generated: Tensor, real: Tensor) -> float:
    """Mean distance among generated images over that among as many real ones (uint8 [N, 3, S, S]).

    Near 1: as varied as real images, pixel by pixel; near 0: the generator has collapsed.
    """
    return mean_distance(generated) / mean_distance(real[: len(generated)])


def last_tenth(values: list[float]) -> float:
    """Mean of the last tenth (at least one) of a curve."""
    tail = values[-max(1, len(values) // 10) :]
    return float(torch.tensor(tail, dtype=torch.float64).mean())
