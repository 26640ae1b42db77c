"""ResNet18 without its last layer (He et al. 2016, table 1), with the usual parameter names.

The names (`conv1`, `layer1.0.bn1`, `layer2.0.downsample.0`, ...) are those of published weights,
which `load_published` reads.
"""

from pathlib import Path
from typing import Literal

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, max_pool2d, relu

from sparring.errors import RequestError
from sparring.nets.products import Conv2d
from sparring.nets.taps import Conv3x3

Stem = Literal["7x7", "3x3"]

FEATURES = 512
"""Length of the feature vector."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = Conv3x3(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = Conv3x3(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            shortcut = Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        residual = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        return relu(residual + self.downsample(x))


class ResNet18(nn.Module):
    """Images float [N, 3, S, S] to features float [N, 512].

    stem: "7x7" is the original for 224-pixel images (convolution of stride 2, then max pooling),
        which the source report used on 32-pixel digits; "3x3" keeps the resolution.
    """

    def __init__(self, stem: Stem = "7x7") -> None:
        super().__init__()
        kernel, stride, padding = (7, 2, 3) if stem == "7x7" else (3, 1, 1)
        self.pools = stem == "7x7"
        self.conv1 = nn.Conv2d(3, 64, kernel, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(BasicBlock(64, 64, 1), BasicBlock(64, 64, 1))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, 2), BasicBlock(512, FEATURES, 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = relu(self.bn1(self.conv1(x)))
        if self.pools:
            x = max_pool2d(x, 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return adaptive_avg_pool2d(x, 1).flatten(1)

    def load_published(self, path: Path) -> None:
        """Load weights from a safetensors file in the usual names; its `fc.*` are left out.

        Raises RequestError, and changes nothing, where the file is missing or damaged, or names,
        shapes or kinds of numbers differ.
        """
        try:
            found = load_file(path)
        except (SafetensorError, OSError, ValueError, KeyError, MemoryError, RuntimeError) as error:
            raise _unfit(path, error) from error
        published = {k: v for k, v in found.items() if not k.startswith("fc.")}
        own = self.state_dict()
        if differing := sorted(published.keys() ^ own.keys()):
            raise _unfit(path, f"{len(differing)} names differ, the first is {differing[0]}")
        for name, value in own.items():
            given = published[name]
            same_kind = given.is_floating_point() == value.is_floating_point()
            if given.shape != value.shape or given.is_complex() or not same_kind:
                wanted, there = tuple(value.shape), tuple(given.shape)
                raise _unfit(path, f"{name} is {given.dtype} {there}, not {value.dtype} {wanted}")
        self.load_state_dict(published)


def _unfit(path: Path, why: object) -> RequestError:
    return RequestError(
        f"{path} does not hold the weights of a ResNet18 ({' '.join(str(why).split())}): "
        "download them again"
    )
