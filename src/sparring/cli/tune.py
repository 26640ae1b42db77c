"""`sparring tune METHOD`: settings of a method for two domains, found without target labels."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, make_dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from sparring import defaults
from sparring.cli import command_line
from sparring.cli.common import Crew, RunOptions, apart, at_least_one, training
from sparring.cli.train import check_settings
from sparring.errors import RequestError, TrainingFailed
from sparring.game import AdaptationMethod
from sparring.methods import METHODS, name_of
from sparring.runs import ClassifierRun
from sparring.runs.records import Plan

PER_CLASS = 20
"""Test images of each class and domain in the t-SNE map of a trial, which nobody looks at."""


class Range(NamedTuple):
    """Values that a setting may take; log: alike in every order of magnitude."""

    low: float
    high: float
    log: bool


@dataclass(kw_only=True)
class TuningOptions(RunOptions):
    """What is searched on, and how long. A setting of the method is searched for where it is given
    as LOW:HIGH or LOW:HIGH:log."""

    source: str
    """The labelled domain: a data set's name, or a folder of class folders."""
    target: str
    """The other domain, likewise, or a folder of images without labels. Labels that it has are
    not read."""
    trials: int = 20
    """Settings to try. More than an earlier call had: it goes on."""
    size: int = 32
    """Height and width of the images in pixels."""
    steps: int = defaults.TUNE_STEPS
    """Batches to train each trial on."""
    batch_size: int = defaults.BATCH
    """Images in a batch, of each domain."""
    seed: int = 0
    """Of every training and of the search."""
    out: Path = Path("tuned")
    """Folder of the trials; started again with the same one it goes on where it was."""
    crew: Crew = field(default_factory=Crew)


def _number_or_range(kind: type[float], words: list[str]) -> float | Range:
    """What "0.1", "1e-5:1e-2" or "1e-5:1e-2:log" says. Raises ValueError."""
    low, *rest = words[0].split(":")
    match rest:
        case []:
            return kind(low)
        case [high] | [high, "log"]:
            found = Range(kind(low), kind(high), len(rest) == 2)
            if found.low < found.high and (found.low > 0 or not found.log):
                return found
    raise ValueError("a range is LOW:HIGH, or LOW:HIGH:log with LOW above 0")


def _searched(method: type[AdaptationMethod]) -> type[AdaptationMethod]:
    """The method, but that ranges can be given in place of its numbers."""
    numbers = [setting for setting in fields(method) if setting.type in (int, float)]
    readers = {
        setting.name: PrimitiveConstructorSpec(
            nargs=1,
            metavar=f"{setting.type.__name__.upper()}|LOW:HIGH[:log]",  # type: ignore[union-attr]
            instance_from_str=partial(_number_or_range, setting.type),  # type: ignore[arg-type]
            is_instance=lambda value: isinstance(value, (int, float, Range)),
            str_from_instance=lambda value: [str(value)],
        )
        for setting in numbers
    }
    typed = [
        (setting.name, Annotated[Any, readers[setting.name]], field(default=setting.default))
        for setting in numbers
    ]
    return make_dataclass(method.__name__, typed, bases=(method,), kw_only=True, eq=False)


def _request(name: str, method: type[AdaptationMethod]) -> Any:
    """A method's subcommand: the options, and its settings."""
    parts = [("options", TuningOptions), ("method", _searched(method))]
    kind = make_dataclass(name, parts, kw_only=True)
    kind.__doc__ = (method.__doc__ or "").strip()
    return Annotated[kind, tyro.conf.subcommand(name)]


if TYPE_CHECKING:
    _Request = Any
else:  # the command line offers a subcommand a method
    _Request = Union[  # noqa: UP007
        tuple(_request(*m) for m in METHODS.items() if issubclass(m[1], AdaptationMethod))
    ]


def tune(asked: _Request) -> None:
    """Search for settings that carry a classifier over best, as label-free scores tell.

    Each trial is a training in OUT/runs whose target has no labels; the best one, by the consensus
    of validators, is printed as a `sparring train` command. Settings are given as for that command;
    one that is given as a range, such as --learning-rate 1e-5:1e-2:log, is searched for.
    """
    options: TuningOptions = asked.options
    method: type[AdaptationMethod] = type(asked.method).__base__  # type: ignore[assignment]
    settings = {setting.name: getattr(asked.method, setting.name) for setting in fields(method)}
    space = {name: value for name, value in settings.items() if isinstance(value, Range)}
    if not space:
        raise RequestError("give a setting as a range, such as --learning-rate 1e-5:1e-2:log")
    for end in ("low", "high"):
        check_settings(
            method(**settings | {n: getattr(values, end) for n, values in space.items()})
        )
    at_least_one("--trials", options.trials)
    at_least_one("--size", options.size)
    pair = options.source, options.target
    apart(options.out, *pair)
    given = method(**{name: value for name, value in settings.items() if name not in space})
    length = training(options.steps, options.batch_size, options.seed)
    plain = ClassifierRun(
        given,
        "adapted",
        *pair,
        options.seed,
        replace(length, keep_state=False),
        PER_CLASS,
        size=options.size,
    )
    print(_command(options, _search(options, plain, space)))


def _search(options: TuningOptions, plain: ClassifierRun, space: dict[str, Range]) -> ClassifierRun:
    """The best trial. Raises RequestError."""
    try:
        from optuna.distributions import FloatDistribution, IntDistribution

        from sparring.runs.tuning import search
    except ModuleNotFoundError as error:
        raise RequestError(f"tune needs {error.name}: pip install 'sparring[tune]'") from error
    library = replace(options.library(), sealed=frozenset([plain.target]))
    plan = Plan(command=command_line(), budget=f"{options.steps:,} steps", purpose="training")

    def play(jobs: Sequence[ClassifierRun]) -> None:
        with suppress(TrainingFailed):  # it was told, and the search goes on
            options.play(jobs, options.out, plan, lambda out: out, options.crew, library)

    config = plain.config(library, options.machine().device)
    distributions = {
        name: (IntDistribution if isinstance(low, int) else FloatDistribution)(low, high, log)
        for name, (low, high, log) in space.items()
    }
    return search(plain, config, distributions, options.trials, options.out, play)


def _command(options: TuningOptions, best: ClassifierRun) -> str:
    """What trains the best of the trials again, with labels of the target to measure by."""
    words = ["sparring", "train", name_of(best.method)]
    words += ["--source", best.source, "--target", best.target]
    words += [] if options.data is None else ["--data", str(options.data)]
    for flag in ("size", "steps", "batch_size", "seed"):
        words += [f"--{flag.replace('_', '-')}", str(getattr(options, flag))]
    usual = asdict(type(best.method)())
    for setting, value in asdict(best.method).items():
        if value != usual[setting]:
            words += _flag(setting, value)
    return shlex.join(words)


def _flag(setting: str, value: Any) -> list[str]:
    flag = setting.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", *map(str, value if isinstance(value, (list, tuple)) else [value])]
