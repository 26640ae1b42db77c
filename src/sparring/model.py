"""A trained model as an object: loaded from its folder it labels images, or draws them.

Knows networks by their role and how pictures become tensors; knows no run and no training.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring import model_folder
from sparring.averages import Averaged
from sparring.checkpoints import weights_of
from sparring.data.feed import to_pixels
from sparring.data.files import Entry
from sparring.data.images import Images
from sparring.data.pictures import Pictures, decoded, in_parts, scale
from sparring.errors import RequestError, unknown
from sparring.game import GenerativeMethod, ImageClassifier
from sparring.metrics.outputs import Outputs, predict
from sparring.model_folder import ModelConfig
from sparring.noise import between, fixed_noise, random

DRAWN = 100
"""Images that are drawn at once. Results depend on it."""


@dataclass(frozen=True, repr=False)
class _Trained:
    config: ModelConfig
    device: torch.device
    method: Averaged
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
        model_folder.write(Path(folder), self.method, self.config, self.card)

    def __reduce__(self) -> tuple[Any, ...]:
        # By its weights: torch copies and pickles no network under spectral normalisation.
        weights = weights_of(self.method)
        return _revived, (type(self), self.config, self.device, weights, self.card)

    def __repr__(self) -> str:
        about = self.config
        return f"{type(self).__name__}({about.architecture}, {about.size}, {about.label_names})"


@dataclass(frozen=True, repr=False)
class Classifier(_Trained):
    """Labels images, which are treated as in training: the central square is taken and resized."""

    method: ImageClassifier

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return self.config.label_names

    def predict(self, images: Pictures) -> list[str]:
        """The likeliest class of each image. Raises RequestError for what is no image."""
        return [self.classes[place] for place in self._outputs(images).predicted]

    def predict_proba(self, images: Pictures) -> np.ndarray:
        """The probability of each class, at the model's temperature: float32 [N, K].

        Raises RequestError.
        """
        return self._outputs(images).probability.astype(np.float32)

    def features(self, images: Pictures) -> np.ndarray:
        """What the last layer sees of each image: float32 [N, F]. Raises RequestError."""
        return self._outputs(images).features

    def answers(self, files: Mapping[str, Entry]) -> Iterator[tuple[str, np.ndarray | str]]:
        """Each file's name, and its probabilities float32 [K] or what is wrong with it, in turn."""
        white = scale(files.items(), self.whites)
        for part in decoded(files.items(), self.size, white):
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
            np.concatenate([part.logits for part in parts]) / self.config.temperature,
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
        return self.sample_with(labels, n, seed)

    def sample_with(self, labels: Mapping[str, float | str], n: int, seed: int = 0) -> np.ndarray:
        """`sample`, also of attributes that are called n or seed."""
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
        elif len(self.labels) < 2:
            raise RequestError(f"{label} is the only class, and makes no pair: draw it alone")
        else:
            other = torch.randint(1, len(self.labels), (n,), generator=random(seed))
            sides = [(place + other) % len(self.labels), torch.full((n,), place)]
        return np.stack([self._drawn(noise, side) for side in sides], 1)

    def walk(self, n: int, steps: int = 8, seed: int = 0, **labels: float | str) -> np.ndarray:
        """Walk through the `n` noises of a seed: uint8 [n - 1, steps, S, S, 3].

        Row k leads from image k of the seed to the next, with both ends. labels: as in `sample`;
        the first image's throughout. Raises RequestError.
        """
        return self.walk_with(labels, n, steps, seed)

    def walk_with(
        self, labels: Mapping[str, float | str], n: int, steps: int = 8, seed: int = 0
    ) -> np.ndarray:
        """`walk`, also of attributes that are called n, steps or seed."""
        ends = pairwise(self._noise(_several("noises", n), seed))
        noise = torch.cat([between(*pair, _several("steps", steps)) for pair in ends])
        label = self._labels(1, seed, labels).repeat_interleave(len(noise), 0)
        return self._drawn(noise, label).reshape(n - 1, steps, self.size, self.size, 3)

    def _noise(self, n: int, seed: int) -> Tensor:
        return fixed_noise(_several("images", n, 1), self.method.noise_size, seed)

    def _place(self, name: str) -> int:
        if not self.labels:
            raise RequestError(f"'{name}': it was trained without labels: ask for none")
        if name not in self.labels:
            raise unknown("label", name, self.labels)
        return self.labels.index(name)

    def _labels(self, n: int, seed: int, wanted: Mapping[str, float | str]) -> Tensor:
        """Labels as the method takes them: int64 [n] of classes, else float32 [n, A]."""
        if self.config.label_kind == "classes":
            if unasked := wanted.keys() - {"label"}:
                words = "ask for a class with label=NAME (--class NAME)"
                raise RequestError(f'"{min(unasked)}": {words}')
            if "label" in wanted:
                return torch.full((n,), self._place(str(wanted["label"])))
            return torch.randint(len(self.labels), (n,), generator=random(seed))
        labels = torch.randint(2, (n, len(self.labels)), generator=random(seed)).float()
        if self.labels and "label" in wanted.keys() - {*self.labels}:
            words = f"{self.labels[0]}=1 (--labels {self.labels[0]}=1)"
            raise RequestError(f"it knows attributes, no classes: ask for such as {words}")
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


def _revived(
    kind: type, config: ModelConfig, device: torch.device, weights: dict[str, Tensor], card: bytes
) -> Any:
    method = model_folder.built(config, weights).to(device)
    return kind(config, device, method, card)


def _several(what: str, count: int, least: int = 2) -> int:
    """`count`. Raises RequestError where it is less than `least`."""
    if count < least:
        raise RequestError(f"draw at least {least} {what}, not {count}")
    return count


def load(folder: str | Path, device: str | torch.device = "cpu") -> Classifier | Generator:
    """The model in a model folder, a run folder, or an output folder with a single model.

    Raises RequestError where there is none, or it is damaged or of a newer format.
    """
    method, config, card = model_folder.read(Path(folder))
    method.to(device := torch.device(device))
    if isinstance(method, ImageClassifier):
        return Classifier(config, device, method, card)
    assert isinstance(method, GenerativeMethod)  # there are but these two kinds
    return Generator(config, device, method, card)
