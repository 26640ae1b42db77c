"""The Inception v3 on whose features the published FID is measured (Heusel et al. 2017).

The network of Szegedy et al. 2016 as TensorFlow released it on 2015-12-05, with the parameter
names of its converted weights, which the user provides. It is not torchvision's: there are 1008
classes, average pooling leaves the padding out, and the last block pools by the maximum.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d

from sparring.errors import RequestError

SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SOURCE = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth"
)
SIDE = 299
"""Pixels that the network sees, each way."""

_average = partial(avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False)
_highest = partial(max_pool2d, kernel_size=3, stride=1, padding=1)
_halve = partial(max_pool2d, kernel_size=3, stride=2)


Kernel = int | tuple[int, int]
Steps = list[tuple[Any, ...]]
"""A branch: output channels and kernel of each convolution; two kernels' results are joined."""


def _conv(
    inputs: int, outputs: int, kernel: Kernel, stride: int = 1, padded: bool = True
) -> nn.Module:
    high, wide = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (high // 2, wide // 2) if padded else 0
    conv = nn.Conv2d(inputs, outputs, (high, wide), stride, padding, bias=False)
    return nn.Sequential(
        OrderedDict(conv=conv, bn=nn.BatchNorm2d(outputs, eps=0.001), relu=nn.ReLU())
    )


class Mixed(nn.Module):
    """Branches side by side, joined on the channels; `branch_pool` begins with `pool`.

    With the pool `_halve` every branch ends with stride 2 and no padding.
    """

    def __init__(self, inputs: int, pool: Callable[[Tensor], Tensor], **branches: Steps) -> None:
        super().__init__()
        self.pool = pool
        self.branches: dict[str, list[list[nn.Module]]] = {name: [] for name in branches}
        for branch, steps in branches.items():
            channels = inputs
            for number, (outputs, *kernels) in enumerate(steps, 1):
                last = pool is _halve and number == len(steps)
                convs = [_conv(channels, outputs, k, 1 + last, not last) for k in kernels]
                suffix = f"_{number}" if len(steps) > 1 else ""
                for letter, conv in zip("ab" if len(convs) > 1 else [""], convs, strict=True):
                    self.add_module(f"{branch}{suffix}{letter}", conv)
                self.branches[branch].append(convs)
                channels = outputs * len(kernels)

    def forward(self, x: Tensor) -> Tensor:
        ends = []
        for name, steps in self.branches.items():
            end = self.pool(x) if name == "branch_pool" else x
            for convs in steps:
                end = torch.cat([conv(end) for conv in convs], 1)
            ends.append(end)
        return torch.cat(ends, 1)


_DOUBLE = [(64, 1), (96, 3), (96, 3)]


def _on_35(inputs: int, pool: int) -> Mixed:
    single = {"branch1x1": [(64, 1)], "branch5x5": [(48, 1), (64, 5)]}
    return Mixed(inputs, _average, **single, branch3x3dbl=_DOUBLE, branch_pool=[(pool, 1)])


def _on_17(c: int) -> Mixed:
    long = [(c, 1), (c, (7, 1)), (c, (1, 7)), (c, (7, 1)), (192, (1, 7))]
    short = [(c, 1), (c, (1, 7)), (192, (7, 1))]
    one = [(192, 1)]
    return Mixed(768, _average, branch1x1=one, branch7x7=short, branch7x7dbl=long, branch_pool=one)


def _on_8(inputs: int, pool: Callable[[Tensor], Tensor]) -> Mixed:
    ends = (384, (1, 3), (3, 1))
    single: dict[str, Steps] = {"branch1x1": [(320, 1)], "branch3x3": [(384, 1), ends]}
    double = [(448, 1), (384, 3), ends]
    return Mixed(inputs, pool, **single, branch3x3dbl=double, branch_pool=[(192, 1)])


class InceptionV3(nn.Module):
    """uint8 images [N, 3, S, S] to pooled features float32 [N, 2048]."""

    name = "inception-v3"

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _conv(3, 32, 3, 2, padded=False)
        self.Conv2d_2a_3x3 = _conv(32, 32, 3, padded=False)
        self.Conv2d_2b_3x3 = _conv(32, 64, 3)
        self.Conv2d_3b_1x1 = _conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _conv(80, 192, 3, padded=False)
        self.Mixed_5b, self.Mixed_5c = _on_35(192, 32), _on_35(256, 64)
        self.Mixed_5d = _on_35(288, 64)
        to_17 = [(384, 3)]
        self.Mixed_6a = Mixed(288, _halve, branch3x3=to_17, branch3x3dbl=_DOUBLE, branch_pool=[])
        self.Mixed_6b, self.Mixed_6c = _on_17(128), _on_17(160)
        self.Mixed_6d, self.Mixed_6e = _on_17(160), _on_17(192)
        to_8, long = [(192, 1), (320, 3)], [(192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3)]
        self.Mixed_7a = Mixed(768, _halve, branch3x3=to_8, branch7x7x3=long, branch_pool=[])
        self.Mixed_7b, self.Mixed_7c = _on_8(1280, _average), _on_8(2048, _highest)
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
    """Float [N, C, S, S] to [N, C, size, size], bilinear, as TensorFlow 1 did it.

    Pixel k of the result lies at k * S / size: the corners, not the centres, of the pixel grids
    meet, so an image is shifted a little; the published FID has it so.
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

    Nothing is unpickled before the file's SHA-256 is right (else RequestError), then weights alone.
    """
    check_published(path)
    network = InceptionV3()
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval().requires_grad_(False)
