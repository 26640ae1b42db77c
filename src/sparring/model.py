"""A trained model as an object: loaded from its folder it labels images, or draws them.

Knows methods, the files of a model folder and how pictures become tensors; knows no run and no
training. A model folder has the hub's layout, and needs nothing beside it:

    model.safetensors  the weights; running means in place of the modules that have one
    README.md          the model card
    config.json        a `ModelConfig`; written last: without it the rest does not count
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import numpy as np
import torch
from msgspec import Struct
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as tensor_bytes
from torch import Tensor

from sparring import __version__
from sparring.checkpoints import weights_of
from sparring.data.feed import to_pixels
from sparring.data.files import Entry
from sparring.data.images import Images
from sparring.data.pictures import Pictures, decoded, in_parts
from sparring.errors import RequestError, unknown
from sparring.game import AdaptationMethod, GenerativeMethod, LabelKind, Method, Shape
from sparring.methods import METHODS, name_of
from sparring.metrics.outputs import Outputs, predict
from sparring.noise import between, fixed_noise, random
from sparring.runtime import lay_out
from sparring.storage import write_atomically, write_json, writing

FORMAT = 1
WEIGHTS, CARD, CONFIG = "model.safetensors", "README.md", "config.json"
DRAWN = 100
"""Images that are drawn at once. Results depend on it."""


class TrainedOn(Struct, frozen=True, omit_defaults=True):
    """A data set that a model learned from; fingerprint: of its pixels and labels.

    white: the value that was white in its pictures of more than 8 bits, if it had such.
    """

    name: str
    fingerprint: str
    white: float | None = None


class ModelConfig(Struct, frozen=True, kw_only=True):
    """config.json: all that is needed to use the weights, and where they come from.

    architecture: name of the method; settings: its fields. size: of the images, in pixels.
    mean, std: what the network sees of channel values x in 0..255 is (x / 255 - mean) / std.
    data: by role: "source" and "target", or "images" of a generator.
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
    sparring: str = __version__
    format: int = FORMAT


class _Format(Struct):
    format: int


@dataclass(frozen=True, repr=False)
class _Trained:
    config: ModelConfig
    device: torch.device
    method: Method
    card: bytes = b""

    @property
    def size(self) -> int:
        """Height and width in pixels of the images that it sees, or draws."""
        return self.config.size

    @property
    def whites(self) -> list[float]:
        """`TrainedOn.white` of the sets that have one."""
        return [used.white for used in self.config.data.values() if used.white]

    def save(self, folder: str | Path) -> None:
        """Write the model folder anew. Raises RequestError where it cannot be written."""
        _write(Path(folder), self.method, self.config, self.card)

    def __repr__(self) -> str:
        about = self.config
        return f"{type(self).__name__}({about.architecture}, {about.size}, {about.label_names})"


@dataclass(frozen=True, repr=False)
class Classifier(_Trained):
    """Labels images, which are treated as in training: the central square is taken and resized."""

    method: AdaptationMethod

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return self.config.label_names

    def predict(self, images: Pictures) -> list[str]:
        """The likeliest class of each image. Raises RequestError for what is no image."""
        return [self.classes[place] for place in self._outputs(images).predicted]

    def predict_proba(self, images: Pictures) -> np.ndarray:
        """The probability of each class: float32 [N, K]. Raises RequestError."""
        return self._outputs(images).probability.astype(np.float32)

    def features(self, images: Pictures) -> np.ndarray:
        """What the last layer sees of each image: float32 [N, F]. Raises RequestError."""
        return self._outputs(images).features

    def answers(self, files: Mapping[str, Entry]) -> Iterator[tuple[str, np.ndarray | str]]:
        """Each file's name, and its probabilities float32 [K] or what is wrong with it, in turn."""
        for part in decoded(files.items(), self.size, self.whites):
            readable = [picture for _, picture in part if not isinstance(picture, str)]
            chances = iter(self.predict_proba(np.stack(readable)) if readable else ())
            for name, picture in part:
                yield name, picture if isinstance(picture, str) else next(chances)

    def _outputs(self, images: Pictures) -> Outputs:
        parts = [
            predict(self.method, Images(pixels, None, ()), self.device)
            for pixels in in_parts(images, self.size, self.whites)
        ]
        return Outputs(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.logits for part in parts]),
        )


