"""`sparring reproduce`: every run of the source report, and its page."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sparring.cli import command_line
from sparring.cli.common import MachineOptions, at_least_one, check_data, play

if TYPE_CHECKING:
    from sparring.runs.records import Use


@dataclass(kw_only=True)
class SourceReport(MachineOptions):
    """What is repeated, on which data and machine."""

    data: Path | None = None
    """Folder of real sets (celeba/, mnist_m/, svhn/ or meter_digits/, ...); without it the
    program draws stand-ins."""
    seeds: int | None = None
    """Repetitions, with seeds 0, 1, ...; by default what the budget says."""
    out: Path = Path("report")
    """Folder for report.html, results.json, figures/, runs/ and claims/."""

    def found(self) -> "dict[str, Use]":
        """Which set serves for which of the source report's; told to the user.

        Raises RequestError for options that no report can be asked for.
        """
        from sparring.report2019.plan import find_data

        at_least_one("--seeds", self.seeds)
        check_data(self.data)
        found = find_data(self.data)
        for use in found.values():
            print(f"{use.asked}: {use.used} ({use.kind}; {use.why})", file=sys.stderr)
        return found


def reproduce(
    shared: SourceReport,
    budget: Literal["smoke", "quick", "full"] = "quick",
    only: tuple[Literal["gan", "acgan", "dann", "dsn"], ...] = (),
    extractor: Literal["own", "inception"] = "own",
) -> None:
    """Train the source report's systems and write the whole report.

    Started again with the same --out it goes on where it was; finished runs are not run again.

    Args:
        shared: What is repeated, on which data and machine.
        budget: smoke: a minute, shows that all works; quick: a quarter of an hour on 2 cores;
            full: five seeds, as long as the source report trained.
        only: Limit the report to some systems.
        extractor: Whose features fidelity is measured on: "own" learns from the same images;
            "inception" is the published one, which FID is defined on (fetched if need be).
    """
    from sparring.report2019.plan import BUDGETS, source_report
    from sparring.report2019.sections import build
    from sparring.runs.records import Plan

    uses = shared.found()
    seeds = shared.seeds or BUDGETS[budget].seeds
    runs = source_report(uses, budget, seeds, only, extractor)
    plan = Plan(
        command=command_line(), budget=budget, purpose="reproduction", uses=list(uses.values())
    )
    page = play(runs, shared.data, shared.out, plan, shared.machine(shared.jobs), build)
    print(f"{page}\n{shared.out / 'results.json'}")
