"""What a number was measured on: versions, machine, commit."""

import subprocess
from pathlib import Path

import torch

from sparring import __version__
from sparring.runs.records import Environment
from sparring.runtime import describe_machine


def describe(device: torch.device) -> Environment:
    """The environment of a run on `device`."""
    return Environment(sparring=__version__, commit=_commit(), **describe_machine(device))


def _commit() -> str | None:
    """The commit of the source tree that runs, with a + where it was changed; None outside git."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
