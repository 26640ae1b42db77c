"""What generators of one data set are judged with: an extractor of features, a judge of labels.

Both learn from the whole set's own labels and are kept in the cache folder, or the extractor is
the published Inception. What they are asked is in `generator_evaluation`.
"""

import fcntl
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from sparring import cache
from sparring.data.images import DataSet, Images
from sparring.errors import RequestError
from sparring.metrics.extractor import Extractor, FeatureNet, Skill, task_of, train_extractor
from sparring.metrics.fidelity import FEWEST, ReferenceFeatures, frechet_name
from sparring.nets.inception import load_published
from sparring.runs import inception_weights
from sparring.runs.progress import QUIET_SECONDS
from sparring.runs.records import Judging
from sparring.runs.scores import Extractor as ExtractorRecord
from sparring.runtime import resolve_precision
from sparring.storage import sweep, write_atomically

_FORMAT = 5
"""Raise it when the network or its training changes: older files are then trained anew."""
_EXTRACTOR_SEED, _JUDGE_SEED = 0, 1
_log = logging.getLogger("sparring")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Evaluators:
    """The evaluators, made once for a data set, and what is known of them.

    dataset: what is to be drawn, labelled on both sides or on neither. reference, extractor: None
    where it is too small for fidelity scores. judge, skill: None for a set without labels. The
    judge learned from real images alone: one that saw a generator's would call them right.
    """

    dataset: DataSet
    reference: ReferenceFeatures | None
    extractor: ExtractorRecord | None
    judge: Extractor | None
    skill: Skill | None


def set_up(
    dataset: DataSet,
    judging: Judging,
    device: torch.device,
    say: Say,
    wanted: DataSet | None = None,
) -> Evaluators:
    """Make the evaluators for `dataset` (the whole set), or take what the cache folder has.

    wanted: those of its images that are to be drawn, by default all: the others teach extractor
    and judge, and nothing is compared with them. Raises RequestError where the published weights
    are not to be had, and Stopped.
    """
    if dataset.train.labels is None or dataset.test.labels is None:
        dataset = dataset.unlabelled()
    wanted = wanted or dataset
    reference = extractor = judge = judge_skill = None
    if min(judging.images, len(wanted.train), len(wanted.test)) >= FEWEST:
        network, skill = _extractor(dataset, judging, device, say)
        extractor = ExtractorRecord(
            name=network.name, frechet=frechet_name(network.name), skill=skill
        )
        reference = ReferenceFeatures.of(
            network, wanted.train.pixels, wanted.test.pixels, judging.images
        )
    if dataset.train.labels is not None:
        judge, judge_skill = load_or_train(dataset, _JUDGE_SEED, device, judging.steps, say)
    return Evaluators(wanted, reference, extractor, judge, judge_skill)


def check(judging: Judging, say: Say) -> None:
    """Raise RequestError where they could not be set up; fetches what must be fetched."""
    if judging.extractor == "inception":
        inception_weights.find_or_fetch(cache.folder(), say)


def _extractor(
    dataset: DataSet, judging: Judging, device: torch.device, say: Say
) -> tuple[FeatureNet, Skill | None]:
    if judging.extractor == "own":
        return load_or_train(dataset, _EXTRACTOR_SEED, device, judging.steps, say)
    path = inception_weights.find_or_fetch(cache.folder(), say)
    return load_published(path).to(device), None


def load_or_train(
    dataset: DataSet, seed: int, device: torch.device, steps: int, say: Say
) -> tuple[Extractor, Skill]:
    """The extractor of the set from the cache folder, else trained and put there.

    The name of its file follows from the set's fingerprint, the seed and the steps. One process
    trains while others wait for its file. A damaged file is trained anew; where the folder cannot
    be written the extractor is not kept, and a warning says so. Raises Stopped.
    """
    precision = resolve_precision("auto", device)
    names = dataset.train.label_names
    decides = (_FORMAT, dataset.fingerprint, names, seed, dataset.mirror, steps, precision)
    key = hashlib.sha256(repr(decides).encode()).hexdigest()[:16]
    path = cache.folder() / f"extractor-{key}.safetensors"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = _load(path, dataset.train, device)
            if found is None:
                found = _train(dataset, seed, device, steps, precision, say)
                _keep(path, *found)
            return found
    except OSError as error:
        _log.warning("%s cannot be written (%s): what is learned is not kept", path.parent, error)
        return _train(dataset, seed, device, steps, precision, say)


def _load(path: Path, train: Images, device: torch.device) -> tuple[Extractor, Skill] | None:
    """The kept extractor that learned from `train`; None where there is none, or a damaged one."""
    if not path.exists():
        return None
    name, examples = task_of(train.take(torch.arange(1)), 0)
    network = Extractor(name, examples.label_names, examples.kind)
    network.learned_from = train.fingerprint
    try:
        with safe_open(path, "pt") as file:
            skill = msgspec.json.decode(file.metadata()["skill"], type=Skill)
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, msgspec.MsgspecError, RuntimeError, KeyError) as error:
        _log.warning("%s is damaged and is trained anew (%s)", path, type(error).__name__)
        return None
    return network.to(device).eval().requires_grad_(False), skill


def _train(
    dataset: DataSet, seed: int, device: torch.device, steps: int, precision: str, say: Say
) -> tuple[Extractor, Skill]:
    what = "quarter turns" if dataset.train.labels is None else "labels"
    name = f"evaluator {seed + 1}"
    say(f"{name}: learning the {what} of {dataset.name}")
    began = shown = time.monotonic()

    def watch(step: int) -> None:
        nonlocal shown
        if (now := time.monotonic()) - shown > QUIET_SECONDS:
            left = (now - began) / step * (steps - step)
            say(f"{name}: step {step:,} of {steps:,}, {left:.0f} s left")
            shown = now

    network, skill = train_extractor(
        dataset.train,
        dataset.test,
        seed,
        device,
        steps=steps,
        mirror=dataset.mirror,
        bfloat16=precision == "bfloat16",
        watch=watch,
    )
    balanced = skill.mean_balanced
    known = "" if balanced is None else f", balanced {balanced:.1%}"
    say(f"{name}: right on held-out images in {skill.mean_accuracy:.1%}{known}")
    return network, skill


def _keep(path: Path, network: Extractor, skill: Skill) -> None:
    weights = {name: value.contiguous().cpu() for name, value in network.state_dict().items()}
    sweep(path.parent, shared=True)
    try:
        write_atomically(path, save(weights, {"skill": msgspec.json.encode(skill).decode()}))
    except RequestError as error:
        _log.warning("%s: what was learned is not kept", error)
