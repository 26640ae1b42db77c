"""A run's records as a classifier's judging writes them, made by hand."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np

PAIR = "mnist-m-meter-digits"
READ = {"set": "meter-digits", "split": "test", "labels": f"sha256:{'cd' * 32}"}
WHEN = {"time": "2026-01-02T03:04:05+00:00"}


def opening(reader: str = "final evaluation", split: str = "test") -> dict[str, str]:
    return READ | WHEN | {"reader": reader, "split": split}


def selection(chosen: float, last: float, oracle: float, rank: float | None) -> dict[str, Any]:
    return {
        "chosen": {"step": 400, "accuracy": chosen},
        "last": {"step": 600, "accuracy": last},
        "oracle": {"accuracy": oracle},
        "validators": {
            "class_ami": {"rank_correlation": rank},
            "nuclear_norm": {"rank_correlation": 1.0},
            "source_accuracy": {"rank_correlation": None},
        },
    }


def trust(estimate: float, error: float = 0.3) -> dict[str, Any]:
    bins = ((0.45, 0.25, 100), (0.95, 0.8, 300))
    return {
        "calibration_error": error,
        "temperature": 2.5,
        "calibration_error_tempered": error / 2,
        "reliability": [
            dict(zip(("confidence", "accuracy", "count"), one, strict=True)) for one in bins
        ],
        "risk_coverage": {"coverage": [0.5, 1.0], "risk": [0.2, 0.5], "area": 0.25},
        "estimated_accuracy": {
            "thresholded_entropy": estimate,
            "thresholded_confidence": estimate + 0.1,
            "average_confidence": 0.9,
        },
    }


def add(path: Path, name: str, **scores: Any) -> None:
    """Give the finished run in `path` more scores, and the record of an honest evaluation."""
    file = path / name / "scores.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | scores))
    (path / name / "labels.json").write_text(json.dumps([opening()]))


def compare(path: Path, name: str, rings: bool) -> None:
    """What the alarm said of the adapted run `name`."""
    words = "The adapted classifier looks worse." if rings else "No sign of negative transfer."
    record = {
        "twin": name.replace("adapted", "source-only"),
        "rings": rings,
        "words": words,
        "changes": {"class_ami": -0.5},
        "disagreement": 0.4,
        "allowed": 0.9,
        "estimated": {"twin": 0.5, "adapted": 0.6},
        "source_change": -0.01,
    }
    (path / name / "twin.json").write_text(json.dumps(record))


def examples(path: Path, predicted: list[int]) -> None:
    """Six examples of classes 0 to 5, and what the run says of them."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
    label = np.arange(6, dtype=np.int16)
    answers = np.array(predicted, np.int16)
    np.savez(
        path / "outputs.npz",
        example_pixels=pixels,
        example_label=label,
        example_predicted=answers,
    )


def text(page: Path) -> str:
    """The words of the page."""
    body = re.sub(r"<style>.*?</style>", "", page.read_text(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())
