"""The experiments of the source report, as data: method x data x budget x seed.

Knows the jobs and the names of data sets; trains nothing itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sparring.data import catalogue
from sparring.game import AdaptationMethod
from sparring.methods import ACGAN, DANN, DCGAN, DSN
from sparring.runs import AdaptationJob, ExtractorName, GenerationJob, Job, Scenario
from sparring.trainer import Training

BudgetName = Literal["smoke", "quick", "full"]
System = Literal["gan", "acgan", "dann", "dsn"]

ATTRIBUTE_SETS = ("Smiling", "Smiling,Male", "all")
SCENARIOS: tuple[Scenario, ...] = ("source-only", "adapted", "target-only")


@dataclass(frozen=True)
class Budget:
    """How much each system is trained.

    attribute_steps: for the ACGANs beside the one on Smiling.
    per_class: test images of each class and domain in the t-SNE pictures.
    judge_steps, judged: of a generator's judges: their training, and the images they look at.
    """

    batch_size: int
    generation_steps: int
    attribute_steps: int
    adaptation_steps: int
    seeds: int
    per_class: int
    judge_steps: int
    judged: int


BUDGETS: dict[BudgetName, Budget] = {
    "smoke": Budget(16, 6, 3, 6, seeds=1, per_class=20, judge_steps=10, judged=100),
    "quick": Budget(64, 500, 150, 300, seeds=1, per_class=1000, judge_steps=600, judged=1000),
    # The source report trained its GANs for 1,000 epochs of 40,000 faces; it does not say how
    # long it trained DANN and DSN: 50 epochs of 60,000 digits.
    "full": Budget(
        *(128, 312_500, 312_500, 23_400), seeds=5, per_class=1000, judge_steps=600, judged=5000
    ),
}
"""Named budgets; `full` trains as long as the source report did."""


@dataclass(frozen=True)
class Found:
    """Which data set serves where the source report used `asked`, and why."""

    asked: str
    used: str
    kind: Literal["real", "stand-in"]
    why: str


_ASKED = ("celeba", "mnist-m", "svhn")
_STAND_INS = {real: drawn for drawn, real in catalogue.STAND_INS.items()}
_SUBSTITUTES = {"svhn": "meter-digits"}


def find_data(data: Path | None) -> dict[str, Found]:
    """The sets for CelebA, MNIST-M and SVHN: real ones under `data`, else stand-ins.

    Both digit domains are real or both are stand-ins: a pair of one each would be neither the
    report's task nor a comparable one.
    """
    found = {asked: _find_one(asked, data) for asked in _ASKED}
    digits = ("mnist-m", "svhn")
    if len({found[asked].kind for asked in digits}) == 2:
        for asked in digits:
            if found[asked].kind == "real":
                why = f"{found[asked].used} is there, but the other digit domain is not"
                found[asked] = Found(asked, _STAND_INS[asked], "stand-in", why)
    return found


def _find_one(asked: str, data: Path | None) -> Found:
    if data is None:
        return Found(asked, _STAND_INS[asked], "stand-in", "no --data was given")
    if catalogue.find(asked, data):
        return Found(asked, asked, "real", f"found under {data}")
    substitute = _SUBSTITUTES.get(asked)
    if substitute and catalogue.find(substitute, data):
        return Found(asked, substitute, "real", f"{asked} is not under {data}; {substitute} is")
    return Found(asked, _STAND_INS[asked], "stand-in", f"{asked} is not under {data}")


def source_report(
    found: dict[str, Found],
    budget: BudgetName,
    seeds: int,
    only: tuple[System, ...],
    extractor: ExtractorName = "own",
) -> list[Job]:
    """Every run of the source report, most wanted first; `only` limits them to some systems."""
    plan = BUDGETS[budget]
    systems = set(only) or {"gan", "acgan", "dann", "dsn"}
    jobs: list[Job] = []
    pair = found["mnist-m"].used, found["svhn"].used
    for seed in range(seeds):
        jobs += _generation(found["celeba"].used, plan, seed, systems, extractor)
        if "dann" in systems:
            jobs += _adaptation(DANN(), pair, plan, seed)
        if "dsn" in systems:
            jobs += _adaptation(DSN(), pair, plan, seed)
    return jobs


def _generation(
    faces: str, plan: Budget, seed: int, systems: set[System], extractor: ExtractorName
) -> Iterator[GenerationJob]:
    long = Training(plan.generation_steps, plan.batch_size)
    short = replace(long, steps=plan.attribute_steps)
    judging = plan.judge_steps, plan.judged, extractor
    if "gan" in systems:
        yield GenerationJob(DCGAN(), faces, "", seed, long, *judging)
    if "acgan" in systems:
        for attributes in ATTRIBUTE_SETS:
            training = long if attributes == "Smiling" else short
            yield GenerationJob(ACGAN(), faces, attributes, seed, training, *judging)


def _adaptation(
    method: AdaptationMethod, pair: tuple[str, str], plan: Budget, seed: int
) -> Iterator[AdaptationJob]:
    training = Training(plan.adaptation_steps, plan.batch_size)
    for source, target in (pair, pair[::-1]):
        for scenario in SCENARIOS:
            yield AdaptationJob(method, scenario, source, target, seed, training, plan.per_class)
