"""DSN's shared decoder (Bousmalis et al. 2016, appendix: the digits' decoder)."""

from torch import Tensor, nn

_GRID = 10  # the paper's fully connected layer has 300 units: three maps of 10x10


class Decoder(nn.Module):
    """Codes float [N, inputs] to images float32 [N, 3, size, size].

    width: channels of the hidden convolutions (16 in the paper).
    """

    def __init__(self, inputs: int, size: int, width: int = 16) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.Linear(inputs, 3 * _GRID**2), nn.ReLU())
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, width, 5, padding=2),
            nn.ReLU(),
            nn.Upsample((size, size)),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 3, 3, padding=1),
        )

    def forward(self, code: Tensor) -> Tensor:
        grid = self.expand(code).unflatten(1, (3, _GRID, _GRID))
        image: Tensor = self.layers(grid)
        return image.float()
