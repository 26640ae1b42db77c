"""Feature extractors for 32-pixel digits by name: ResNet18, or the small network of the paper."""

from typing import Literal

from torch import Tensor, nn

from sparring.nets.resnet import FEATURES, ResNet18, Stem

EncoderName = Literal["resnet18", "small"]


class SmallNet(nn.Module):
    """Images float [N, 3, S, S] to features float [N, F]: two convolutions, each with max pooling.

    The feature extractor for MNIST-M of Ganin & Lempitsky 2015 (arXiv 1409.7495, figure 4, top).
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 32, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.layers(image)
        return features


def encoder(name: EncoderName, stem: Stem, size: int) -> tuple[nn.Module, int]:
    """The network for images of `size` pixels, and the length of its features.

    stem: of ResNet18; the small network has none.
    """
    if name == "resnet18":
        return ResNet18(stem), FEATURES
    side = ((size - 4) // 2 - 4) // 2
    return SmallNet(), 48 * side * side
