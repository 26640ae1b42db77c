"""A model folder: what is in it, how it is written and read.

Knows methods and files; knows no image. It has the hub's layout, and needs nothing beside it:

    model.safetensors  the weights; running means in place of the modules that have one
    README.md          the model card
    config.json        a `ModelConfig`; written last: without it the rest does not count
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import torch
from msgspec import Struct
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as tensor_bytes
from torch import Tensor

from sparring import __version__, frozen
from sparring.averages import Averaged
from sparring.checkpoints import weights_of
from sparring.errors import RequestError, unknown
from sparring.frozen import Frozen
from sparring.game import ImageClassifier, LabelKind, Method, Shape
from sparring.methods import METHODS, name_of
from sparring.runtime import lay_out
from sparring.storage import write_atomically, write_json, writing

FORMAT = 1
WEIGHTS, CARD, CONFIG = "model.safetensors", "README.md", "config.json"


class TrainedOn(Struct, frozen=True, omit_defaults=True):
    """A data set that a model learned from; fingerprint: of its pixels and labels.

    white: the value that was white in its pictures of more than 8 bits, if it had such.
    """

    name: str
    fingerprint: str
    white: float | None = None


class ModelConfig(Struct, frozen=True, kw_only=True):
    """config.json: all that is needed to use the weights, and where they come from.

    architecture: name of the method, or "frozen-features"; settings: its fields. size: of the
        images, in pixels.
    mean, std: what the network sees of channel values x in 0..255 is (x / 255 - mean) / std; a
        backbone makes something else of that, which is told in the settings.
    data: by role: "source" and "target", or "images" of a generator.
    temperature: probabilities of a classifier are the softmax of its logits divided by this.
    """

    architecture: str
    settings: dict[str, Any]
    size: int
    label_kind: LabelKind
    label_names: tuple[str, ...]
    preset: str
    data: dict[str, TrainedOn]
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    temperature: float = 1.0
    sparring: str = __version__
    format: int = FORMAT


class _Format(Struct):
    format: int


def save(
    folder: Path,
    method: Method | Frozen,
    shape: Shape,
    *,
    preset: str,
    data: Mapping[str, Any],
    card: str,
    temperature: float = 1.0,
) -> None:
    """Write a trained `method`, built for `shape`, as a model folder.

    data: what it learned from, by role: each has a `name` and a `fingerprint`. card: Markdown, the
    body of the model card. temperature: see `ModelConfig`. Raises RequestError where the folder
    cannot be written.
    """
    config = ModelConfig(
        architecture=frozen.NAME if isinstance(method, Frozen) else name_of(method),
        settings={f.name: getattr(method, f.name) for f in dataclasses.fields(method) if f.init},
        size=shape.size,
        label_kind=shape.kind,
        label_names=shape.labels,
        preset=preset,
        data={
            role: TrainedOn(used.name, used.fingerprint, used.white) for role, used in data.items()
        },
        temperature=temperature,
    )
    classifies = isinstance(method, ImageClassifier)
    task = "image-classification" if classifies else "unconditional-image-generation"
    head = f"---\nlibrary_name: sparring\npipeline_tag: {task}\n---\n\n"
    write(folder, method, config, (head + card).encode())


def write(folder: Path, method: Averaged, config: ModelConfig, card: bytes) -> None:
    """Write the files. Raises RequestError where they cannot be written."""
    weights = {name: value.contiguous().cpu() for name, value in weights_of(method).items()}
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / WEIGHTS, tensor_bytes(weights))
    write_atomically(folder / CARD, card)
    write_json(folder / CONFIG, config)


def read(folder: Path) -> tuple[Method | Frozen, ModelConfig, bytes]:
    """What a model, a run, or an output folder with a single model holds; and the model card.

    Raises RequestError where there is none, or it is damaged or of a newer format.
    """
    place = _find(folder)
    try:
        text = (place / CONFIG).read_bytes()
        if (found := msgspec.json.decode(text, type=_Format).format) > FORMAT:
            raise RequestError(f"{place / CONFIG} has format {found}: a newer sparring reads it")
        config = msgspec.json.decode(text, type=ModelConfig)
        method = built(config, read_tensors((place / WEIGHTS).read_bytes()))
        card = (place / CARD).read_bytes() if (place / CARD).is_file() else b""
    except (OSError, msgspec.MsgspecError, SafetensorError, LookupError, RuntimeError) as error:
        why = " ".join(str(error).split())[:200]
        raise RequestError(f"{place} is incomplete or damaged ({why}): copy it again") from error
    return method, config, card


def _find(folder: Path) -> Path:
    """The model folder that is meant by `folder`."""
    try:
        here, below = (folder, folder / "model"), sorted(folder.glob("runs/*/model"))
        found = [place for place in here if (place / WEIGHTS).is_file()][:1]
        found = found or [place for place in below if (place / WEIGHTS).is_file()]
    except OSError as error:  # a name too long, or a folder that one may not look into
        raise RequestError(f"cannot look into {folder}: {error.strerror}") from error
    if not found:
        raise RequestError(f"{folder} holds no trained model: name a model, run or output folder")
    if len(found) > 1:
        names = ", ".join(str(place.parent) for place in found)
        raise RequestError(f"{folder} holds {len(found)} models: name one of {names}")
    return found[0]


def built(config: ModelConfig, weights: dict[str, Tensor]) -> Method | Frozen:
    """The method with these weights, to be used and not trained.

    Raises RequestError, LookupError and RuntimeError where they do not fit.
    """
    known: dict[str, type[Method | Frozen]] = {**METHODS, frozen.NAME: Frozen}
    if config.architecture not in known:
        raise unknown("method", config.architecture, known)
    kind = known[config.architecture]
    types = get_type_hints(kind)
    settings = {k: msgspec.convert(value, types[k]) for k, value in config.settings.items()}
    method = kind(**settings)
    with torch.random.fork_rng(devices=[]):  # building draws weights
        method.build(Shape(config.size, config.label_names, config.label_kind))
    lay_out(method)
    method.load_state_dict(weights)
    return method.eval().requires_grad_(False)
