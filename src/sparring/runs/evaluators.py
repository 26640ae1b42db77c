"""What generators of one data set are judged with: an extractor of features, a judge of attributes.

Both learn from the whole set's own labels, or the extractor is the published Inception. Knows how
they come to be; what is asked of them is in `inspection`.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch

from sparring import cache
from sparring.data.images import DataSet
from sparring.metrics.extractor import Extractor, FeatureNet, Skill, as_attributes
from sparring.metrics.fidelity import FEWEST, frechet_name
from sparring.metrics.reference import Yardstick
from sparring.nets.inception import load_published
from sparring.runs import published_weights as published
from sparring.runs.kept_extractors import load_or_train

ExtractorName = Literal["own", "inception"]
_EXTRACTOR_SEED, _JUDGE_SEED = 0, 1


@dataclass(frozen=True)
class Instruments:
    """The instruments, made once for a data set, and what is known of them.

    dataset: the whole set, with labels [N, A] on both sides or on neither.
    yardstick: None where the set is too small for scores.
    extractor: its name, what its Fréchet distance is called, and its skill if it learned here.
    judge, skill: None for a set without labels. It has seen the real training images and no others:
        one that learned from a generator's images would call them right.
    """

    dataset: DataSet
    yardstick: Yardstick | None
    extractor: dict[str, Any]
    judge: Extractor | None
    skill: Skill | None


@dataclass(frozen=True)
class Order:
    """What is wanted. steps: of each training. images: compared in each score."""

    extractor: ExtractorName
    steps: int
    images: int


def set_up(
    dataset: DataSet, order: Order, device: torch.device, say: Callable[[str], None]
) -> Instruments:
    """Make the instruments for `dataset` (the whole set), or take what the cache folder has.

    Raises RequestError where the published weights are not to be had, and Stopped.
    """
    if dataset.train.labels is None or dataset.test.labels is None:
        train, test = dataset.train.unlabelled(), dataset.test.unlabelled()
        dataset = replace(dataset, train=train, test=test)
    learned = partial(_learned, dataset, order.steps, device, say)
    few = min(order.images, len(dataset.train), len(dataset.test)) < FEWEST
    yardstick: Yardstick | None = None
    extractor: dict[str, Any] = {}
    if not few:
        network, extractor = _extractor(order.extractor, learned, device, say)
        yardstick = Yardstick.of(network, dataset.train.pixels, dataset.test.pixels, order.images)
    judge, skill = None, None
    if dataset.train.labels is not None:
        judge, skill = learned("judge", _JUDGE_SEED)
        dataset = _with_attributes(dataset)
    return Instruments(dataset, yardstick, extractor, judge, skill)


def _with_attributes(dataset: DataSet) -> DataSet:
    """The same labelled set, each class as an attribute of its own."""
    train, test = (as_attributes(side, 0)[1] for side in (dataset.train, dataset.test))
    return replace(dataset, train=train, test=test)


def _extractor(
    name: ExtractorName,
    learned: Callable[[str, int], tuple[Extractor, Skill]],
    device: torch.device,
    say: Callable[[str], None],
) -> tuple[FeatureNet, dict[str, Any]]:
    network: FeatureNet
    if name == "inception":
        network, about = load_published(published.weights(cache.folder(), say)).to(device), {}
    else:
        network, skill = learned("extractor", _EXTRACTOR_SEED)
        about = describe(skill)
    return network, {"name": network.name, "frechet": frechet_name(network.name)} | about


def _learned(
    dataset: DataSet,
    steps: int,
    device: torch.device,
    say: Callable[[str], None],
    role: str,
    seed: int,
) -> tuple[Extractor, Skill]:
    what = "quarter turns" if dataset.train.labels is None else "labels"
    say(f"{role}: learning the {what} of {dataset.name}, {steps:,} steps, unless it is kept")
    network, skill = load_or_train(
        cache.folder(),
        dataset.train,
        dataset.test,
        seed,
        device,
        mirror=dataset.mirror,
        steps=steps,
    )
    if network.learned_from != dataset.train.fingerprint():
        raise ValueError(f"the {role} learned from other images than the real training images")
    balanced = skill.mean_balanced
    known = "" if math.isnan(balanced) else f", balanced {balanced:.1%}"
    say(f"{role}: right on {skill.n:,} held-out images in {skill.mean_accuracy:.1%}{known}")
    return network, skill


def describe(skill: Skill) -> dict[str, Any]:
    """A skill, with its means over the labels, for a JSON file."""
    means = {"mean_accuracy": skill.mean_accuracy, "mean_balanced": skill.mean_balanced}
    return dataclasses.asdict(skill) | means


def check(order: Order, say: Callable[[str], None]) -> None:
    """Raise RequestError where they could not be set up; fetches what must be fetched."""
    if order.extractor == "inception":
        published.weights(cache.folder(), say)
