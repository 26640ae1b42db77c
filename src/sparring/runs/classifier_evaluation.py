"""What a trained classifier is worth on the target: accuracy and trust where it has labels.

Without labels: what it predicts, and estimates. Asked when all is decided: nothing that is found
here goes back to training. Knows predictions and images; knows no network and no file.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from msgspec import structs

from sparring.augment import strong
from sparring.data.feed import normalise, to_pixels
from sparring.data.images import Images
from sparring.data.pixels import resize
from sparring.metrics import calibration
from sparring.metrics.embedding import (
    choose_per_class,
    domain_mixing,
    proxy_a_distance,
    tsne,
    tsne_library,
)
from sparring.metrics.outputs import Outputs, Predictions
from sparring.metrics.validators import DomainOutputs
from sparring.runs.scores import ClassifierScores, RiskCoverage, Trust
from sparring.runs.selection import sample

EXAMPLES = 400
"""Target test images that are kept, to show what adaptation fixed and broke."""
SHOWN, THUMBNAIL = 2000, 24
"""Points of each domain in the map that have a picture, at most, and its height and width."""
CELLS, EACH = 600, 6
"""Images of the cells of the confusion matrix that are kept, at most, and of each."""
AUGMENTED = 2000
"""Augmented source images on which the estimate of accuracy rests, at most."""
UNKNOWN = -1
"""The label of an image that has none, in arrays."""
_POINTS = 50  # of the risk-coverage curve, in the scores

Arrays = dict[str, np.ndarray]


def augmented(images: Images) -> Images:
    """At most AUGMENTED of the images, strongly augmented: the same ones, and alike, every time."""
    some = images.take(sample(len(images), AUGMENTED))
    random = torch.Generator().manual_seed(0)
    parts = [to_pixels(strong(normalise(part), random)) for part in some.pixels.split(500)]
    return replace(some, pixels=torch.cat(parts))


def evaluate(
    on_source: Predictions,
    on_augmented: Predictions,
    on_target: Outputs,
    source: Images,
    target: Images,
    per_class: int,
    seed: int,
    with_map: bool = True,
) -> tuple[ClassifierScores, Arrays, Arrays]:
    """Scores, examples to compare runs by, and the t-SNE picture.

    on_source, on_target: what the classifier says of the test images; on_augmented: of those that
    `augmented` makes of the source's. source, target: the test images, the target's with class
    labels or without. per_class: images of each class and domain in the picture, at most.
    with_map: draw it.
    """
    label = None if target.labels is None else target.labels.numpy()
    known, shifted = ((one.outputs.logits, one.label) for one in (on_source, on_augmented))
    classes = on_target.logits.shape[1]
    both = (on_source.outputs, source), (on_target, target)
    features, picture = _mixed_sample(both, per_class, seed)
    temperature = calibration.fit_temperature(*known)
    mixing = domain_mixing(features, picture["domain"])
    distance = proxy_a_distance(on_source.outputs.features, on_target.features, seed)
    points = tsne(features, seed) if with_map else None
    notes = []
    few = f"{len(on_source.label)} source and {len(target)} target test images"
    if mixing is None or distance is None:
        notes.append(f"How far the domains lie apart is not known: {few} are too few to tell.")
    if with_map and points is None:
        notes.append(f"No map of the features: {few} are too few.")
    shares = np.bincount(on_target.predicted, minlength=classes) / len(target)
    scores = ClassifierScores(
        source_accuracy=on_source.accuracy,
        test_images=len(target),
        predicted_shares=tuple(shares.tolist()),
        estimated=calibration.estimate_accuracy(known, shifted, on_target.logits),
        temperature=temperature,
        mixing=mixing,
        a_distance=distance,
        tsne=None if points is None else tsne_library(),
        notes=tuple(notes),
        **against_labels(on_target, label, classes, temperature),
    )
    warmth = calibration.temperature_for(on_target.logits, scores.expected)
    scores = structs.replace(scores, target_temperature=warmth)
    picture = {} if points is None else {"points": points} | picture
    return scores, _examples(on_target, target) | cells(on_target, target), picture


def outputs(seen: DomainOutputs) -> Arrays:
    """What the negative-transfer alarm compares twins by; no target label is among it."""
    source, target = seen.source, seen.target
    return {
        "source_features": source.outputs.features.astype(np.float16),
        "source_logits": source.outputs.logits,
        "source_label": source.label,
        "target_features": target.features.astype(np.float16),
        "target_logits": target.logits,
    }


def against_labels(
    found: Outputs, label: np.ndarray | None, classes: int, temperature: float
) -> dict[str, Any]:
    """The scores that need the target's labels: none of them without."""
    if label is None:
        return {"accuracy": None}
    on_target = Predictions(found, label)
    return {
        "accuracy": on_target.accuracy,
        "confusion": tuple(map(tuple, on_target.confusion(classes))),
        "trust": _trust(on_target, temperature),
    }


