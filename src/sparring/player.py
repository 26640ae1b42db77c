"""One player of a game: its parameters, as its network and as its optimizer see them.

Knows the game and memory layouts; knows no training.
"""

import torch
from torch import Tensor, nn

from sparring.game import Method
from sparring.runtime import as_it_lies


class Player:
    """A player of a method, on its device and laid out in memory."""

    def __init__(self, method: Method, name: str, network: nn.Module) -> None:
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self.views = [as_it_lies(p.detach(), p) for p in self.parameters]
        self.optimizer = method.optimizer(name, self.views)

    def step(self, loss: Tensor, factor: float) -> list[Tensor]:
        """Step down the gradient of `loss`, at `factor` times the rate; returns the gradients."""
        # Gradients of this player alone: nothing is left behind in the others.
        gradients = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        for view, parameter, gradient in zip(self.views, self.parameters, gradients, strict=True):
            view.grad = None if gradient is None else as_it_lies(gradient, parameter)
        groups = self.optimizer.param_groups
        rates = [group["lr"] for group in groups]  # the method's own, which it may schedule
        for group in groups:
            group["lr"] = group["lr"] * factor
        self.optimizer.step()
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
        self.optimizer.zero_grad()
        return [gradient for gradient in gradients if gradient is not None]
