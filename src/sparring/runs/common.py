"""What every job does alike: its configuration, its networks, its files."""

import dataclasses
import io
import sys
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from sparring.data.images import DataSet
from sparring.game import Batch, Method, Shape
from sparring.methods import METHODS, name_of
from sparring.nets.summary import describe
from sparring.runs import environment
from sparring.runs.folder import RunFolder
from sparring.runtime import resolve_precision
from sparring.storage import write_atomically
from sparring.trainer import Trainer, Training

M = TypeVar("M", bound=Method)


def base_config(
    method: Method, seed: int, training: Training, device: torch.device
) -> dict[str, Any]:
    """The part of config.json that all jobs share."""
    settings = dataclasses.asdict(method)
    unchanged = settings == dataclasses.asdict(type(method)())
    return {
        "method": name_of(method),
        "preset": "report2019" if unchanged else "own",
        "seed": seed,
        "settings": settings,
        "training": {
            "steps": training.steps,
            "batch_size": training.batch_size,
            "precision": resolve_precision(training.precision, device),
        },
    }


def build(method: M, shape: Shape, seed: int) -> M:
    """A fresh copy of `method` with its networks, drawn from `seed`.

    Also seeds the global random state that training goes on to use.
    """
    torch.manual_seed(seed)
    fresh = dataclasses.replace(method)
    fresh.build(shape)
    return fresh


def open_folder(
    folder: RunFolder, config: dict[str, Any], device: torch.device, datasets: list[DataSet]
) -> None:
    """Open the run folder and record where the run happens, and what its method says of itself."""
    folder.open(config)
    about = sys.modules[METHODS[config["method"]].__module__].__doc__ or ""
    folder.write("env", environment.describe(device, datasets) | {"about": about.strip()})


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a compressed npz file, atomically."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_atomically(path, buffer.getvalue())


def architecture(method: Method, batch: Batch) -> list[dict[str, Any]]:
    """The content of architecture.json: each network of the method, by playing `batch` once."""
    method.eval()
    records = []
    for name, network in method.named_children():
        layers = describe(network, lambda: list(method.moves(batch, 0.0)))
        records.append(
            {
                "title": name.replace("_", " ").capitalize(),
                "summary": _summary(network),
                "layers": [dataclasses.asdict(layer) for layer in layers],
                "parameters": sum(layer.parameters for layer in layers),
            }
        )
    return [record for record in records if record["layers"]]


def _summary(network: nn.Module) -> str:
    """The first line of what the network's own class says of itself."""
    ours = type(network).__module__.startswith("sparring.")
    return (type(network).__doc__ or "").partition("\n")[0] if ours else ""


def finish(folder: RunFolder, trainer: Trainer, scores: dict[str, Any]) -> None:
    """Write the scores, which makes the run finished; then remove what served the training."""
    speed = {
        "seconds": round(trainer.seconds, 2),
        "images_per_second": round(trainer.images_per_second, 1),
    }
    folder.write("scores", scores | speed)
    folder.tidy()
