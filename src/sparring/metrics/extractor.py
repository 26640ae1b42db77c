"""A small convolutional network, trained on a set's own labels, that gives images features.

Serves as the extractor of the fidelity scores and, trained apart, as the judge of labels. Knows
images in memory and training on them; knows no generator and no file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot, pad

from sparring.data.feed import Stream, normalise
from sparring.data.images import Images
from sparring.errors import Stopped
from sparring.game import LabelKind
from sparring.nets.inception import InceptionV3
from sparring.signals import stop_requests

STEPS, BATCH_SIZE = 600, 128
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.05
FEATURES = 256
_GRID, _SHIFT = 4, 2
QUARTER_TURNS = ("0°", "90°", "180°", "270°")


class Extractor(nn.Module):
    """Images to FEATURES features, and on to one logit for each label.

    The features come from all places of a 4x4 grid, unaveraged: in aligned faces, where something
    is tells much of what it is.
    name: `convnet-` and what it learned: `attributes`, `classes` or `quarter-turns`.
    learned_from: fingerprint of the images that it learned from; empty before it has.
    """

    def __init__(
        self, name: str, label_names: tuple[str, ...], label_kind: LabelKind, width: int = 32
    ) -> None:
        super().__init__()
        self.name, self.label_names, self.label_kind = name, label_names, label_kind
        self.learned_from = ""
        layers: list[nn.Module] = []
        for before, after in pairwise((3, width, 2 * width, 4 * width, 8 * width)):
            convolution = nn.Conv2d(before, after, 3, 2, 1, bias=False)
            layers += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
        flat = nn.Linear(8 * width * _GRID**2, FEATURES, bias=False)
        layers += [nn.AdaptiveAvgPool2d(_GRID), nn.Flatten(), flat]
        self.trunk = nn.Sequential(*layers, nn.BatchNorm1d(FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, len(label_names))

    def forward(self, image: Tensor) -> Tensor:
        """Logits float [N, K] of images float [N, 3, S, S] in [-1, 1]."""
        return cast(Tensor, self.head(self.trunk(image)))

    def features(self, pixels: Tensor) -> Tensor:
        """Features float32 [N, FEATURES] of uint8 images [N, 3, S, S]."""
        return cast(Tensor, self.trunk(normalise(pixels)))

    def logits(self, pixels: Tensor) -> Tensor:
        """Logits float32 [N, K] of uint8 images [N, 3, S, S]."""
        return self.forward(normalise(pixels))


FeatureNet = Extractor | InceptionV3
"""What gives features; the scores' name says which."""


@dataclass(frozen=True)
class Skill:
    """How well an extractor knows the labels of n images that it was not trained on, by label.

    Each label is a question of yes or no: has the image the attribute, is it of the class.
    balanced: mean of the hit rates among yes and among no; None where one of them does not occur.
    always: the accuracy of the constant answer.
    """

    n: int
    accuracy: dict[str, float]
    balanced: dict[str, float | None]
    always: dict[str, float]

    @property
    def mean_balanced(self) -> float | None:
        """Mean of `balanced` over the labels that have both answers; None where none has."""
        known = [value for value in self.balanced.values() if value is not None]
        return float(np.mean(known)) if known else None

    @property
    def mean_accuracy(self) -> float:
        """Mean of `accuracy` over the labels."""
        return float(np.mean(list(self.accuracy.values())))


def task_of(images: Images, seed: int) -> tuple[str, Images]:
    """What an extractor learns from `images`: its name, and the images with the labels for it.

    Unlabelled images are turned by random quarter turns, the classes (Gidaris et al. 2018, sec. 2).
    """
    if images.labels is not None:
        return f"convnet-{images.kind}", images
    own = torch.Generator().manual_seed(seed)
    turn = torch.randint(4, (len(images),), generator=own)
    pixels = images.pixels.clone()
    for quarters in (1, 2, 3):
        pixels[turn == quarters] = pixels[turn == quarters].rot90(quarters, (2, 3))
    return "convnet-quarter-turns", Images(pixels, turn, QUARTER_TURNS)


def train_extractor(
    train: Images,
    held_out: Images,
    seed: int,
    device: torch.device,
    *,
    steps: int = STEPS,
    mirror: bool = False,
    bfloat16: bool = False,
    watch: Callable[[int], None] = lambda step: None,
) -> tuple[Extractor, Skill]:
    """Train on `train`; the skill is measured on `held_out`, which should share no person with it.

    mirror: whether a mirrored image is as good as the original. watch: called with the number of
    steps that are made, after each. Repeats by seed. The network comes back in evaluation mode.
    Raises Stopped after SIGINT or SIGTERM.
    """
    name, examples = task_of(train, seed)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = Extractor(name, examples.label_names, examples.kind).to(device)
        stream = Stream(examples, BATCH_SIZE, (seed,), device, mirror)
        _fit(network, stream, steps, bfloat16, watch)
    network.learned_from = train.fingerprint
    network.eval().requires_grad_(False)
    return network, skill(network, task_of(held_out, seed)[1])


def _fit(
    network: Extractor, stream: Stream, steps: int, bfloat16: bool, watch: Callable[[int], None]
) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    loss_of = cross_entropy if network.label_kind == "classes" else binary_cross_entropy_with_logits
    network.train()
    with stop_requests() as requests:
        for step in range(steps):
            batch = stream.labelled(step)
            with torch.autocast(stream.device.type, torch.bfloat16, enabled=bfloat16):
                logits = network(shifted(batch.image))
            loss = loss_of(logits.float(), batch.label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            watch(step + 1)
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
    return _in_parts(network, network.features, pixels, batch_size).numpy()


def _in_parts(
    network: nn.Module, ask: Callable[[Tensor], Tensor], pixels: Tensor, batch_size: int
) -> Tensor:
    device = next(network.parameters()).device
    return torch.cat([ask(part.to(device)).cpu() for part in pixels.split(batch_size)])


@torch.inference_mode()
def verdicts(judge: Extractor, pixels: Tensor, batch_size: int = 250) -> np.ndarray:
    """The judge's yes or no to each label: bool [N, K].

    Of classes the one with the largest logit; of attributes those whose logit is above 0.
    """
    logits = _in_parts(judge, judge.logits, pixels, batch_size)
    if judge.label_kind == "classes":
        return one_hot(logits.argmax(1), logits.shape[1]).bool().numpy()
    return (logits > 0).numpy()


def answers(images: Images) -> np.ndarray:
    """The true labels as yes or no: bool [N, K]. Raises ValueError for an unlabelled set."""
    if images.labels is None:
        raise ValueError("these images are unlabelled")
    if images.kind == "classes":
        return one_hot(images.labels, len(images.label_names)).bool().numpy()
    return images.labels.bool().numpy()


def skill(judge: Extractor, images: Images) -> Skill:
    """How well `judge` knows the labels, in its own order, of `images`."""
    truth = answers(images)
    right = verdicts(judge, images.pixels) == truth
    found = Skill(len(images), {}, {}, {})
    for name, hit, yes in zip(judge.label_names, right.T, truth.T, strict=True):
        found.accuracy[name] = float(hit.mean())
        found.always[name] = float(max(yes.mean(), 1 - yes.mean()))
        both = 0 < yes.sum() < len(yes)
        found.balanced[name] = float(hit[yes].mean() + hit[~yes].mean()) / 2 if both else None
    return found
