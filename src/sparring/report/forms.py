"""What the JSON files of an output folder hold: the form of each.

Only what the report reads is asked for; a file may hold more. Knows no run.
"""

from typing import Any

from sparring.report.checked import (
    MAX_CLASSES,
    Form,
    Unfit,
    anything,
    count,
    finite,
    flag,
    folder_name,
    fraction,
    moment,
    nothing,
    one_of,
    positive,
    real,
    text,
    whole,
)

DATA_USE: Form = {"asked": text, "used": text, "kind": one_of("real", "stand-in"), "why?": text}
PLAN: Form = {
    "command": text,
    "budget": text,
    "seeds": [whole],
    "started": moment,
    "data": [DATA_USE],
    "runs": [folder_name],
    "experiments?": {str: {str: [folder_name]}},
}
CONFIG: Form = {
    "method": text,
    "scenario": one_of("generation", "source-only", "adapted", "target-only"),
    "seed": whole,
    "preset": text,
    "settings": {str: anything},
    "training": {"steps": count, "batch_size": count, "precision": text},
}
GENERATION: Form = {"faces": text, "attributes?": [text]}
ADAPTATION: Form = {"source": text, "target": text}
FACTS: Form = {
    "kind": one_of("real", "stand-in"),
    "train": count,
    "test": count,
    "fingerprint": text,
}
ENVIRONMENT: Form = {"device": text, "cpu": text, "data?": {str: FACTS}, "about?": text}
ARCHITECTURE: Form = [
    {
        "title": text,
        "summary": text,
        "parameters": count,
        "layers": [
            {
                "name": text,
                "kind": text,
                "detail": text,
                "output": (nothing, [count]),
                "parameters": count,
            }
        ],
    }
]
EVENTS: Form = [{"step": count, "kind": text, "what": text}]

_SPEED: Form = {"seconds": positive, "images_per_second": positive}
_KNOWN: Form = (nothing, real)
"""A number, or null where it was not finite."""

LOG_ROW: Form = {
    "step": count,
    "images": count,
    "losses?": {str: _KNOWN},
    "terms?": {str: _KNOWN},
    "gradients?": {str: _KNOWN},
    "measures?": {str: _KNOWN},
}
_INTERVAL: Form = {"value": real, "low": real, "high": real}
_SKILL: Form = {
    "n": count,
    "accuracy": {str: fraction},
    "always?": {str: fraction},
    "mean_accuracy": fraction,
    "mean_balanced": (nothing, fraction),
}
_MANIFOLD: Form = dict.fromkeys(("precision", "recall", "density", "coverage"), _KNOWN)
_FIDELITY: Form = {
    "set": text,
    "n_real": count,
    "n_drawn": count,
    "frechet": _KNOWN,
    "kid": (nothing, _INTERVAL),
    "manifold": _MANIFOLD,
}
_FLIP: Form = {
    "pairs": count,
    "flip": dict.fromkeys(("flipped", "backwards", "always", "never"), _INTERVAL),
    "change": {"levels": real, "relative": _KNOWN, "half_area": _KNOWN},
    "leakage": {str: {"changed": _INTERVAL, "drift": _KNOWN, "real_gap": _KNOWN}},
}
_CLASS: Form = {
    "kid": (nothing, _INTERVAL),
    "floor": (nothing, _INTERVAL),
    "diversity": _KNOWN,
}
_AUDIT: Form = {
    "verdict": text,
    "ratio": _KNOWN,
    "expected": finite,
    "n": count,
    "n_train": count,
    "n_unseen": count,
}
GENERATION_SCORES: Form = _SPEED | {
    "metrics": {str: _KNOWN},
    "notes?": [text],
    "extractor?": (
        {"name": one_of("inception-v3"), "frechet": text},
        {"name": text, "frechet": text} | _SKILL,
    ),
    "fidelity?": [_FIDELITY],
    "judge?": _SKILL | {"learned_from?": text},
    "scorecard?": {
        "attributes": {str: _INTERVAL},
        "flips": {str: _FLIP},
        "classes?": {str: _CLASS},
    },
    "memorisation?": _AUDIT,
}
_ESTIMATES = ("thresholded_entropy", "thresholded_confidence", "average_confidence")
_TRUST: Form = {
    "calibration_error": fraction,
    "temperature": positive,
    "calibration_error_tempered": fraction,
    "reliability": [{"confidence": fraction, "accuracy": fraction, "count": count}],
    "risk_coverage": {"coverage": [fraction], "risk": [fraction], "area": fraction},
    "estimated_accuracy": dict.fromkeys(_ESTIMATES, fraction),
}
_SELECTION: Form = {
    "chosen": {"step": count, "accuracy": fraction},
    "last": {"step": count, "accuracy": fraction},
    "oracle": {"accuracy": fraction},
    "validators": {str: {"rank_correlation": (nothing, finite)}},
}
ADAPTATION_SCORES: Form = _SPEED | {
    "accuracy": fraction,
    "source_accuracy?": (nothing, fraction),
    "mixing?": (nothing, finite),
    "a_distance?": finite,
    "confusion?": (nothing, [[count]]),
    "trust?": _TRUST,
    "selection?": _SELECTION,
}
LABELS: Form = [
    {"set": text, "split": one_of("train", "test"), "reader": text, "labels": text, "time": moment}
]
TWIN: Form = {
    "twin": text,
    "rings": flag,
    "words": text,
    "changes": {str: finite},
    "disagreement": fraction,
    "allowed": finite,
    "overlap_lost?": finite,
    "overlap_error?": finite,
    "estimated": {"twin": fraction, "adapted": fraction},
    "source_change": finite,
}


def check_together(scores: dict[str, Any]) -> None:
    """Raise Unfit where a part of scores.json does not fit another, or the confusions no square."""
    table = scores.get("confusion") or []
    if len(table) > MAX_CLASSES or any(len(row) != len(table) for row in table):
        raise Unfit("the confusion matrix is not square, or too large")
    if (curve := scores.get("trust", {}).get("risk_coverage")) and len(curve["risk"]) != len(
        curve["coverage"]
    ):
        raise Unfit("its risks and coverages have different lengths")
    of_features = {"frechet", "kid"} & set(scores.get("metrics", ())) or "fidelity" in scores
    if of_features and "extractor" not in scores:
        raise Unfit("it has scores of features, but does not say of which extractor's")
    if (card := scores.get("scorecard")) is None:
        return
    judged = scores.get("judge", {})
    known = set(judged.get("accuracy", ())) & set(judged.get("always", ()))
    if unknown := set(card["attributes"]) - known:
        raise Unfit(f"nothing is known of how well '{min(unknown)[:40]}' is judged")
