"""What a trained classifier is worth on the target: accuracy and trust where it has labels.

Without labels: what it predicts, and estimates. Asked when all is decided: nothing that is found
here goes back to training. Knows predictions and images; knows no network and no file.
"""

from typing import Any

import numpy as np
import torch

from sparring.data.images import Images
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
UNKNOWN = -1
"""The label of an image that has none, in arrays."""
_POINTS = 50  # of the risk-coverage curve, in the scores

Arrays = dict[str, np.ndarray]


def evaluate(
    on_source: Predictions,
    on_target: Outputs,
    target: Images,
    per_class: int,
    seed: int,
    with_map: bool = True,
) -> tuple[ClassifierScores, Arrays, Arrays]:
    """Scores, examples to compare runs by, and the t-SNE picture.

    on_source, on_target: what the classifier says of the test images. target: those images, with
    class labels or without. per_class: images of each class and domain in the picture, at most.
    with_map: draw it.
    """
    label = None if target.labels is None else target.labels.numpy()
    logits, classes = on_source.outputs.logits, on_source.outputs.logits.shape[1]
    features, picture = _mixed_sample(on_source, on_target, label, per_class, seed)
    temperature = calibration.fit_temperature(logits, on_source.label)
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
        estimated=calibration.estimate_accuracy(logits, on_source.label, on_target.logits),
        temperature=temperature,
        mixing=mixing,
        a_distance=distance,
        tsne=None if points is None else tsne_library(),
        notes=tuple(notes),
        **against_labels(on_target, label, classes, temperature),
    )
    picture = {} if points is None else {"points": points} | picture
    return scores, _examples(on_target, target), picture


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
    """What was said of EXAMPLES test images, and the images."""
    index = sample(len(test))[:EXAMPLES]
    unknown = torch.full((len(index),), UNKNOWN)
    return {
        "example_pixels": test.pixels[index].numpy(),
        "example_label": (unknown if test.labels is None else test.labels[index]).numpy(),
        "example_predicted": found.predicted[index.numpy()],
    }


def _mixed_sample(
    on_source: Predictions, on_target: Outputs, label: np.ndarray | None, count: int, seed: int
) -> tuple[np.ndarray, Arrays]:
    """Features [M, F] of up to `count` test images of each class and domain, and what they are.

    Images without labels are chosen by the class that is predicted.
    """
    sides = []
    both = (on_source.outputs, on_source.label), (on_target, label)
    for domain, (found, truth) in enumerate(both):
        index = choose_per_class(found.predicted if truth is None else truth, count, seed)
        known = np.full(len(index), UNKNOWN) if truth is None else truth[index]
        domains = np.full(len(index), domain)
        sides.append((found.features[index], known, found.predicted[index], domains))
    features, known, predicted, domains = map(np.concatenate, zip(*sides, strict=True))
    return features, {"label": known, "predicted": predicted, "domain": domains}
