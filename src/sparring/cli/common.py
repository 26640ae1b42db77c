"""What several commands have in common: options and how they are read, and how runs are played.

Knows no method and no page.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from sparring import launch
from sparring.errors import ProcessDied, RequestError, Stopped, TrainingFailed
from sparring.storage import writing

if TYPE_CHECKING:
    from sparring.runs import Job, Library
    from sparring.runs.processes import Player
    from sparring.runs.records import Plan, Use
    from sparring.runtime import Machine
    from sparring.trainer import Training

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


def training(steps: int, batch_size: int, seed: int, **more: Any) -> "Training":
    """The length of a training that may go on later. Raises RequestError for one that cannot be."""
    from sparring.runs.common import length

    return length(steps, batch_size, seed, keep_state=True, **more)


def size_of(images: str, data: Path | None, asked: int | None, largest: int) -> int:
    """Height and width in pixels to take `images` at: as asked, or as their own size proposes."""
    from sparring.data.catalogue import proposed_size

    at_least_one("--size", asked)
    return asked or proposed_size(images, data, largest)


def apart(out: Path, *places: str) -> None:
    """Raise RequestError where `out` lies in one of `places`."""
    for place in places:
        if out.resolve().is_relative_to(Path(place).resolve()):
            raise RequestError(
                f"--out {out} lies in {place}, and its figures would be taken for images of it: "
                "name a folder elsewhere"
            )


def a_file(out: Path, flag: str = "--out") -> None:
    """Raise RequestError unless `out` may be a file in a folder that exists."""
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise RequestError(f"{flag} {out}: name a file in a folder that exists")


def at_least_one(flag: str, value: int | None) -> None:
    """Raise RequestError for a number below 1."""
    if value is not None and value < 1:
        raise RequestError(f"{flag} must be at least 1, not {value}")


@dataclass(kw_only=True)
class Crew:
    """Who plays runs: processes of this machine, or a cluster."""

    on: Literal["local", "ray"] = "local"
    """local: in processes of this machine; ray: on a Ray cluster (needs sparring[ray]), a thread a
    run unless --threads says more, and a card each where this machine has some."""
    address: str | None = None
    """Of the Ray cluster: HOST:PORT, or auto; by default Ray's own, which is to start one here."""
    jobs: int | None = None
    """Runs at a time, each in a process of its own; by default what cores, memory and
    accelerators allow. On Ray the cluster decides."""

    def machine(self, options: DeviceOptions, runs: int) -> "Machine":
        """What so many runs are played on. Raises RequestError."""
        if self.on == "local":
            return options.machine(self.jobs).for_runs(runs)
        return replace(options, threads=options.threads or 1).machine()

    def player(self) -> "Player":
        """What plays them. Raises RequestError where that cannot be."""
        if self.on == "local":
            if self.address is not None:
                raise RequestError("--address is of a Ray cluster: say --on ray")
            from sparring.runs.processes import play

            return play
        if self.jobs is not None:
            raise RequestError("--jobs is for this machine: leave it out, a Ray cluster decides")
        try:
            from sparring.runs import on_ray
        except ModuleNotFoundError as error:
            words = f"--on ray needs {error.name}: pip install 'sparring[ray]'"
            raise RequestError(words) from error
        return partial(on_ray.play, address=self.address)


ONE_BY_ONE = Crew(jobs=1)


@dataclass(kw_only=True)
class RunOptions(DeviceOptions):
    """What runs train on, and where."""

    data: Path | None = None
    """Folder of the real sets: celeba/, mnist_m/, svhn/ or meter_digits/, ..."""
    watch: bool = False
    """Show the report in a browser while it trains, as `sparring watch` does."""

    def library(self) -> "Library":
        """What data sets come from. Raises RequestError."""
        from sparring.runs import Library

        if self.data is not None and not self.data.is_dir():
            raise RequestError(f"--data {self.data}: there is no such folder")
        return Library(self.data)

    def play(
        self,
        runs: "Sequence[Job]",
        out: Path,
        plan: "Plan",
        build: Callable[[Path], Path],
        crew: Crew = ONE_BY_ONE,
        library: "Library | None" = None,
    ) -> Path:
        """Play what is not finished into `out`, build the report, and return the page's path.

        Raises RequestError; TrainingFailed, ProcessDied and Stopped after building the report of
        what is done. Of ranks that train together all but the first one end here.
        """
        from sparring import ranks
        from sparring.cli.watch import watched
        from sparring.runs.processes import follow
        from sparring.runs.progress import Screen
        from sparring.runs.schedule import play_all

        library, player = library or self.library(), crew.player()
        screen, machine = Screen(), crew.machine(self, len(runs))
        for use in plan.uses:
            screen.say(f"{use.asked}: {use.used} ({use.kind}; {use.why})")
        machine.set_up()
        with ranks.joined(machine.device):
            if leads := ranks.first():
                try:
                    with watched(out, screen.say) if self.watch else nullcontext():
                        play_all(runs, library, out, plan, machine, screen, player)
                except (TrainingFailed, ProcessDied, Stopped):
                    if (out / "plan.json").is_file():  # else it was stopped before anything began
                        build(out)
                    raise
            else:
                follow(runs, library, out / "runs", machine.device)
        if not leads:
            launch.leave(0)
        with writing(out):
            return build(out)


@dataclass(kw_only=True)
class JointRunOptions(RunOptions):
    """What runs train on, and how many processes train each."""

    processes: int = 1
    """Processes that train together, each on its part of every batch: on a card each, or a share
    of the cores. Across machines start with torchrun in place of this."""

    def start_processes(self) -> None:
        """Where several are asked for, start them with this same command, and end as they end."""
        at_least_one("--processes", self.processes)
        if self.processes > 1 and not launch.launched():
            launch.start(self.processes)


@dataclass(kw_only=True)
class SourceReport(RunOptions):
    """What is repeated of the source report, and where. Without --data, stand-ins are drawn."""

    seeds: int | None = None
    """Repetitions, with seeds 0, 1, ...; by default what the budget says."""
    crew: Crew = field(default_factory=Crew)
    out: Path = Path("report")
    """Folder for report.html, results.json, figures/, runs/ and claims/."""

    def found(self) -> "dict[str, Use]":
        """Which set serves for which of the source report's. Raises RequestError."""
        from sparring.report2019.plan import find_data

        at_least_one("--seeds", self.seeds)
        return find_data(self.data)
