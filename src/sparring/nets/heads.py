"""Small heads on features: label predictor and domain classifier."""

from torch import Tensor, nn


class Head(nn.Sequential):
    """Features [N, inputs] to float32 logits [N, outputs] through one hidden layer."""

    def __init__(self, inputs: int, outputs: int, hidden: int = 100) -> None:
        super().__init__(
            nn.Linear(inputs, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = super().forward(features)
        return logits.float()
