"""`sparring claims`: an experiment for each of the source report's observations, and a verdict."""

import sys
from typing import Literal

from sparring.cli import command_line
from sparring.cli.common import SourceReport
from sparring.errors import TrainingFailed


def claims(
    claim: tuple[str, ...] = (),
    /,
    *,
    shared: SourceReport,
    budget: Literal["smoke", "small", "full"] = "small",
) -> None:
    """Test what the source report observed: run the experiment of each claim, and decide.

    The verdicts stand in the report of --out, and with every run's score in OUT/claims/report.html.
    A claim is decided from 3 seeds on. Started again with the same --out it goes on where it was.

    Args:
        claim: Claims to test, such as C1 C7; all ten if none is named.
        shared: What is repeated of the source report, and where.
        budget: smoke: shows that all works; small: narrower networks and 32-pixel faces, for 2
            cores; full: a GPU.
    """
    from sparring.report2019.claims.experiments import SCALES, experiments, unique
    from sparring.report2019.sections import build
    from sparring.runs.records import Plan

    uses, scale, place = shared.found(), SCALES[budget], shared.out / "claims"
    tests = experiments(claim, uses, scale, shared.seeds or scale.seeds)
    plan = Plan(
        command=command_line(),
        budget=budget,
        purpose="claims",
        uses=list(uses.values()),
        experiments={
            one: {arm: [run.name for run in runs] for arm, runs in arms.items()}
            for one, arms in tests.items()
        },
    )
    try:
        shared.play(unique(tests), place, plan, build, shared.crew)
    except TrainingFailed as failure:  # a finding, where stability is what is tested
        print(f"counted as unstable: {failure}", file=sys.stderr)
    print(place / "report.html")
    if (shared.out / "plan.json").is_file():
        print(build(shared.out))