def _trust(on_target: Predictions, temperature: float) -> Trust:
    """How far the confidence can be trusted on the target, also after the source's temperature."""
    logits, label = on_target.outputs.logits, on_target.label
    confidence = on_target.outputs.confidence
    coverage, risk = calibration.risk_coverage(confidence, on_target.correct)
    shown = np.unique(np.linspace(0, len(label) - 1, _POINTS).round().astype(int))
    return Trust(
        calibration_error=calibration.calibration_error(logits, label),
        calibration_error_tempered=calibration.calibration_error(logits / temperature, label),
        reliability=calibration.reliability(confidence, on_target.correct),
        risk_coverage=RiskCoverage(
            coverage=tuple(coverage[shown].tolist()),
            risk=tuple(risk[shown].tolist()),
            area=float(risk.mean()),
        ),
    )


def _examples(found: Outputs, test: Images) -> Arrays:
    """What was said of EXAMPLES test images at random, and the images."""
    index = sample(len(test), EXAMPLES)
    unknown = torch.full((len(index),), UNKNOWN)
    return {
        "example_pixels": test.pixels[index].numpy(),
        "example_label": (unknown if test.labels is None else test.labels[index]).numpy(),
        "example_predicted": found.predicted[index.numpy()],
    }


def cells(found: Outputs, test: Images) -> Arrays:
    """Images of each cell of the confusion matrix, the surest of them; none without labels.

    Of every cell one, then of every cell a second, and so on.
    """
    if test.labels is None:
        return {}
    label, predicted, confidence = test.labels.numpy(), found.predicted, found.confidence
    order = np.lexsort((-confidence, predicted, label))
    cell = (label * found.logits.shape[1] + predicted)[order]
    rank = np.arange(len(cell)) - np.searchsorted(cell, cell)  # in its cell
    first = order[np.argsort(rank, kind="stable")]
    index = first[: min(CELLS, int((rank < EACH).sum()))]
    return {
        "cell_label": label[index],
        "cell_predicted": predicted[index],
        "cell_confidence": confidence[index].astype(np.float32),
        "cell_thumbnails": resize(test.pixels[index], THUMBNAIL).numpy(),
    }


def _mixed_sample(
    both: Sequence[tuple[Outputs, Images]], count: int, seed: int
) -> tuple[np.ndarray, Arrays]:
    """Features [M, F] of up to `count` test images of each class and domain, and what they are.

    both: of source and target, what was said of the images, and those. Images without labels are
    chosen by the class that is predicted. The arrays have a row for each feature; `thumbnails` one
    for each that is `pictured`, a random SHOWN of each domain at most.
    """
    sides = []
    for domain, (found, images) in enumerate(both):
        truth = None if images.labels is None else images.labels.numpy()
        index = choose_per_class(found.predicted if truth is None else truth, count, seed)
        pictured = np.isin(np.arange(len(index)), sample(len(index), SHOWN))
        sides.append(
            {
                "features": found.features[index],
                "label": np.full(len(index), UNKNOWN) if truth is None else truth[index],
                "predicted": found.predicted[index],
                "confidence": found.confidence[index].astype(np.float32),
                "domain": np.full(len(index), domain),
                "pictured": pictured,
                "thumbnails": resize(images.pixels[index[pictured]], THUMBNAIL).numpy(),
            }
        )
    picture = {name: np.concatenate([side[name] for side in sides]) for name in sides[0]}
    return picture.pop("features"), picture
