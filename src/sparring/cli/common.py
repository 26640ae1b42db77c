"""What several commands have in common: options and how they are read, and how runs are played.

Knows no method, no data set and no report.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from sparring.errors import RequestError, Stopped, TrainingFailed

if TYPE_CHECKING:
    from sparring.runs import Job
    from sparring.runs.records import Plan
    from sparring.runtime import Machine

OPTIONAL = ConstructorRegistry()
"""Lets an option of type `X | None` be read, and shown in the help, as an X."""


@OPTIONAL.primitive_rule
def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    match get_args(info.type):
        case (type() as kind, second) if second is NoneType and kind in (Path, int, float, str):
            return PrimitiveConstructorSpec(
                nargs=1,
                metavar=kind.__name__.upper(),
                instance_from_str=lambda words: kind(words[0]),
                is_instance=lambda value: value is None or isinstance(value, kind),
                str_from_instance=lambda value: ["none" if value is None else str(value)],
            )
    return None


@dataclass(kw_only=True)
class DeviceOptions:
    """Where networks are trained."""

    device: str = "auto"
    """auto (an accelerator if there is one), cpu, cuda, cuda:1, mps."""
    threads: int | None = None
    """Threads of a run on a CPU; by default what the cores allow."""

    def machine(self, jobs: int | None = 1) -> "Machine":
        """The machine that is asked for. Raises RequestError where it is not this one."""
        from sparring.runtime import Machine

        at_least_one("--threads", self.threads)
        at_least_one("--jobs", jobs)
        return Machine.of(self.device, jobs, self.threads)


@dataclass(kw_only=True)
class MachineOptions(DeviceOptions):
    """Where networks are trained, and how many at a time."""

    jobs: int | None = None
    """Runs at a time, each in a process of its own; by default what cores, memory and
    accelerators allow."""


def at_least_one(flag: str, value: int | None) -> None:
    """Raise RequestError for a number below 1."""
    if value is not None and value < 1:
        raise RequestError(f"{flag} must be at least 1, not {value}")


def check_data(data: Path | None) -> None:
    """Raise RequestError where the folder of the real sets is none."""
    if data is not None and not data.is_dir():
        raise RequestError(f"--data {data}: there is no such folder")


def play(
    runs: "Sequence[Job]",
    data: Path | None,
    out: Path,
    plan: "Plan",
    machine: "Machine",
    build: Callable[[Path], Path],
) -> Path:
    """Set this process up, play what is not finished into `out`, and build the report.

    Returns the page's path.

    Raises RequestError; TrainingFailed and Stopped after building the report of what is done.
    """
    from sparring.runs import Library
    from sparring.runs.progress import Screen
    from sparring.runs.schedule import play_all
    from sparring.runtime import busy

    screen, machine = Screen(), machine.for_runs(len(runs))
    machine.set_up()
    if waiting := busy(machine.threads):
        screen.say(waiting)
    try:
        play_all(runs, Library(data), out, plan, machine, screen)
    except (TrainingFailed, Stopped):
        build(out)
        raise
    return build(out)
