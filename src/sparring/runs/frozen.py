"""Fit a classifier on frozen features and judge it on the target domain: source-only or adapted.

Knows what `classifier` knows, but that nothing is trained here: each image goes once through the
backbone, and the rest is `sparring.frozen`.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from msgspec import structs

from sparring import frozen
from sparring.backbone import Backbone
from sparring.data import tensor_cache
from sparring.data.images import Images
from sparring.errors import TrainingFailed
from sparring.frozen import Frozen
from sparring.game import Shape
from sparring.metrics.outputs import Predictions
from sparring.metrics.validators import DomainOutputs
from sparring.nets.summary import count_parameters, describe
from sparring.runs import common
from sparring.runs.classifier import ClassifierRun
from sparring.runs.classifier_evaluation import augmented, evaluate, outputs
from sparring.runs.folder import Run, run_name
from sparring.runs.library import Library
from sparring.runs.progress import Screen, Task
from sparring.runs.records import Architecture, Length, Network
from sparring.runs.selection import SEEN, sample
from sparring.runs.target_labels import SealedTarget
from sparring.trainer import Status

_FORMAT = 1  # of cached features; to be raised where the same pixels shall give others

_NOTE = (
    "How far the estimated accuracy may lie from the truth was measured on networks that were "
    "trained here, not on frozen features."
)


@dataclass(frozen=True)
class FrozenRun(ClassifierRun):
    """One classifier on frozen features. training: is not looked at, there is none."""

    method: Frozen  # type: ignore[assignment]

    @property
    def name(self) -> str:
        return run_name(frozen.NAME, *self.domains, self.scenario, self.seed)

    def _request(self, device: torch.device) -> dict[str, Any]:
        about = self.method
        return {
            "method": frozen.NAME,
            "preset": "own",
            "seed": self.seed,
            "settings": {"backbone": about.origin, "weights": about.digest}
            | structs.asdict(about.preparation)
            | {"strength": frozen.STRENGTH, "shares": list(frozen.SHARES)},
            "training": Length(steps=0, batch_size=about.shown, precision="float32"),
        }

    def run(self, library: Library, folder: Run, device: torch.device, show: Screen) -> None:
        """Fit, evaluate and write all down.

        Raises RequestError for data that cannot be used, Stopped, and TrainingFailed.
        """
        started = time.monotonic()
        source, labelled = self.data(library)
        config = self.config(library, device)
        folder.open(config)
        folder.write(common.environment(device))
        target = SealedTarget(labelled, folder)
        sets = {"source": source.train, "held-out source": source.test}
        sets |= {"target": target.train, "target test": target.test}
        sets |= {"augmented source": (shown := augmented(source.test))}
        self.method.backbone.to(device)
        seen = [self._features(library, *one, device, show) for one in sets.items()]
        assert source.train.labels is not None
        assert source.test.labels is not None
        assert shown.labels is not None
        fitted = frozen.fit(
            seen[0],
            source.train.labels.numpy(),
            (seen[1], source.test.labels.numpy()),
            seen[2] if self.scenario == "adapted" else None,
            len(source.train.label_names),
        )
        shape = Shape(self.size, source.train.label_names, "classes")
        network = replace(self.method)
        network.build(shape, self.method.backbone)
        network.set(fitted)
        folder.write(_architecture(network, device))
        target.stage = "choice"
        on_source = Predictions(fitted.on_source(seen[1]), source.test.labels.numpy())
        on_augmented = Predictions(fitted.on_source(seen[4]), shown.labels.numpy())
        unlabelled = fitted.on_target(seen[2][sample(len(target.train), SEEN).numpy()])
        views = outputs(DomainOutputs(on_source[sample(len(source.test)).numpy()], unlabelled))
        target.stage = "final evaluation"
        on_target, test = fitted.on_target(seen[3]), target.open("test")
        scores, examples, picture = evaluate(
            on_source, on_augmented, on_target, source.test, test, self.per_class, self.seed
        )
        seconds = round(time.monotonic() - started, 2)
        scores = structs.replace(scores, seconds=seconds, notes=(*scores.notes, _NOTE))
        arrays = {"outputs": views | examples, "features": picture}
        common.keep(folder, config, network, shape, scores, arrays)

    def follow(self, library: Library, folder: Run, device: torch.device) -> None:
        """Nothing is trained."""

    def _features(
        self, library: Library, name: str, images: Images, device: torch.device, show: Screen
    ) -> np.ndarray:
        """What the backbone makes of the images, float32 [N, F], found once and kept."""
        about, network = self.method, self.method.backbone
        # The settings too: the same weights make other features with another activation.
        backbone = about.digest, about.network, about.preparation
        key = tensor_cache.key_of((_FORMAT, *backbone, images.fingerprint, device.type))

        def make() -> torch.Tensor:
            if kept := tensor_cache.recall(key):
                return kept["features"]
            with show.task(f"{about.origin} on {name}") as task:
                found = _embed(network, images, device, about.shown, task)
            tensor_cache.keep(key, {"features": found})
            return found

        return np.asarray(library.once(key, make).numpy())


@torch.inference_mode()
def _embed(
    network: Backbone, images: Images, device: torch.device, at_once: int, task: Task
) -> torch.Tensor:
    started, done, found = time.monotonic(), 0, []
    for pixels in images.pixels.split(at_once):
        found.append(network(pixels.to(device)).float().cpu())
        done += len(pixels)
        speed = done / (time.monotonic() - started)
        task.update(Status(done, len(images), speed, (len(images) - done) / speed, {}))
    features = torch.cat(found)
    if not features.isfinite().all():
        raise TrainingFailed("the backbone's features are not finite: take another")
    return features


def _architecture(network: Frozen, device: torch.device) -> Architecture:
    pixels = torch.zeros(1, 3, *[network.preparation.edge] * 2, dtype=torch.uint8)
    backbone = network.backbone
    described = Network(
        title="Backbone",
        summary=f"{network.origin}, of the kind {network.network['model_type']}; not trained.",
        parameters=count_parameters(backbone),
        layers=tuple(describe(backbone, lambda: backbone(pixels.to(device)))),
    )
    return Architecture(about=(frozen.__doc__ or "").strip(), networks=(described,))
