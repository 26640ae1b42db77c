"""A tiny output folder, whole and valid, as the report reads it.

Knows the files of run folders; knows no reader.
"""

import io
import json
from typing import Any

import numpy as np

RNG = np.random.default_rng(0)


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _examples(adapted: bool) -> bytes:
    """Examples of which the adapted run has the first right, which its twin has wrong."""
    return _npz(
        example_pixels=np.arange(4 * 3 * 4 * 4, dtype=np.uint8).reshape(4, 3, 4, 4),
        example_label=np.array([0, 0, 1, 1], np.int16),
        example_predicted=np.array([0, 0, 0, 1] if adapted else [1, 0, 0, 1], np.int16),
    )


TRUST = {
    "calibration_error": 0.2,
    "temperature": 1.5,
    "calibration_error_tempered": 0.1,
    "reliability": [{"confidence": 0.9, "accuracy": 0.6, "count": 5}],
    "risk_coverage": {"coverage": [0.5, 1.0], "risk": [0.25, 0.5], "area": 0.4},
    "estimated_accuracy": {
        "thresholded_entropy": 0.5,
        "thresholded_confidence": 0.75,
        "average_confidence": 0.9,
    },
}
SELECTION = {
    "chosen": {"step": 2, "accuracy": 0.5},
    "last": {"step": 4, "accuracy": 0.25},
    "oracle": {"accuracy": 0.75},
    "validators": {"class_ami": {"rank_correlation": -0.5}, "other": {"rank_correlation": None}},
}
TWIN = {
    "twin": "dann-a-b-source-only-0",
    "rings": True,
    "words": "It looks worse.",
    "changes": {"class_ami": -0.5},
    "disagreement": 0.5,
    "allowed": 1.0,
    "estimated": {"twin": 0.5, "adapted": 0.25},
    "source_change": -0.1,
}


def output() -> dict[str, bytes]:
    """The files of an output folder with a generator and an adaptation with its twin, by path."""
    use = {"asked": "celeba", "used": "toy-faces", "kind": "stand-in", "why": "not found"}
    plan = {
        "schema": 1,
        "command": "sparring reproduce",
        "budget": "quick",
        "seeds": [0],
        "started": "2026-01-02T03:04:05+00:00",
        "data": [use],
        "runs": ["acgan-Smiling-0", "dann-a-b-adapted-0", "dann-a-b-source-only-0"],
    }
    shared = {
        "seed": 0,
        "preset": "report2019",
        "settings": {"learning_rate": 0.0002, "betas": [0.5, 0.999]},
        "training": {"steps": 4, "batch_size": 8, "precision": "float32"},
    }
    facts = {"kind": "real", "train": 9, "test": 5, "fingerprint": "sha256:abab"}
    env = {"python": "3.12", "cpu": "x", "device": "cpu", "threads": 2, "about": "What.\n\nWhy."}
    speed = {"seconds": 6.5, "images_per_second": 11.0}
    layer = {"name": "0", "kind": "ReLU", "detail": "", "output": [4, 2], "parameters": 6}
    net = {"title": "Net", "summary": "Draws.", "layers": [layer], "parameters": 6}
    samples = {
        "samples": RNG.integers(0, 255, (8, 3, 4, 4), dtype=np.uint8),
        "pairs": RNG.integers(0, 255, (2, 2, 3, 4, 4), dtype=np.uint8),
        "pair_attribute": np.array("Smiling"),
        "progress": RNG.integers(0, 255, (2, 2, 3, 4, 4), dtype=np.uint8),
        "progress_steps": np.array([0, 4]),
    }
    features = {
        "embedding": RNG.random((8, 2), np.float32),
        "label": np.array([0, 0, 1, 1] * 2),
        "domain": np.repeat([0, 1], 4),
        "class_names": np.array(["one", "two"]),
        "per_class": np.array(2),
    }
    judged = {
        **{"kind": "adaptation", "accuracy": 0.5, "source_accuracy": 0.9, "mixing": 0.3},
        **{"test_images": 5, "confusion": [[3, 1], [0, 1]], "a_distance": 1.5, "trust": TRUST},
    }
    labels = [
        {"set": "b", "split": "test", "reader": "final evaluation", "labels": "sha256:ab"}
        | {"time": "2026-01-02T03:04:05+00:00"}
    ]
    runs: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, float], str, bytes]] = {
        "acgan-Smiling-0": (
            {"method": "acgan", "scenario": "generation", "faces": "toy-faces"}
            | {"attributes": ["Smiling"]},
            {"kind": "generation", "metrics": {"diversity": 0.9}},
            {"generator": 1.0, "discriminator": 0.5},
            "samples",
            _npz(**samples),
        ),
        "dann-a-b-adapted-0": (
            {"method": "dann", "scenario": "adapted", "source": "a", "target": "b"},
            judged | {"selection": SELECTION},
            {"network": 0.7},
            "features",
            _npz(**features),
        ),
        "dann-a-b-source-only-0": (
            {"method": "dann", "scenario": "source-only", "source": "a", "target": "b"},
            judged,
            {"network": 0.7},
            "features",
            _npz(**features),
        ),
    }
    written = {"plan.json": json.dumps(plan).encode()}
    for name, (config, scores, losses, arrays, data) in runs.items():
        sets = [config[key] for key in ("faces", "source", "target") if key in config]
        files = {
            "config.json": config | shared,
            "env.json": env | {"data": dict.fromkeys(sets, facts)},
            "scores.json": scores | speed,
            "architecture.json": [net],
        }
        rows = [
            {"step": s, "images": 8 * s, "seconds": 1.0, "losses": losses, "terms": losses}
            for s in (1, 2, 3, 4)
        ]
        log = "".join(json.dumps(row) + "\n" for row in rows)
        place = f"runs/{name}"
        written |= {f"{place}/{k}": json.dumps(v).encode() for k, v in files.items()}
        written |= {f"{place}/log.jsonl": log.encode(), f"{place}/{arrays}.npz": data}
        if "source" in config:
            written |= {
                f"{place}/labels.json": json.dumps(labels).encode(),
                f"{place}/outputs.npz": _examples(adapted=config["scenario"] == "adapted"),
            }
    written["runs/dann-a-b-adapted-0/twin.json"] = json.dumps(TWIN).encode()
    return written
