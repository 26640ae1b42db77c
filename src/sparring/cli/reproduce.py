"""`sparring reproduce`: every run of the source report, and its page."""

from typing import Literal

from sparring.cli import command_line
from sparring.cli.common import SourceReport


def reproduce(
    shared: SourceReport,
    budget: Literal["smoke", "quick", "full"] = "quick",
    preset: Literal["all", "report2019", "modern"] = "all",
    only: tuple[Literal["gan", "acgan", "dann", "dsn", "projection-gan", "mean-teacher"], ...] = (),
    extractor: Literal["own", "inception"] = "own",
) -> None:
    """Train the source report's systems and write the whole report.

    Started again with the same --out it goes on where it was; finished runs are not run again.

    Args:
        shared: What is repeated of the source report, and where.
        budget: smoke: a minute, shows that all works; quick: a quarter of an hour on 2 cores;
            full: five seeds, as long as the source report trained its GANs.
        preset: report2019: the source report's four systems as they were; modern: one generator
            and one way of adaptation of today; all: both, side by side.
        only: Limit the report to some systems, whatever the preset.
        extractor: Whose features fidelity is measured on: "own" learns from the same images;
            "inception" is the published one, which FID is defined on (fetched if need be).
    """
    from sparring.report2019.plan import BUDGETS, SYSTEMS, source_report
    from sparring.report2019.sections import build
    from sparring.runs.records import Plan

    uses, out = shared.found(), shared.out
    seeds = shared.seeds or BUDGETS[budget].seeds
    runs = source_report(uses, budget, seeds, only or SYSTEMS[preset], extractor)
    plan = Plan(
        command=command_line(), budget=budget, purpose="reproduction", uses=list(uses.values())
    )
    print(f"{shared.play(runs, out, plan, build, shared.crew)}\n{out / 'results.json'}")
