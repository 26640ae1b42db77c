"""Adapted runs beside their source-only twins: the negative-transfer alarm, over run folders.

A twin differs from the adapted run in nothing but the scenario. No target label is read here:
what is compared holds none (see `classifier_evaluation.outputs`).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import msgspec
import numpy as np
from msgspec import structs

from sparring.errors import RequestError
from sparring.metrics.negative_transfer import alarm
from sparring.metrics.outputs import Outputs, Predictions
from sparring.metrics.validators import DomainOutputs
from sparring.runs.folder import Run
from sparring.runs.records import Config, TransferAlarm


def compare_twins(runs: Iterable[Run], say: Callable[[str], None]) -> None:
    """Compare each adapted run that has a finished twin, and was not yet compared.

    Writes a TransferAlarm into the adapted run, and says where it rings. A run with a damaged
    file is told and left out.
    """
    twins: dict[bytes, Run] = {}
    adapted: list[Run] = []
    for run in runs:
        with _told(say):
            if run.finished and run.config.scenario == "source-only":
                twins[_likeness(run.config)] = run
            elif run.finished and run.config.scenario == "adapted" and run.alarm is None:
                adapted.append(run)
    for run in adapted:
        with _told(say):
            if twin := twins.get(_likeness(run.config)):
                _compare(twin, run, say)


@contextmanager
def _told(say: Callable[[str], None]) -> Iterator[None]:
    try:
        yield
    except RequestError as error:
        say(str(error))


def _likeness(config: Config) -> bytes:
    """Equal for two runs that are twins: the same request on the same data."""
    plain = structs.replace(config, scenario="adapted", per_class=0)
    return msgspec.json.encode(plain, order="sorted")


def _compare(twin: Run, run: Run, say: Callable[[str], None]) -> None:
    verdict = alarm(_outputs(twin), _outputs(run))
    if verdict.rings:
        say(f"{run.name}: {verdict.words}")
    run.write(TransferAlarm(twin=twin.name, **asdict(verdict)))


def _outputs(run: Run) -> DomainOutputs:
    arrays = run.arrays("outputs")
    source, target = (
        Outputs(arrays[f"{side}_features"].astype(np.float32), arrays[f"{side}_logits"])
        for side in ("source", "target")
    )
    return DomainOutputs(Predictions(source, arrays["source_label"]), target)
