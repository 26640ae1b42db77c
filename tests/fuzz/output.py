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


def output() -> dict[str, bytes]:
    """The files of an output folder with one generator and one adaptation, by their paths."""
    use = {"asked": "celeba", "used": "toy-faces", "kind": "stand-in", "why": "not found"}
    plan = {
        "schema": 1,
        "command": "sparring reproduce",
        "budget": "quick",
        "seeds": [0],
        "started": "2026-01-02T03:04:05+00:00",
        "data": [use],
        "runs": ["acgan-Smiling-0", "dann-a-b-adapted-0"],
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
            {"kind": "adaptation", "accuracy": 0.5, "source_accuracy": 0.9, "mixing": 0.3}
            | {"test_images": 5, "confusion": [[3, 1], [0, 1]]},
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
    return written
