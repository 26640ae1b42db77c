"""The Inception v3 on whose features the published FID is measured (Heusel et al. 2017).

The network of Szegedy et al. 2016 as TensorFlow released it on 2015-12-05, with the parameter
names of its converted weights (`Conv2d_1a_3x3.conv.weight`, `Mixed_5b.branch5x5_1.bn.bias`, ...).
It is not torchvision's: there are 1008 classes, average pooling leaves the padding out, and the
last block pools by the maximum. Images are resized as TensorFlow 1 resized them. Knows one file:
the weights, which the user provides.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, relu

from sparring.errors import RequestError

SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SOURCE = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth"
)
SIDE = 299
"""Pixels that the network sees, each way."""

Kernel = int | tuple[int, int]
Step = list[tuple[int, Kernel, int]]
"""Convolutions side by side, mostly one: output channels, kernel, stride."""

_average = partial(avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False)
_highest = partial(max_pool2d, kernel_size=3, stride=1, padding=1)
_halve = partial(max_pool2d, kernel_size=3, stride=2)


class Conv(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Kernel, stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        high, wide = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (high // 2, wide // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, (high, wide), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Branches side by side, joined on the channels; the last one pools."""

    def __init__(
        self, inputs: int, branches: dict[str, list[Step]], pool: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.pool = pool
        self.paths: list[tuple[bool, list[list[str]]]] = []
        outputs = 0
        for name, steps in branches.items():
            names, channels = [], inputs
            for number, step in enumerate(steps, 1):
                suffix = f"_{number}" if len(steps) > 1 else ""
                letters = "ab" if len(step) > 1 else [""]
                names.append([f"{name}{suffix}{letter}" for letter in letters])
                for label, (after, kernel, stride) in zip(names[-1], step, strict=True):
                    self.add_module(label, Conv(channels, after, kernel, stride, stride == 1))
                channels = sum(after for after, _, _ in step)
            self.paths.append((name == "branch_pool", names))
            outputs += channels
        if "branch_pool" not in branches:
            self.paths.append((True, []))
            outputs += inputs
        self.outputs = outputs

    def forward(self, x: Tensor) -> Tensor:
        ends = []
        for pools, names in self.paths:
            end = self.pool(x) if pools else x
            for step in names:
                end = torch.cat([self.get_submodule(name)(end) for name in step], 1)
            ends.append(end)
        return torch.cat(ends, 1)


def _row(*steps: tuple[int, Kernel]) -> list[Step]:
    return [[(outputs, kernel, 1)] for outputs, kernel in steps]


def _eights(inputs: int, pool: int) -> Mixed:
    branches = {
        "branch1x1": _row((64, 1)),
        "branch5x5": _row((48, 1), (64, 5)),
        "branch3x3dbl": _row((64, 1), (96, 3), (96, 3)),
        "branch_pool": _row((pool, 1)),
    }
    return Mixed(inputs, branches, _average)


def _to_17(inputs: int) -> Mixed:
    branches: dict[str, list[Step]] = {
        "branch3x3": [[(384, 3, 2)]],
        "branch3x3dbl": [*_row((64, 1), (96, 3)), [(96, 3, 2)]],
    }
    return Mixed(inputs, branches, _halve)


def _sevens(inputs: int, c: int) -> Mixed:
    branches = {
        "branch1x1": _row((192, 1)),
        "branch7x7": _row((c, 1), (c, (1, 7)), (192, (7, 1))),
        "branch7x7dbl": _row((c, 1), (c, (7, 1)), (c, (1, 7)), (c, (7, 1)), (192, (1, 7))),
        "branch_pool": _row((192, 1)),
    }
    return Mixed(inputs, branches, _average)


def _to_8(inputs: int) -> Mixed:
    branches: dict[str, list[Step]] = {
        "branch3x3": [*_row((192, 1)), [(320, 3, 2)]],
        "branch7x7x3": [*_row((192, 1), (192, (1, 7)), (192, (7, 1))), [(192, 3, 2)]],
    }
    return Mixed(inputs, branches, _halve)


def _forked(inputs: int, pool: Callable[[Tensor], Tensor]) -> Mixed:
    fork: Step = [(384, (1, 3), 1), (384, (3, 1), 1)]
    branches = {
        "branch1x1": _row((320, 1)),
        "branch3x3": [*_row((384, 1)), fork],
        "branch3x3dbl": [*_row((448, 1), (384, 3)), fork],
        "branch_pool": _row((192, 1)),
    }
    return Mixed(inputs, branches, pool)


class InceptionV3(nn.Module):
    """uint8 images [N, 3, S, S] to pooled features float32 [N, 2048]."""

    name = "inception-v3"

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(3, 32, 3, 2, padded=False)
        self.Conv2d_2a_3x3 = Conv(32, 32, 3, padded=False)
        self.Conv2d_2b_3x3 = Conv(32, 64, 3)
        self.Conv2d_3b_1x1 = Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = Conv(80, 192, 3, padded=False)
        self.Mixed_5b = _eights(192, pool=32)
        self.Mixed_5c = _eights(256, pool=64)
        self.Mixed_5d = _eights(288, pool=64)
        self.Mixed_6a = _to_17(288)
        self.Mixed_6b = _sevens(768, 128)
        self.Mixed_6c = _sevens(768, 160)
        self.Mixed_6d = _sevens(768, 160)
        self.Mixed_6e = _sevens(768, 192)
        self.Mixed_7a = _to_8(768)
        self.Mixed_7b = _forked(1280, _average)
        self.Mixed_7c = _forked(2048, _highest)
        self.fc = nn.Linear(2048, 1008)  # unused; the file of weights has it

    def features(self, pixels: Tensor) -> Tensor:
        """Features float32 [N, 2048] of uint8 images [N, 3, S, S]; call in evaluation mode."""
        x = (resize_tensorflow1(pixels.float(), SIDE) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = _halve(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(_halve(x))))
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                x = block(x)
        return x.mean((2, 3))

    forward = features


def resize_tensorflow1(image: Tensor, size: int) -> Tensor:
    """Bilinear, as TensorFlow 1 did it: pixel k of the result lies at k * S / size in the image.

    Takes and returns float [N, C, S, S]. The corners, not the centres, of the pixel grids meet,
    so an image is shifted a little; the published FID has it so.
    """
    before = image.shape[-1]
    place = torch.arange(size, device=image.device) * (before / size)
    low = place.floor().long()
    high = (low + 1).clamp(max=before - 1)
    part = (place - low).to(image.dtype)
    image = image[..., low, :] * (1 - part)[:, None] + image[..., high, :] * part[:, None]
    return image[..., low] * (1 - part) + image[..., high] * part


def check_published(path: Path) -> None:
    """Raise RequestError unless `path` is the file of the published weights, by its SHA-256."""
    wanted = f"the published weights are {SOURCE}"
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RequestError(f"{path}: {error.strerror or error}: {wanted}") from None
    if found != SHA256:
        raise RequestError(
            f"{path} has the SHA-256 {found[:8]}..., not {SHA256[:8]}...: {wanted}; "
            "download it again, or use --extractor own"
        )


def load_published(path: Path) -> InceptionV3:
    """The network with the published weights, in evaluation mode.

    Nothing is unpickled before the file's SHA-256 is right, and then weights alone.
    Raises RequestError where the file is missing or is another one.
    """
    check_published(path)
    network = InceptionV3()
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval().requires_grad_(False)
