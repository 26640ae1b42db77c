"""The four systems' networks as the public tutorials write them: plain torch.nn modules.

The same functions as the methods' own networks, layer by layer (the tests load one's weights
into the other and compare losses), with none of their shortcuts: weights and images stay NCHW and
float32, every convolution is computed in full, source and target pass one after the other.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from sparring.game import Shape
from sparring.methods import ACGAN, DANN, DCGAN, DSN


def weights_init(module: nn.Module) -> None:
    """DCGAN's initial weights, for `Module.apply`: N(0, 0.02), batch norms N(1, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class Generator(nn.Module):
    """Noise [N, inputs, 1, 1] to images [N, 3, size, size]."""

    def __init__(self, inputs: int, size: int, width: int) -> None:
        super().__init__()
        channels = width * size // 8
        layers: list[nn.Module] = [
            spectral_norm(nn.ConvTranspose2d(inputs, channels, 4, 1, 0, bias=False)),
            nn.BatchNorm2d(channels),
            nn.ReLU(True),
        ]
        while channels > width:
            layers += [
                spectral_norm(nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False)),
                nn.BatchNorm2d(channels // 2),
                nn.ReLU(True),
            ]
            channels //= 2
        layers += [spectral_norm(nn.ConvTranspose2d(width, 3, 4, 2, 1)), nn.Tanh()]
        self.main = nn.Sequential(*layers)
        self.apply(weights_init)

    def forward(self, noise: Tensor) -> Tensor:
        image: Tensor = self.main(noise)
        return image


class Discriminator(nn.Module):
    """Images [N, 3, size, size] to logits: real or fake [N], attributes [N, A]."""

    def __init__(self, size: int, width: int, attributes: int = 0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, after, side = 3, width, size
        while side > 4:
            layers += [spectral_norm(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2, True)]
            before, after, side = after, 2 * after, side // 2
        self.main = nn.Sequential(*layers)
        self.validity = spectral_norm(nn.Conv2d(before, 1, 4))
        self.attributes = attributes
        if attributes:
            self.attribute = spectral_norm(nn.Conv2d(before, attributes, 4))
        self.apply(weights_init)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.main(image)
        validity = self.validity(hidden).view(-1)
        if not self.attributes:
            return validity, image.new_zeros(len(image), 0)
        return validity, self.attribute(hidden).view(len(image), -1)


class GAN(nn.Module):
    """Generator and discriminator of a DCGAN, or of an ACGAN with its label embedding."""

    def __init__(self, settings: DCGAN | ACGAN, shape: Shape) -> None:
        super().__init__()
        inputs, attributes = settings.noise_size, 0
        if isinstance(settings, ACGAN):
            attributes = len(shape.labels)
            self.embedding = nn.Embedding(2 * attributes, settings.embedding_size)
            inputs += attributes * settings.embedding_size
        self.generator = Generator(inputs, shape.size, settings.width)
        self.discriminator = Discriminator(shape.size, settings.width, attributes)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


class ResNet18(nn.Module):
    """Images [N, 3, S, S] to features [N, 512], with the usual parameter names."""

    def __init__(self, encoder: str) -> None:
        super().__init__()
        original = encoder == "resnet18"
        self.conv1 = nn.Conv2d(3, 64, *((7, 2, 3) if original else (3, 1, 1)), bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if original else nn.Identity()
        self.layer1 = nn.Sequential(BasicBlock(64, 64, 1), BasicBlock(64, 64, 1))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, 2), BasicBlock(512, 512, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return torch.flatten(self.avgpool(x), 1)


def head(inputs: int, outputs: int) -> nn.Sequential:
    """Features [N, inputs] to logits [N, outputs]."""
    return nn.Sequential(
        nn.Linear(inputs, 100), nn.BatchNorm1d(100), nn.ReLU(True), nn.Linear(100, outputs)
    )


class ReverseLayer(torch.autograd.Function):
    """The identity, whose gradient is multiplied by -alpha."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: float) -> Tensor:
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0].neg() * ctx.alpha, None


class DANNNet(nn.Module):
    """Images to class logits [N, K] and domain logits [N, 1]."""

    def __init__(self, settings: DANN, shape: Shape) -> None:
        super().__init__()
        self.feature = ResNet18(settings.encoder)
        self.class_classifier = head(512, len(shape.labels))
        self.domain_classifier = head(512, 1)

    def forward(self, image: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
        feature = self.feature(image)
        reverse: Tensor = ReverseLayer.apply(feature, alpha)
        return self.class_classifier(feature), self.domain_classifier(reverse)


class DSNNet(nn.Module):
    """Images of one domain to both codes, class logits, domain logits and the rebuilt image."""

    def __init__(self, settings: DSN, shape: Shape) -> None:
        super().__init__()
        code, width = settings.code_size, settings.decoder_width

        def encoder() -> nn.Sequential:
            return nn.Sequential(ResNet18(settings.encoder), nn.Linear(512, code))

        self.shared_encoder = encoder()
        self.source_encoder = encoder()
        self.target_encoder = encoder()
        self.decoder_fc = nn.Sequential(nn.Linear(code, 300), nn.ReLU(True))
        self.decoder_conv = nn.Sequential(
            nn.Conv2d(3, width, 5, 1, 2),
            nn.ReLU(True),
            nn.Conv2d(width, width, 5, 1, 2),
            nn.ReLU(True),
            nn.Upsample(size=(shape.size, shape.size)),
            nn.Conv2d(width, width, 3, 1, 1),
            nn.ReLU(True),
            nn.Conv2d(width, 3, 3, 1, 1),
        )
        self.class_classifier = head(code, len(shape.labels))
        self.domain_classifier = head(code, 1)

    def forward(self, image: Tensor, mode: str) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        private = self.source_encoder(image) if mode == "source" else self.target_encoder(image)
        shared = self.shared_encoder(image)
        domain = self.domain_classifier(ReverseLayer.apply(shared, 1.0))
        label = self.class_classifier(shared) if mode == "source" else shared.new_zeros(0)
        grid = self.decoder_fc(private + shared).view(-1, 3, 10, 10)
        return private, shared, domain, label, self.decoder_conv(grid)
