"""`sparring train METHOD`: one method on any data. A method's own settings are its flags."""

import math
from dataclasses import asdict, dataclass, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import tyro

from sparring.cli import command_line
from sparring.cli.common import JointRunOptions, at_least_one, training
from sparring.errors import RequestError
from sparring.game import AdaptationMethod, GenerativeMethod, Labelled, Method
from sparring.methods import METHODS
from sparring.report.page import build
from sparring.report2019.plan import BUDGETS, BudgetName
from sparring.runs import ClassifierRun, ExtractorName, GeneratorRun, Job
from sparring.runs.records import Plan
from sparring.runtime import Precision
from sparring.trainer import Training


@dataclass(kw_only=True)
class TrainingOptions(JointRunOptions):
    """What every training may be told."""

    budget: BudgetName = "quick"
    """How long to train: as `sparring reproduce` trains DCGAN and DANN, whatever the method."""
    steps: int | None = None
    """Batches to train on, by default the budget's. More than a finished run had: it goes on;
    fewer than a stopped one was to have: it ends there. Not so a mean teacher's, which depends on
    its length."""
    batch_size: int | None = None
    """Images in a batch, of each domain; by default the budget's."""
    precision: Precision = "auto"
    """Arithmetic of the networks; "auto" takes bfloat16 where the machine computes with it."""
    rescue: bool = True
    """Where a training diverges, go back to an earlier state, with half the rate."""
    seed: int = 0
    """The same seed gives the same weights on the same machine."""
    out: Path = Path("trainings")
    """Folder of your trainings: runs/NAME has this one, report.html shows all."""

    def training(self, budget_steps: int) -> Training:
        """The length asked for. Raises RequestError for one that cannot be."""
        steps = budget_steps if self.steps is None else self.steps
        batch_size = BUDGETS[self.budget].batch_size if self.batch_size is None else self.batch_size
        return training(steps, batch_size, self.seed, precision=self.precision, rescue=self.rescue)


@dataclass(kw_only=True)
class AdaptationOptions(TrainingOptions):
    """Options of methods that carry a classifier from one domain to another."""

    source: str
    """The labelled domain: a data set's name, or a folder of class folders."""
    target: str
    """The other domain, likewise, or a folder of images without labels. Labels that it has serve
    for testing only."""
    scenario: Literal["source-only", "adapted", "target-only"] = "adapted"
    """"source-only" and "target-only" train the task loss alone: the lower and upper bound."""
    size: int = 32
    """Height and width of the images in pixels."""

    def run(self, method: AdaptationMethod) -> Job:
        """The run asked for. Raises RequestError."""
        plan = BUDGETS[self.budget]
        training, pair = self.training(plan.adaptation_steps), (self.source, self.target)
        return ClassifierRun(
            method, self.scenario, *pair, self.seed, training, plan.per_class, size=self.size
        )


@dataclass(kw_only=True)
class GenerationOptions(TrainingOptions):
    """Options of generators."""

    images: str
    """Images to learn from: a data set's name or a folder."""
    labels: str = "all"
    """For methods with labels: one attribute, several with commas, "all" or "none"; of class
    folders the classes."""
    size: int = 64
    """Height and width of the images in pixels: 16, 32, 64, ..."""
    extractor: ExtractorName = "own"
    """Whose features fidelity is measured on: "own" learns from the same images; "inception" is
    the published one, which FID is defined on (fetched if need be)."""

    def run(self, method: GenerativeMethod) -> Job:
        """The run asked for. Raises RequestError."""
        plan = BUDGETS[self.budget]
        used = self.labels != "none" and issubclass(Labelled, method.batch_type)
        labels = self.labels if used else ""
        training = self.training(plan.generation_steps)
        judging = plan.judge_steps, plan.judged, self.extractor
        return GeneratorRun(method, self.images, labels, self.seed, training, *judging, self.size)


def _request(name: str, method: type[Method]) -> Any:
    """A method's subcommand: the options of its kind, and its settings."""
    options = AdaptationOptions if issubclass(method, AdaptationMethod) else GenerationOptions
    kind = make_dataclass(name, [("training", options), ("method", method)], kw_only=True)
    kind.__doc__ = (method.__doc__ or "").strip()
    return Annotated[kind, tyro.conf.subcommand(name)]


if TYPE_CHECKING:
    _Request = Any
else:  # the command line offers a subcommand a method
    _Request = Union[tuple(_request(*item) for item in METHODS.items())]  # noqa: UP007


def train(asked: _Request) -> None:
    """Train one method on any data: `sparring train METHOD --help` shows its options.

    A run goes into OUT/runs/NAME, with the trained model in its folder model/.
    """
    options: AdaptationOptions | GenerationOptions = asked.training
    check_settings(asked.method)
    at_least_one("--size", options.size)
    options.start_processes()
    run = options.run(asked.method)
    plan = Plan(command=command_line(), budget=options.budget, purpose="training")
    page = options.play([run], options.out, plan, build)
    print(f"{options.out / 'runs' / run.name}\n{page}")


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
