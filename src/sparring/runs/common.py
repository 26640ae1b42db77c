"""What both kinds of run do alike: describe what is asked, build networks, open the folder."""

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from msgspec import structs
from torch import nn

from sparring import __version__, frozen
from sparring.data.images import DataSet
from sparring.errors import RequestError
from sparring.frozen import Frozen
from sparring.game import Batch, Method, Pair, Shape
from sparring.methods import METHODS, name_of
from sparring.model_folder import save
from sparring.nets.summary import describe
from sparring.runs import card
from sparring.runs.folder import Run
from sparring.runs.records import Architecture, Config, Data, Environment, Length, Network
from sparring.runs.scores import ClassifierScores, Scores
from sparring.runtime import describe_machine, resolve_precision
from sparring.trainer import Trainer, Training

M = TypeVar("M", bound=Method)

_COPIES = 24
"""How often the weights lie on the disk at most: in two saved files and one that is being written,
each of two states with Adam's two moments (18), as candidates (5), and as the model (1)."""


MAX_SEED = 2**32 - 1
"""The largest seed that every library takes."""


def length(steps: int, batch_size: int, seed: int, **more: Any) -> Training:
    """How long to train, as a person asks for it. Raises RequestError for what cannot be."""
    for name, value in (("steps", steps), ("batch-size", batch_size), ("seed", seed)):
        if not isinstance(value, Integral):
            raise RequestError(f"--{name} must be a whole number, not {value!r}")
    if steps < 1 or batch_size < 2:
        raise RequestError("--steps must be at least 1 and --batch-size at least 2")
    a_seed(seed)
    return Training(int(steps), int(batch_size), **more)  # numpy's integers, too


def a_seed(seed: int) -> None:
    """Raise RequestError for a seed that not every library takes."""
    if not 0 <= seed <= MAX_SEED:
        raise RequestError(f"--seed must lie in 0..{MAX_SEED}, not be {seed}")


def asked(method: Method, seed: int, training: Training, device: torch.device) -> dict[str, Any]:
    """The fields of a Config that follow from the method and its training."""
    return {
        "method": name_of(method),
        "preset": preset_of(method),
        "seed": seed,
        "settings": dataclasses.asdict(method),
        "training": Length(
            steps=training.steps,
            batch_size=training.batch_size,
            precision=resolve_precision(training.precision, device),
        ),
    }


def method_of(run: str) -> str:
    """The name of the method that the name of a run begins with."""
    known = (*METHODS, frozen.NAME)
    return next((name for name in known if run.startswith(f"{name}-")), run.partition("-")[0])


def preset_of(method: Method) -> str:
    """The name of the preset that the method's settings are; "own" where they are none."""
    kind, settings = type(method), dataclasses.asdict(method)
    for name, changes in kind.PRESETS.items():
        if dataclasses.asdict(kind(**changes)) == settings:
            return name
    return "own"


def describe_data(name: str, dataset: DataSet) -> Data:
    """The record of a data set that this run calls `name`."""
    train, test = dataset.train, dataset.test
    return Data(
        name=name,
        kind=dataset.kind,
        train=len(train),
        test=len(test),
        labelled=test.labels is not None,
        fingerprint=dataset.fingerprint,
        white=dataset.account.white,
    )


def build(method: M, shape: Shape, seed: int) -> M:
    """A fresh copy of `method` with its networks, drawn from `seed`.

    Also seeds the global random state that training goes on to use.
    """
    torch.manual_seed(seed)
    fresh = dataclasses.replace(method)
    fresh.build(shape)
    return fresh


def begin(folder: Run, config: Config, method: M, shape: Shape, device: torch.device) -> M:
    """The method with its networks, and the run folder open for them.

    Raises RequestError where that folder holds another run, or its disk has no room for this one.
    """
    fresh = build(method, shape, config.seed)
    check_room(folder, fresh)
    folder.open(config, method.scheduled)
    folder.write(environment(device))
    return fresh


def check_room(folder: Run, method: Method) -> None:
    """Raise RequestError where the disk has no room for the states of the method's training."""
    needed = 4 * _COPIES * sum(parameter.numel() for parameter in method.parameters())
    place = next(path for path in folder.path.absolute().parents if path.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise RequestError(
            f"{place}: {free / 1e9:.2f} GB free, {needed / 1e9:.2f} GB needed for the states of a "
            "training; free some room or name an --out on another disk"
        )


def environment(device: torch.device) -> Environment:
    """What a number was measured on: versions, machine, commit."""
    return Environment(sparring=__version__, commit=_commit(), **describe_machine(device))


def _commit() -> str | None:
    """The commit of the source tree that runs, with a + where it was changed; None outside git."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None


def architecture(method: Method, batch: Batch) -> Architecture:
    """Each network of the method, told by playing two images of `batch` at the training's end."""
    method.eval()
    few = _few(batch)
    networks = []
    for name, network in method.named_children():
        layers = describe(network, lambda: list(method.moves(few, 1.0)))
        if layers:
            networks.append(
                Network(
                    title=name.replace("_", " ").capitalize(),
                    summary=_summary(network),
                    parameters=sum(layer.parameters for layer in layers),
                    layers=tuple(layers),
                )
            )
    about = sys.modules[METHODS[name_of(method)].__module__].__doc__ or ""
    return Architecture(about=about.strip(), networks=tuple(networks))


def _few(batch: Any) -> Any:
    if isinstance(batch, Pair):
        return Pair(_few(batch.source), _few(batch.target))
    names = [field.name for field in dataclasses.fields(batch)]
    return dataclasses.replace(batch, **{name: getattr(batch, name)[:2] for name in names})


def _summary(network: nn.Module) -> str:
    """The first line of what the network's own class says of itself."""
    ours = type(network).__module__.startswith("sparring.")
    return (type(network).__doc__ or "").partition("\n")[0] if ours else ""


def finish(
    folder: Run,
    config: Config,
    trainer: Trainer,
    shape: Shape,
    scores: Scores,
    arrays: Mapping[str, dict[str, np.ndarray]],
) -> None:
    """`keep` what was trained, then remove what only an unfinished run needs."""
    seconds, speed = round(trainer.seconds, 2), round(trainer.images_per_second, 1)
    scores = structs.replace(scores, seconds=seconds, images_per_second=speed)
    keep(folder, config, trainer.method, shape, scores, arrays)
    folder.tidy(trainer.training.keep_state)


def keep(
    folder: Run,
    config: Config,
    network: Method | Frozen,
    shape: Shape,
    scores: Scores,
    arrays: Mapping[str, dict[str, np.ndarray]],
) -> None:
    """Write arrays by file, the model and, last of all, the scores: they make a run finished."""
    for name, group in arrays.items():
        if group:
            folder.write_arrays(name, group)
    target, words = folder.path / "model", card.text(config, scores)
    warmth = scores.target_temperature if isinstance(scores, ClassifierScores) else 1.0
    save(
        target,
        network,
        shape,
        preset=config.preset,
        data=config.data,
        card=words,
        temperature=warmth,
    )
    folder.write(scores)
