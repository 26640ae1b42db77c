"""A run's scores as an inspection writes them, made by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np

OWN = "convnet-attributes"
SKILL = {
    "n": 500,
    "accuracy": {"Smiling": 0.9, "Male": 0.96, "Young": 0.84},
    "balanced": {"Smiling": 0.9, "Male": 0.95, "Young": 0.7},
    "always": {"Smiling": 0.5, "Male": 0.6, "Young": 0.75},
    "mean_accuracy": 0.9,
    "mean_balanced": 0.85,
}


def interval(value: float, half: float = 0.05, n: int = 10) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half, "n": n}


def row(name: str, frechet: float) -> dict[str, Any]:
    ball = {"precision": 0.75, "recall": 0.25, "density": 0.5, "coverage": 0.125, "neighbours": 5}
    same = {"extractor": OWN, "n_real": 500, "n_drawn": 500, "manifold": ball}
    return {"set": name, "frechet": frechet, "kid": interval(frechet / 100, 0.01), **same}


def flip(names: list[str]) -> dict[str, Any]:
    leaks = {
        name: {
            "changed": interval(0.2),
            "drift": 0.1 * k * (-1) ** k,
            "real_gap": 0.3 if k else None,
        }
        for k, name in enumerate(names)
    }
    shares = ("flipped", 0.6), ("backwards", 0.1), ("always", 0.2), ("never", 0.1)
    return {
        "pairs": 250,
        "flip": {name: interval(value) for name, value in shares},
        "change": {"levels": 12.5, "relative": 0.31, "half_area": None},
        "leakage": leaks,
    }


def inspect(
    path: Path, attributes: list[str], frechet: float = 42.0, name: str = OWN, title: str = ""
) -> None:
    """Give the finished run in `path` the scores and arrays of an inspection."""
    scores = json.loads((path / "scores.json").read_text())
    calibration = {
        "real test images": 3.0,
        "blurred": 60.0,
        "noised": 30.0,
        "shuffled pixels": 99.0,
    }
    rows = {"generated": frechet} | calibration
    extractor = {"name": name, "frechet": title or f"Fréchet distance ({name})"}
    scores |= {
        "notes": ["A note."],
        "extractor": extractor | (SKILL if name == OWN else {}),
        "fidelity": [row(*item) for item in rows.items()],
        "memorisation": {
            **{"ratio": 0.97, "suspects": 4, "expected": 5.0, "copies": 0, "alarm": False},
            **{"n_train": 4000, "n_unseen": 500, "n": 500},
            "verdict": "no sign of copying: 4 of 500 images lie very near a training image",
        },
    }
    ball = scores["fidelity"][0]["manifold"]
    single = {key: ball[key] for key in ("precision", "recall", "density", "coverage")}
    scores["metrics"] |= {"frechet": frechet, "kid": frechet / 100, **single, "memorised": 0.97}
    arrays = dict(np.load(path / "samples.npz"))
    arrays |= dict.fromkeys(("suspects", "suspects_nearest"), arrays["samples"][:8])
    if attributes:
        scores |= {
            "judge": SKILL,
            "scorecard": {
                "attributes": {a: interval(0.8) for a in attributes},
                "flips": {a: flip([b for b in SKILL["accuracy"] if b != a]) for a in attributes},
                "classes": {
                    "Smiling": {"kid": interval(0.3), "floor": interval(0.01), "diversity": 0.8},
                    "not Smiling": {"kid": None, "floor": None, "diversity": None},
                },
            },
        }
        scores["metrics"] |= {"attribute_accuracy": 0.8, "flipped": 0.6}
        arrays |= {
            "change_attributes": np.array(attributes),
            "change_heat": np.ones((len(attributes), 64, 64), np.float32),
            "change_means": np.zeros((len(attributes), 2, 3, 64, 64), np.uint8),
        }
    (path / "scores.json").write_text(json.dumps(scores))
    np.savez(path / "samples.npz", **arrays)
    rows_of_log = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
    for k, entry in enumerate(rows_of_log):
        entry["terms"] |= {"hits_real": 0.8, "hits_fake": 0.7}
        if k % 10 == 9:
            entry |= {"gradients": {"generator": 1.0}, "measures": {"diversity": 0.9}}
    (path / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in rows_of_log))
    event = {"step": 300, "kind": "alarm", "what": "collapse: the diversity has fallen to 0.10"}
    (path / "events.json").write_text(json.dumps([event]))
