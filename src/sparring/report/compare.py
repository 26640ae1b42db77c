"""What differs between runs: what was asked, on what, where; what came out; where they part.

Knows run folders; knows no page. Settings and rows of logs are written with all their digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec import structs

from sparring.errors import RequestError
from sparring.metrics.statistics import Interval, of_share
from sparring.report.curves import Array, Log
from sparring.report.measures import MEASURES
from sparring.report.words import NONE, shares
from sparring.runs.folder import Run, flat
from sparring.runs.records import Config, LogRow
from sparring.runs.scores import ClassifierScores, GeneratorScores

Rows = Mapping[str, tuple[str, ...]]
"""By name, a value for each run."""


@dataclass(frozen=True)
class Comparison:
    """Two runs or more. asked, machine: what differs alone. parted: of each run after the first."""

    runs: tuple[Run, ...]
    asked: Rows
    machine: Rows
    scores: Rows
    parted: tuple[str, ...]


def compare(runs: Sequence[Run]) -> Comparison:
    """Raises RequestError where one is no run, or damaged."""
    for run in runs:
        if not run.begun:
            raise RequestError(f"{run.path} is no run: name folders such as OUT/runs/NAME")
    logs = [run.rows() for run in runs]
    return Comparison(
        tuple(runs),
        _differing([flat(run.config) for run in runs]),
        _differing([structs.asdict(run.environment) for run in runs]),
        _rows([_scores(run) for run in runs]),
        tuple(parting(logs[0], log) for log in logs[1:]),
    )


def _rows(columns: Sequence[Mapping[str, Any]]) -> Rows:
    names = dict.fromkeys(name for column in columns for name in column)
    return {name: tuple(str(column.get(name, NONE)) for column in columns) for name in names}


def _differing(columns: Sequence[Mapping[str, Any]]) -> Rows:
    return {name: row for name, row in _rows(columns).items() if len(set(row)) > 1}


def _scores(run: Run) -> dict[str, str]:
    """The results with the intervals that they have; of a run under way how far it is."""
    if not run.finished:
        last = run.rows()[-1].step if run.rows() else 0
        return {"state": f"step {last:,} of {run.config.training.steps:,}"}
    found = run.scores
    rows = _classified(found, run.config) if isinstance(found, ClassifierScores) else _drawn(found)
    speed = {"images/s": f"{found.images_per_second:,.0f}", "seconds": f"{found.seconds:,.0f}"}
    return {"state": "finished"} | rows | speed


def _classified(found: ClassifierScores, config: Config) -> dict[str, str]:
    test = config.data["source"].test
    sides = {
        "accuracy on the target, %": (found.accuracy, found.measured),
        "accuracy on the source, %": (
            found.source_accuracy,
            min(config.tested, test) if config.tested else test,
        ),
    }
    rows = {
        name: shares(of_share(round(value * n), n))
        for name, (value, n) in sides.items()
        if value is not None
    }
    return rows | {
        name.replace("_", " "): _digits(score(found)) for name, score in MEASURES.items()
    }


def _drawn(found: GeneratorScores) -> dict[str, str]:
    rows = {name.replace("_", " "): _digits(value) for name, value in found.metrics.items()}
    if drawn := found.fidelity.get("generated"):
        rows["kid"] = _interval(drawn.kid)
        rows["features, of images"] = f"{drawn.extractor}, {drawn.n_drawn:,}"
    if card := found.scorecard:
        rows |= {f"{name} as asked, %": shares(share) for name, share in card.labels.items()}
        rows |= {f"{name} flips, %": shares(t.flip.flipped) for name, t in card.turned.items()}
    return rows


def _digits(value: float | None) -> str:
    """Three that count, however small the number is."""
    return NONE if value is None else f"{value:.3g}"


def _interval(found: Interval) -> str:
    return f"{_digits(found.value)} [{_digits(found.low)}, {_digits(found.high)}]"


def parting(first: Sequence[LogRow], other: Sequence[LogRow]) -> str:
    """That two logs part, and where: the first row in which any number but the time differs.

    A row has means since the row before, so that it tells a stretch of steps.
    """
    before = 0
    for rows in zip(first, other, strict=False):
        one, two = map(_numbers, rows)
        if one["step"] != two["step"]:
            return (
                f"cannot be compared after step {before:,}: the next rows of the logs are of steps "
                f"{one['step']:,} and {two['step']:,}"
            )
        for name in one | two:
            if one.get(name) != two.get(name):
                at, values = rows[0].step, (one.get(name), two.get(name))
                where = f"step {at:,}" if at == before + 1 else f"steps {before + 1:,} to {at:,}"
                return f"part in {where}: {name} {values[0]} and {values[1]}"
        before = rows[0].step
    if not before:
        return "cannot be compared: a log has no rows"
    more = "" if len(first) == len(other) else ", where the shorter log ends"
    return f"part nowhere: every number is equal up to step {before:,}{more}"


def _numbers(row: LogRow) -> dict[str, float | None]:
    """All that is in a row but the time, by name."""
    groups = {"loss": row.losses, "": row.terms, "gradient": row.gradients, " ": row.measures}
    named = {
        f"{name} {kind}".strip(): value
        for kind, group in groups.items()
        for name, value in group.items()
    }
    return {"step": row.step, "images": row.images} | named


def overlaid(runs: Sequence[Run]) -> tuple[Array, dict[str, dict[str, Array]]]:
    """The losses of all runs: the steps of any, int64 [L], and by loss each run's, float64 [L].

    Runs are called 1, 2, ...; NaN where a run has no row.
    """
    logs = [Log.of(run.rows()) for run in runs]
    steps = np.unique(np.concatenate([log.step for log in logs]))
    losses: dict[str, dict[str, Array]] = {}
    for number, log in enumerate(logs, 1):
        places = np.searchsorted(steps, log.step)
        for name, values in log.losses.items():
            line = losses.setdefault(name, {})[str(number)] = np.full(len(steps), np.nan)
            line[places] = values
    return steps, losses
