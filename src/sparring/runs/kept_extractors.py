"""Extractors and judges, trained once for each set of images and kept in a folder.

Knows the folder's files: sealed tensors, named by everything that decides their content, with what
is known of the network beside them.
"""

import dataclasses
import hashlib
import json
import logging
from pathlib import Path

import torch

from sparring.checkpoints import read_sealed, write_sealed
from sparring.data.images import Images
from sparring.errors import RequestError
from sparring.metrics.extractor import STEPS, Extractor, Skill, train_extractor
from sparring.runtime import resolve_precision
from sparring.storage import sweep

_FORMAT = 3
"""Raise it when the network or its training changes: older files are then trained anew."""
_log = logging.getLogger("sparring")


def load_or_train(
    cache: Path,
    train: Images,
    held_out: Images,
    seed: int,
    device: torch.device,
    *,
    mirror: bool = False,
    steps: int = STEPS,
) -> tuple[Extractor, Skill]:
    """The extractor of `train` from `cache`, else trained (about a minute) and put there.

    The name of its file follows from both sets' fingerprints, the seed and the steps. A damaged
    file is trained anew; where the folder cannot be written the extractor is not kept, and a
    warning says so. Raises Stopped after SIGINT or SIGTERM.
    """
    precision = resolve_precision("auto", device)
    decides = (_FORMAT, train.fingerprint(), train.label_names, held_out.fingerprint())
    key = repr((*decides, seed, mirror, steps, precision)).encode()
    path = cache / f"extractor-{hashlib.sha256(key).hexdigest()[:16]}.sealed"
    try:
        return _load(path, device)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        _log.warning("%s is damaged and is trained anew (%s)", path, type(error).__name__)
    network, skill = train_extractor(
        train,
        held_out,
        seed,
        device,
        steps=steps,
        mirror=mirror,
        bfloat16=precision == "bfloat16",
    )
    _save(path, network, skill)
    return network, skill


def _save(path: Path, network: Extractor, skill: Skill) -> None:
    about = {
        "name": network.name,
        "label_names": network.label_names,
        "learned_from": network.learned_from,
        "skill": dataclasses.asdict(skill),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, shared=True)
        write_sealed(path, network.state_dict(), json.dumps(about))
    except (OSError, RequestError) as error:
        reason = getattr(error, "strerror", None) or error.__cause__ or error
        _log.warning("%s cannot be written (%s): what was learned is not kept", path.parent, reason)


def _load(path: Path, device: torch.device) -> tuple[Extractor, Skill]:
    weights, words = read_sealed(path)
    about = json.loads(words)
    network = Extractor(about["name"], tuple(about["label_names"]))
    network.learned_from = about["learned_from"]
    network.load_state_dict(weights)
    return network.to(device).eval().requires_grad_(False), Skill(**about["skill"])
