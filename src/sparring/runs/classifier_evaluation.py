"""What a trained classifier is worth on the target: accuracy, trust, and why.

Asked when all is decided: nothing that is found here goes back to training.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from sparring.data.images import Images
from sparring.game import AdaptationMethod
from sparring.metrics import calibration as trust
from sparring.metrics.embedding import (
    choose_per_class,
    domain_mixing,
    proxy_a_distance,
    tsne,
    tsne_library,
)
from sparring.metrics.outputs import Predictions
from sparring.metrics.predict import predict, predict_labelled
from sparring.runs.selection import Candidates, some

NEIGHBOURS = 10  # of `domain_mixing`
EXAMPLES = 400
"""Target test images that are kept, to show what adaptation fixed and broke."""
_POINTS = 50  # of the risk-coverage curve, in scores.json

Arrays = dict[str, np.ndarray]


def judge(
    method: AdaptationMethod,
    source: Images,
    target: Images,
    device: torch.device,
    per_class: int,
    seed: int,
) -> tuple[dict[str, Any], Arrays, Callable[[], Arrays]]:
    """Scores on test images, arrays to compare runs by, and what makes the t-SNE picture.

    source, target: test images of the two domains, with labels.
    """
    on_source = predict_labelled(method, source, device)
    on_target = predict_labelled(method, target, device)
    classes = source.label_names
    features, label, domain = _mixed_sample([on_source, on_target], per_class, seed)
    distance = proxy_a_distance(on_source.outputs.features, on_target.outputs.features, seed)
    scores = {
        "kind": "adaptation",
        "accuracy": on_target.accuracy,
        "source_accuracy": on_source.accuracy,
        "test_images": len(target),
        "mixing": domain_mixing(features, domain, NEIGHBOURS),
        "a_distance": distance,
        "confusion": on_target.confusion(len(classes)),
        "trust": _trust(on_source, on_target),
    }

    def picture() -> Arrays:
        return {
            "embedding": tsne(features, seed),
            "tsne_library": np.array(tsne_library()),
            "label": label,
            "domain": domain,
            "class_names": np.array(classes),
            "per_class": np.array(per_class),
        }

    return scores, _kept(on_target, target), picture


def view_arrays(
    method: AdaptationMethod, held_out: Images, unlabelled: Images, device: torch.device
) -> Arrays:
    """What the negative-transfer alarm compares twins by; no target label is among it."""
    source, target = predict_labelled(method, held_out, device), predict(method, unlabelled, device)
    return {
        "source_features": source.outputs.features.astype(np.float16),
        "source_logits": source.outputs.logits,
        "source_label": source.label.astype(np.int16),
        "target_features": target.features.astype(np.float16),
        "target_logits": target.logits,
    }


def accuracies(candidates: Candidates, test: Images, device: torch.device) -> list[float]:
    """Each candidate's accuracy on `test`, in order of their steps; for when one is chosen."""
    found = []
    for step in candidates.steps:
        candidates.load(step)
        found.append(predict_labelled(candidates.method, test, device).accuracy)
    return found


def _kept(on_target: Predictions, test: Images) -> Arrays:
    """Verdict on each of EXAMPLES test images, and the images."""
    shown = some(Images(test.pixels, torch.arange(len(test)), ()), seed=0)
    assert shown.labels is not None
    index = shown.labels[:EXAMPLES].numpy()
    return {
        "example_pixels": shown.pixels[:EXAMPLES].numpy(),
        "example_label": on_target.label[index].astype(np.int16),
        "example_predicted": on_target.outputs.predicted[index].astype(np.int16),
    }


def _trust(on_source: Predictions, on_target: Predictions) -> dict[str, Any]:
    """How far its confidence can be trusted on the target; a temperature comes from the source."""
    source, logits, label = on_source.outputs, on_target.outputs.logits, on_target.label
    temperature = trust.fit_temperature(source.logits, on_source.label)
    curve = trust.risk_coverage(on_target.outputs.confidence, on_target.correct)
    chosen = np.unique(np.linspace(0, len(label) - 1, _POINTS).round().astype(int))
    estimates = trust.estimate_accuracy(source.logits, on_source.label, logits)
    bins = trust.reliability(on_target.outputs.confidence, on_target.correct)
    return {
        "calibration_error": trust.calibration_error(logits, label),
        "temperature": temperature,
        "calibration_error_tempered": trust.calibration_error(logits / temperature, label),
        "reliability": [asdict(one) for one in bins],
        "risk_coverage": {
            "coverage": curve.coverage[chosen].tolist(),
            "risk": curve.risk[chosen].tolist(),
            "area": curve.area,
        },
        "estimated_accuracy": asdict(estimates),
    }


def _mixed_sample(
    domains: list[Predictions], per_class: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features [M, F], class [M] and domain [M] of up to `per_class` test images of each."""
    chosen = [choose_per_class(domain.label, per_class, seed) for domain in domains]
    features = [d.outputs.features[index] for d, index in zip(domains, chosen, strict=True)]
    label = [d.label[index] for d, index in zip(domains, chosen, strict=True)]
    domain = np.repeat(np.arange(len(domains)), [len(index) for index in chosen])
    return np.concatenate(features), np.concatenate(label), domain
