"""Adapted runs beside their source-only twins: the negative-transfer alarm, over run folders.

A twin differs from the adapted run in nothing but the scenario. No target label is read here:
views hold none (see `judging.view_arrays`).
"""

import json
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sparring.errors import RequestError
from sparring.metrics.negative_transfer import Verdict, alarm
from sparring.metrics.outputs import Outputs, Predictions
from sparring.metrics.validators import View
from sparring.runs.folder import RunFolder

_MAY_DIFFER = ("scenario", "per_class")


def compare_twins(runs: Iterable[RunFolder]) -> Iterator[tuple[RunFolder, Verdict]]:
    """Compare each adapted run that has a finished twin, and was not yet compared.

    Writes twin.json into the adapted run; yields it with the verdict. Raises RequestError where a
    file is damaged.
    """
    configs = {run: run.read("config") for run in runs if (run.path / "outputs.npz").is_file()}
    of = {
        scenario: [r for r, c in configs.items() if c["scenario"] == scenario and r.finished]
        for scenario in ("source-only", "adapted")
    }
    twins = {_likeness(run, configs[run]): run for run in of["source-only"]}
    for run in of["adapted"]:
        twin = twins.get(_likeness(run, configs[run]))
        if twin is not None and not (run.path / "twin.json").is_file():
            verdict = alarm(_view(twin), _view(run))
            run.write("twin", _record(twin, verdict))
            yield run, verdict


def _likeness(run: RunFolder, config: dict[str, Any]) -> str:
    """Equal for two runs that are twins, scenario apart: the same request on the same data."""
    same = {key: value for key, value in config.items() if key not in _MAY_DIFFER}
    return json.dumps([same, run.read("env")["data"]], sort_keys=True)


def _view(run: RunFolder) -> View:
    path = run.path / "outputs.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            source, target = (
                Outputs(arrays[f"{side}_features"].astype(np.float32), arrays[f"{side}_logits"])
                for side in ("source", "target")
            )
            return View(Predictions(source, arrays["source_label"].astype(np.int64)), target)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RequestError(f"cannot read {path}: {error}; remove the run folder") from error


def _record(twin: RunFolder, verdict: Verdict) -> dict[str, Any]:
    """The content of twin.json; accuracies and shares are fractions."""
    return {
        "twin": twin.name,
        "rings": verdict.worse,
        "words": verdict.words,
        "changes": dict(verdict.changes),
        "disagreement": verdict.disagreement,
        "allowed": verdict.allowed,
        "overlap_lost": verdict.overlap_lost,
        "overlap_error": verdict.overlap_error,
        "estimated": {"twin": verdict.twin, "adapted": verdict.adapted},
        "source_change": verdict.source_change,
    }
