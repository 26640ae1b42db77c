"""A search for the settings of an adaptation method, by what can be told without target labels.

Optuna proposes settings and keeps its journal; each trial is a run like any other. The target of a
trial has no labels to read: see `Library.sealed`. Knows runs; knows no command line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import optuna
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from sparring.errors import RequestError
from sparring.metrics.validators import MEMBERS, consensus
from sparring.runs.classifier import ClassifierRun
from sparring.runs.folder import Run, difference
from sparring.runs.records import Config
from sparring.runs.schedule import check_output
from sparring.runs.scores import ClassifierScores
from sparring.storage import to_json

JOURNAL = ".trials.log"
ROUND = 4
"""Trials that are proposed at once, however many are played at a time: the same ones everywhere."""
AT_RANDOM = 8
"""Trials that are proposed at random, before what they showed is made use of."""


Space = Mapping[str, BaseDistribution]
"""The settings that are searched for, by name, and the values that each may take."""


def search(
    plain: ClassifierRun,
    config: Config,
    space: Space,
    trials: int,
    out: Path,
    play: Callable[[Sequence[ClassifierRun]], None],
) -> ClassifierRun:
    """The best of `trials` runs below `out`; those of an earlier call count among them.

    plain, config: the run that is varied. play: plays runs into out/runs; where it leaves one
    without scores, its settings are known not to work. What it raises ends the search: the trials
    stay open. Raises RequestError for another search in `out`, or where nothing has worked.
    """
    study = _open(out / JOURNAL, config, space)
    while True:
        begun = study.get_trials(states=[TrialState.RUNNING])  # of a search that was stopped
        asked = [(trial.number, trial.params) for trial in begun]
        if not asked:
            done = len(study.trials)
            study.sampler = TPESampler(seed=plain.seed + done, n_startup_trials=AT_RANDOM)
            fresh = [study.ask(dict(space)) for _ in range(min(ROUND, trials - done))]
            asked = [(trial.number, trial.params) for trial in fresh]
        if not asked:
            break
        jobs = {number: _trial(plain, number, settings) for number, settings in asked}
        play(list(jobs.values()))
        for number, job in jobs.items():
            if (run := Run(out / "runs" / job.name)).finished:
                found = without_labels(run)
                study.tell(number, [found[member.__name__] for member in MEMBERS])
            else:
                study.tell(number, state=TrialState.FAIL)
    worked = study.get_trials(states=[TrialState.COMPLETE])
    return _best([_trial(plain, trial.number, trial.params) for trial in worked], out)


def without_labels(run: Run) -> dict[str, float]:
    """What the validators say of the last state of a finished adapted run."""
    scores = run.scores
    assert isinstance(scores, ClassifierScores)
    assert scores.selection is not None
    return scores.selection.candidates[-1].validators


def _trial(plain: ClassifierRun, number: int, settings: Mapping[str, Any]) -> ClassifierRun:
    return replace(plain, method=replace(plain.method, **settings), arm=f"trial-{number}")


def _best(jobs: Sequence[ClassifierRun], out: Path) -> ClassifierRun:
    """The one that the validators agree on, by the rule that chooses among states of one run."""
    if not jobs:
        raise RequestError(f"no trial in {out} has ended with scores: try other ranges")
    rows = [without_labels(Run(out / "runs" / job.name)) for job in jobs]
    return jobs[consensus({name: [row[name] for row in rows] for name in rows[0]})]


def _open(journal: Path, config: Config, space: Space) -> optuna.Study:
    """The study in the journal, a new one where there is none."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    check_output(journal.parent)
    journal.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name="sparring tune",
        directions=["maximize"] * len(MEMBERS),
        load_if_exists=True,
    )
    before = study.user_attrs.get("config")
    ranges = {name: distribution_to_json(values) for name, values in space.items()}
    if before is None:
        study.set_user_attr("ranges", ranges)
        study.set_user_attr("config", to_json(config).decode())
    elif words := difference(msgspec.json.decode(before, type=Config), config):
        raise RequestError(f"{journal.parent} holds another search: {words}; name another --out")
    elif study.user_attrs["ranges"] != ranges:
        raise RequestError(f"{journal.parent} holds a search of other ranges; name another --out")
    return study
