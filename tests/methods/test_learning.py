"""A method learns: on a toy shift adaptation helps, far beyond the noise of seeds.

For DANN: two classes, bright above and dark below, or the reverse. In the source red and blue tell
the class too, and more easily; every target image is red. Source only learns the colour, and so
guesses on the target. That colour tells the domains apart: trained against the domain classifier,
the features must do without it, and both domains look alike.
For the mean teacher: labels that are shared out move the border between two classes that shifted.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
import torch
from torch import Tensor

from sparring.game import AdaptationMethod, Labelled, Pair, Shape, Unlabelled
from sparring.methods import DANN, MeanTeacher
from sparring.trainer import Trainer, Training

CPU = torch.device("cpu")
SIZE, BATCH = 16, 32


def coloured(count: int, random: torch.Generator, source: bool) -> tuple[Tensor, Tensor]:
    """Bright above or below, and red or blue. In the target all are red."""
    label = torch.randint(2, (count,), generator=random)
    sign = (2.0 * label - 1)[:, None, None]
    image = 0.3 * torch.randn(count, 3, SIZE, SIZE, generator=random)
    image[:, :, : SIZE // 2] += 0.5 * sign[:, None]
    image[:, :, SIZE // 2 :] -= 0.5 * sign[:, None]
    red = 1.0 * (sign if source else torch.ones_like(sign))
    image[:, 0] += red
    image[:, 2] -= red
    return image, label


def accuracy(
    method: AdaptationMethod, draw: "Draw", steps: int, folder: Path, seed: int, adapts: bool
) -> float:
    """On new target images, after training on both domains or on the source alone."""
    random = torch.Generator().manual_seed(seed)
    (image, label), (target, _) = (draw(1024, random, source) for source in (True, False))

    def feed(step: int) -> Pair | Labelled:
        drawn = torch.Generator().manual_seed(1000 * seed + step)
        source, other = torch.randint(1024, (2, BATCH), generator=drawn)
        labelled = Labelled(image[source], label[source])
        return Pair(labelled, Unlabelled(target[other])) if adapts else labelled

    torch.manual_seed(seed)
    method = replace(method)
    method.build(Shape(SIZE, ("one", "other"), "classes"))
    folder.mkdir()
    Trainer(method, feed, Training(steps, BATCH, "float32"), folder, CPU).run()
    new, truth = draw(500, random, False)
    with torch.inference_mode(), method.evaluated():
        guess = method.classify(method.features(new)).argmax(1)
    return (guess == truth).float().mean().item()


Draw = Callable[[int, torch.Generator, bool], tuple[Tensor, Tensor]]
"""So many images of one domain, the source or (False) the target, and their classes."""


def bars(count: int, random: torch.Generator, source: bool) -> tuple[Tensor, Tensor]:
    """A bar above or below. In the target all are lower: half of those above lie in the middle."""
    label = torch.randint(2, (count,), generator=random)
    row = 4 + 5 * label + (0 if source else 2.5) + 0.8 * torch.randn(count, generator=random)
    image = 0.2 * torch.randn(count, 3, SIZE, SIZE, generator=random)
    image += 0.8 * ((torch.arange(SIZE) - row[:, None]).abs() < 1.5)[:, None, :, None]
    return image.clamp(-1, 1), label


@pytest.mark.parametrize(
    ("method", "draw", "steps", "margin"),
    [
        (DANN(encoder="small", reversal_weight=1.0), coloured, 150, 0.2),  # seen: 0.49
        (MeanTeacher(encoder="small", shares="source", threshold=0.6), bars, 400, 0.1),  # 0.18
    ],
    ids=["dann", "mean-teacher"],
)
def test_adapted_beats_source_only_by_far(
    method: AdaptationMethod, draw: Draw, steps: int, margin: float, tmp_path: Path
) -> None:
    def over(seeds: int, steps: int, adapts: bool) -> float:
        folders = [tmp_path / f"{adapts}-{seed}" for seed in range(seeds)]
        of = enumerate(folders)
        return median(accuracy(method, draw, steps, path, seed, adapts) for seed, path in of)

    # Adapting to a toy is a matter of luck: with each of two processors' instructions DANN learned
    # nothing with one seed of eight (with a weight of 3, three and five of eight). The source alone
    # is learned by then, by every seed.
    adapted, source_only = over(5, steps, True), over(3, 150, False)
    assert source_only < 0.8  # else there is nothing to mend
    assert adapted > source_only + margin
