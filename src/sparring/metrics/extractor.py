"""A small convolutional network, trained on a set's own labels, that gives images features.

Serves as the feature extractor of the fidelity scores and, trained apart, as the judge of
attributes. Knows images in memory and training on them; knows no generator and no file.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot, pad

from sparring.data.feed import Stream, normalise
from sparring.data.images import Images
from sparring.errors import Stopped
from sparring.signals import stop_requests

STEPS, BATCH_SIZE = 600, 128
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.05
FEATURES = 256
_GRID, _SHIFT = 4, 2
QUARTER_TURNS = ("0°", "90°", "180°", "270°")


class FeatureNet(Protocol):
    """What gives features: this module's `Extractor`, or the published Inception v3."""

    @property
    def name(self) -> str:
        """What the scores' name says, such as `convnet-attributes`."""

    def features(self, pixels: Tensor) -> Tensor:
        """Features float32 [N, F] of uint8 images [N, 3, S, S]."""


class Extractor(nn.Module):
    """Images to FEATURES features, and on to one logit for each label.

    The features come from all places of a 4x4 grid, unaveraged: in aligned faces, where something
    is tells much of what it is.
    name: what it learned from: `convnet-attributes`, `convnet-classes`, `convnet-quarter-turns`.
    learned_from: fingerprint of the images that it learned from; empty before it has.
    """

    def __init__(self, name: str, label_names: tuple[str, ...], width: int = 32) -> None:
        super().__init__()
        self.name, self.label_names = name, label_names
        self.learned_from = ""
        widths = [3, width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            convolution = nn.Conv2d(before, after, 3, 2, 1, bias=False)
            layers += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
        flat = nn.Linear(widths[-1] * _GRID**2, FEATURES, bias=False)
        layers += [nn.AdaptiveAvgPool2d(_GRID), nn.Flatten(), flat]
        self.trunk = nn.Sequential(*layers, nn.BatchNorm1d(FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, len(label_names))

    def forward(self, image: Tensor) -> Tensor:
        """Logits float [N, A] of images float [N, 3, S, S] in [-1, 1]."""
        logits: Tensor = self.head(self.trunk(image))
        return logits

    def features(self, pixels: Tensor) -> Tensor:
        """Features float32 [N, FEATURES] of uint8 images [N, 3, S, S]."""
        features: Tensor = self.trunk(normalise(pixels))
        return features

    def logits(self, pixels: Tensor) -> Tensor:
        """Logits float32 [N, A] of uint8 images [N, 3, S, S]; above 0 is yes."""
        return self.forward(normalise(pixels))


@dataclass(frozen=True)
class Skill:
    """How well an extractor knows the labels of n images that it was not trained on.

    accuracy, balanced: by label; balanced is the mean of the hit rates among yes and among no,
        and NaN where one of them does not occur. always: the accuracy of the constant answer.
    """

    n: int
    accuracy: dict[str, float]
    balanced: dict[str, float]
    always: dict[str, float]

    @property
    def mean_balanced(self) -> float:
        """Mean of `balanced` over the labels that have both values; NaN where none has."""
        known = [value for value in self.balanced.values() if value == value]
        return float(np.mean(known)) if known else float("nan")

    @property
    def mean_accuracy(self) -> float:
        """Mean of `accuracy` over the labels."""
        return float(np.mean(list(self.accuracy.values())))


def as_attributes(images: Images, seed: int) -> tuple[str, Images]:
    """What an extractor can learn from `images`, and the images with labels int64 [N, A].

    Attributes stay; classes become one attribute each; unlabelled images are each turned by a
    random quarter turn, which is then the label (Gidaris et al. 2018, section 2).
    """
    if images.labels is None:
        own = torch.Generator().manual_seed(seed)
        turn = torch.randint(4, (len(images),), generator=own)
        pixels = images.pixels.clone()
        for quarters in (1, 2, 3):
            pixels[turn == quarters] = pixels[turn == quarters].rot90(quarters, (2, 3))
        return "convnet-quarter-turns", Images(pixels, one_hot(turn, 4), QUARTER_TURNS)
    if images.labels.ndim == 1:
        return "convnet-classes", replace(
            images, labels=one_hot(images.labels, len(images.label_names))
        )
    return "convnet-attributes", images


def train_extractor(
    train: Images,
    held_out: Images,
    seed: int,
    device: torch.device,
    *,
    steps: int = STEPS,
    mirror: bool = False,
    bfloat16: bool = False,
) -> tuple[Extractor, Skill]:
    """Train on `train`; the skill is measured on `held_out`, which should share no person with it.

    mirror: whether a mirrored image is as good as the original. Repeats by seed; the global
    random state is left alone. The network comes back in evaluation mode. Raises Stopped after
    SIGINT or SIGTERM.
    """
    name, examples = as_attributes(train, seed)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = Extractor(name, examples.label_names).to(device)
        stream = Stream(examples, BATCH_SIZE, (seed,), device, mirror)
        _fit(network, stream, steps, bfloat16)
    network.learned_from = train.fingerprint()
    network.eval().requires_grad_(False)
    return network, skill(network, as_attributes(held_out, seed)[1])


def _fit(network: Extractor, stream: Stream, steps: int, bfloat16: bool) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    network.train()
    with stop_requests() as requests:
        for step in range(steps):
            batch = stream.labelled(step)
            with torch.autocast(stream.device.type, torch.bfloat16, enabled=bfloat16):
                logits = network(shifted(batch.image))
            loss = binary_cross_entropy_with_logits(logits.float(), batch.label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if requests:
                raise Stopped(requests[0], f"stopped while the {network.name} learned")


def shifted(image: Tensor) -> Tensor:
    """The whole batch (float [N, 3, S, S]) moved at random by up to `_SHIFT` pixels each way."""
    size = image.shape[-1]
    row, column = torch.randint(2 * _SHIFT + 1, (2,)).tolist()
    wide = pad(image, (_SHIFT,) * 4, mode="replicate")
    return wide[..., row : row + size, column : column + size].contiguous(
        memory_format=torch.channels_last
    )


@torch.inference_mode()
def features_of(network: FeatureNet, pixels: Tensor, batch_size: int = 250) -> np.ndarray:
    """Features float32 [N, F] of uint8 images [N, 3, S, S], in parts."""
    parts = [network.features(_to(network, part)).cpu() for part in pixels.split(batch_size)]
    return torch.cat(parts).numpy()


class Judge(Protocol):
    """What says which attributes an image has: an `Extractor` that was trained apart."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the attributes, in the order of the logits."""

    def logits(self, pixels: Tensor) -> Tensor:
        """Logits float [N, A] of uint8 images [N, 3, S, S]; above 0 is yes."""


@torch.inference_mode()
def verdicts(judge: Judge, pixels: Tensor, batch_size: int = 250) -> np.ndarray:
    """The judge's yes or no to each of its attributes: bool [N, A]."""
    parts = [judge.logits(_to(judge, part)).cpu() > 0 for part in pixels.split(batch_size)]
    return torch.cat(parts).numpy()


def _to(network: object, pixels: Tensor) -> Tensor:
    """The pixels, on the device of the network if it is one."""
    if isinstance(network, nn.Module):
        return pixels.to(next(network.parameters()).device)
    return pixels


def skill(judge: Judge, images: Images) -> Skill:
    """How well `judge` knows the labels (int64 [N, A], in its own order) of `images`."""
    if images.labels is None:
        raise ValueError("skill is measured on labelled images")
    truth = images.labels.numpy().astype(bool)
    right = verdicts(judge, images.pixels) == truth
    hits = [
        [float(column[side].mean()) if side.any() else float("nan") for side in (yes, ~yes)]
        for column, yes in zip(right.T, truth.T, strict=True)
    ]
    share = truth.mean(0)
    names = judge.label_names
    return Skill(
        len(images),
        dict(zip(names, right.mean(0).tolist(), strict=True)),
        {name: sum(both) / 2 for name, both in zip(names, hits, strict=True)},
        dict(zip(names, np.maximum(share, 1 - share).tolist(), strict=True)),
    )
