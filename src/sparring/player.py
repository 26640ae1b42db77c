"""One player of a game: its parameters, as its network and as its optimizer see them.

Knows the game and memory layouts; knows no training.
"""

import torch
from torch import Tensor, nn

from sparring import ranks
from sparring.game import Method
from sparring.runtime import as_it_lies


class Player:
    """A player of a method, on its device and laid out in memory."""

    def __init__(self, method: Method, name: str, network: nn.Module) -> None:
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self.views = [as_it_lies(p.detach(), p) for p in self.parameters]
        self.optimizer = method.optimizer(name, self.views)

    def step(self, loss: Tensor, factor: float) -> list[Tensor]:
        """Step down the gradient of `loss` at `factor`, a power of two, times the rate.

        Returns the gradients.
        """
        # Gradients of this player alone: nothing is left behind in the others.
        found = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        pairs = zip(found, self.parameters, strict=True)
        gradients = ranks.averaged([None if g is None else as_it_lies(g, p) for g, p in pairs])
        for view, gradient in zip(self.views, gradients, strict=True):
            view.grad = gradient
        for group in self.optimizer.param_groups:  # the method may schedule rates of its own
            group["lr"] *= factor
        self.optimizer.step()
        for group in self.optimizer.param_groups:
            group["lr"] /= factor
        self.optimizer.zero_grad()
        return [gradient for gradient in gradients if gradient is not None]
