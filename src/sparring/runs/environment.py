"""What a number was measured on: versions, machine, commit, data."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from sparring import __version__
from sparring.data.images import DataSet


def describe_data(dataset: DataSet) -> dict[str, Any]:
    """Kind, sizes and fingerprint of a data set."""
    return {
        "kind": dataset.kind,
        "train": len(dataset.train),
        "test": len(dataset.test),
        "fingerprint": dataset.fingerprint(),
    }


def describe(device: torch.device, datasets: list[DataSet]) -> dict[str, Any]:
    """The environment of a run, for its env.json."""
    cuda = device.type == "cuda"
    return {
        "sparring": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "platform": platform.platform(),
        "cpu": torch.cpu.get_capabilities().get("cpu_name", platform.processor()),
        "device": torch.cuda.get_device_name(device) if cuda else "cpu",
        "threads": torch.get_num_threads(),
        "commit": _commit(),
        "data": {dataset.name: describe_data(dataset) for dataset in datasets},
    }


def _commit() -> str | None:
    """The commit of the source tree that runs, with a + where it was changed; None outside git."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
