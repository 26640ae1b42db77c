"""`sparring train METHOD`: one method on any data. A method's own settings are its flags."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, make_dataclass
from pathlib import Path
from typing import Any

import tyro

from sparring.errors import RequestError, unknown
from sparring.game import AdaptationMethod, GenerativeMethod, Labelled, Method
from sparring.methods import METHODS
from sparring.report2019.plan import BUDGETS, BudgetName
from sparring.runs import AdaptationJob, ExtractorName, GenerationJob, Job, Library, Scenario
from sparring.runs.progress import Screen
from sparring.runs.schedule import Plan, play_all
from sparring.runtime import Precision
from sparring.trainer import Training

MAX_SEED = 2**32 - 1
"""The largest seed that every library takes."""


@dataclass(kw_only=True)
class TrainingOptions:
    """What every training may be told."""

    data: Path | None = None
    """Folder of the real sets."""
    budget: BudgetName = "quick"
    """How long to train, as in `sparring reproduce`."""
    steps: int | None = None
    """Batches to train on, instead of the budget's."""
    batch_size: int | None = None
    """Images in a batch, of each domain, instead of the budget's."""
    precision: Precision = "auto"
    """Arithmetic of the networks; "auto" takes bfloat16 where it is faster."""
    seed: int = 0
    """The same seed gives the same weights on the same machine."""
    out: Path | None = None
    """Folder for the run and its report; runs/NAME if not given."""

    def training(self, budget_steps: int) -> Training:
        steps = budget_steps if self.steps is None else self.steps
        batch_size = BUDGETS[self.budget].batch_size if self.batch_size is None else self.batch_size
        if steps < 1 or batch_size < 2:
            raise RequestError("--steps must be at least 1 and --batch-size at least 2")
        if not 0 <= self.seed <= MAX_SEED:
            raise RequestError(f"--seed must lie in 0..{MAX_SEED}, not be {self.seed}")
        return Training(steps, batch_size, self.precision)


@dataclass(kw_only=True)
class AdaptationOptions(TrainingOptions):
    """Options of methods that carry a classifier from one domain to another."""

    source: str
    """The labelled domain: a data set's name, or a folder of class folders."""
    target: str
    """The unlabelled domain, likewise; its labels serve for testing only."""
    scenario: Scenario = "adapted"
    """"source-only" and "target-only" train the task loss alone: the lower and upper bound."""

    def job(self, method: AdaptationMethod) -> Job:
        plan = BUDGETS[self.budget]
        training = self.training(plan.adaptation_steps)
        ends = self.scenario, self.source, self.target
        return AdaptationJob(method, *ends, self.seed, training, plan.per_class)


@dataclass(kw_only=True)
class GenerationOptions(TrainingOptions):
    """Options of generators."""

    faces: str
    """Images to learn from: a data set's name or a folder."""
    attributes: str = "Smiling"
    """For methods with labels: one attribute, several with commas, or "all"."""
    extractor: ExtractorName = "own"
    """Whose features fidelity is measured on: "own" learns from the same images; "inception" is
    the published one, which FID is defined on (fetched if need be)."""

    def job(self, method: GenerativeMethod) -> Job:
        attributes = self.attributes if method.batch_type is Labelled else ""
        plan = BUDGETS[self.budget]
        training = self.training(plan.generation_steps)
        judging = plan.judge_steps, plan.judged, self.extractor
        return GenerationJob(method, self.faces, attributes, self.seed, training, *judging)


def request(name: str, arguments: list[str], command: str) -> Callable[[], None]:
    """Parse the options of method `name`; what is returned trains it.

    Raises RequestError for an unknown method; the training, whatever `play_all` raises.
    """
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    method_type = METHODS[name]
    options_type = (
        AdaptationOptions if issubclass(method_type, AdaptationMethod) else GenerationOptions
    )
    request_type = make_dataclass("Request", [("training", options_type), ("method", method_type)])
    asked: Any = tyro.cli(
        request_type,
        prog=f"sparring train {name}",
        description=(method_type.__doc__ or "").strip(),
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    return lambda: _train(asked.training, asked.method, command)


def check_settings(method: Method) -> None:
    """Raise RequestError for a setting that no network can be built or trained with."""
    for name, value in asdict(method).items():
        flag = f"--{name.replace('_', '-')}"
        if name == "betas" and not all(0 <= beta < 1 for beta in value):
            raise RequestError(f"{flag} must be at least 0 and less than 1")
        if isinstance(value, int) and not isinstance(value, bool) and value < 1:
            raise RequestError(f"{flag} must be at least 1, not {value}")
        if isinstance(value, float) and not 0 <= value < math.inf:
            raise RequestError(f"{flag} must be a number from 0 up, not {value}")


def _train(options: AdaptationOptions | GenerationOptions, method: Any, command: str) -> None:
    check_settings(method)
    job = options.job(method)
    library = Library(options.data)
    screen = Screen()
    out = options.out or Path("runs") / job.name
    page = play_all([job], library, out, Plan(command, options.budget), screen)
    screen.say(f"{out / 'runs' / job.name}\n{page}")