@dataclass(frozen=True, repr=False)
class Generator(_Trained):
    """Draws images. Image k of a seed is the same for every count."""

    method: GenerativeMethod

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes or attributes that it can be asked for."""
        return self.config.label_names

    def sample(self, n: int, seed: int = 0, **labels: float | str) -> np.ndarray:
        """Draw `n` images: uint8 [n, S, S, 3].

        labels: attributes in 0..1, such as Smiling=1 or 0.5; or label="shoe", a class. What is not
        given is random, each value as likely. Raises RequestError for labels that it does not know.
        """
        return self._drawn(self._noise(n, seed), self._labels(n, seed, labels))

    def pairs(self, n: int, label: str, seed: int = 0, steps: int = 2) -> np.ndarray:
        """Draw images that differ in `label` alone: uint8 [n, steps, S, S, 3], a row a noise.

        First without the attribute, or as a random other class; last with it, or as that class.
        Between them an attribute may grow in further steps. Raises RequestError.
        """
        place, noise = self._place(label), self._noise(n, seed)
        if self.config.label_kind != "classes":
            shares = np.linspace(0, 1, _several("steps", steps)).tolist()
            sides = [self._labels(n, seed, {label: share}) for share in shares]
        elif steps != 2:
            raise RequestError(f"{label} is a class, and there is nothing between two: draw pairs")
        else:
            other = torch.randint(1, len(self.labels), (n,), generator=random(seed))
            sides = [(place + other) % len(self.labels), torch.full((n,), place)]
        return np.stack([self._drawn(noise, side) for side in sides], 1)

    def walk(self, n: int, steps: int = 8, seed: int = 0, **labels: float | str) -> np.ndarray:
        """Walk through the `n` noises of a seed: uint8 [n - 1, steps, S, S, 3].

        Row k leads from image k of the seed to the next, with both ends. labels: as in `sample`;
        the first image's throughout. Raises RequestError.
        """
        ends = pairwise(self._noise(_several("noises", n), seed))
        noise = torch.cat([between(*pair, _several("steps", steps)) for pair in ends])
        label = self._labels(1, seed, labels).repeat_interleave(len(noise), 0)
        return self._drawn(noise, label).reshape(n - 1, steps, self.size, self.size, 3)

    def _noise(self, n: int, seed: int) -> Tensor:
        return fixed_noise(_several("images", n, 1), self.method.noise_size, seed)

    def _place(self, name: str) -> int:
        if name not in self.labels:
            raise unknown("label", name, self.labels)
        return self.labels.index(name)

    def _labels(self, n: int, seed: int, wanted: Mapping[str, float | str]) -> Tensor:
        """Labels as the method takes them: int64 [n] of classes, else float32 [n, A]."""
        if self.config.label_kind == "classes":
            if unasked := wanted.keys() - {"label"}:
                raise RequestError(f'"{min(unasked)}": ask for a class with label=NAME')
            if "label" in wanted:
                return torch.full((n,), self._place(str(wanted["label"])))
            return torch.randint(len(self.labels), (n,), generator=random(seed))
        labels = torch.randint(2, (n, len(self.labels)), generator=random(seed)).float()
        for name, value in wanted.items():
            place = self._place(name)
            if isinstance(value, str) or not 0 <= value <= 1:
                raise RequestError(f"{name}={value}: an attribute lies in 0..1")
            labels[:, place] = value
        return labels

    @torch.inference_mode()
    def _drawn(self, noise: Tensor, label: Tensor) -> np.ndarray:
        pixels = [
            to_pixels(self.method.sample(z.to(self.device), y.to(self.device))).cpu()
            for z, y in zip(noise.split(DRAWN), label.split(DRAWN), strict=True)
        ]
        return torch.cat(pixels).permute(0, 2, 3, 1).contiguous().numpy()


def _several(what: str, count: int, least: int = 2) -> int:
    """`count`. Raises RequestError where it is less than `least`."""
    if count < least:
        raise RequestError(f"draw at least {least} {what}, not {count}")
    return count


def save(
    folder: Path, method: Method, shape: Shape, *, preset: str, data: Mapping[str, Any], card: str
) -> None:
    """Write a trained `method`, built for `shape`, as a model folder.

    data: what it learned from, by role: each has a `name` and a `fingerprint`. card: Markdown, the
    body of the model card. Raises RequestError where the folder cannot be written.
    """
    config = ModelConfig(
        architecture=name_of(method),
        settings={f.name: getattr(method, f.name) for f in dataclasses.fields(method) if f.init},
        size=shape.size,
        label_kind=shape.kind,
        label_names=shape.labels,
        preset=preset,
        data={
            role: TrainedOn(used.name, used.fingerprint, used.white) for role, used in data.items()
        },
    )
    classifies = isinstance(method, AdaptationMethod)
    task = "image-classification" if classifies else "unconditional-image-generation"
    head = f"---\nlibrary_name: sparring\npipeline_tag: {task}\n---\n\n"
    _write(folder, method, config, (head + card).encode())


def _write(folder: Path, method: Method, config: ModelConfig, card: bytes) -> None:
    weights = {name: value.contiguous().cpu() for name, value in weights_of(method).items()}
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / WEIGHTS, tensor_bytes(weights))
    write_atomically(folder / CARD, card)
    write_json(folder / CONFIG, config)


def load(folder: str | Path, device: str | torch.device = "cpu") -> Classifier | Generator:
    """The model in a model folder, a run folder, or an output folder with a single model.

    Raises RequestError where there is none, or it is damaged or of a newer format.
    """
    place, device = _find(Path(folder)), torch.device(device)
    try:
        text = (place / CONFIG).read_bytes()
        if (found := msgspec.json.decode(text, type=_Format).format) > FORMAT:
            raise RequestError(f"{place / CONFIG} has format {found}: a newer sparring reads it")
        config = msgspec.json.decode(text, type=ModelConfig)
        method = _built(config)
        method.load_state_dict(read_tensors((place / WEIGHTS).read_bytes()))
        card = (place / CARD).read_bytes() if (place / CARD).is_file() else b""
    except (OSError, msgspec.MsgspecError, SafetensorError, LookupError, RuntimeError) as error:
        why = " ".join(str(error).split())[:200]
        raise RequestError(f"{place} is incomplete or damaged ({why}): copy it again") from error
    method.to(device).eval().requires_grad_(False)
    if isinstance(method, AdaptationMethod):
        return Classifier(config, device, method, card)
    assert isinstance(method, GenerativeMethod)  # there are but these two kinds
    return Generator(config, device, method, card)


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


def _built(config: ModelConfig) -> Method:
    """The method with networks whose weights are still to come."""
    if config.architecture not in METHODS:
        raise unknown("method", config.architecture, METHODS)
    kind = METHODS[config.architecture]
    types = get_type_hints(kind)
    settings = {k: msgspec.convert(value, types[k]) for k, value in config.settings.items()}
    method = kind(**settings)
    with torch.random.fork_rng(devices=[]):  # building draws weights
        method.build(Shape(config.size, config.label_names, config.label_kind))
    lay_out(method)
    return method
