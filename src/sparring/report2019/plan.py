"""The runs of the source report, as data: method x data x budget x seed.

Knows the runs and the names of data sets; trains nothing itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sparring.data import catalogue
from sparring.game import AdaptationMethod
from sparring.methods import ACGAN, DANN, DCGAN, DSN
from sparring.runs import ClassifierRun, ExtractorName, GeneratorRun, Job
from sparring.runs.records import SCENARIOS, Use
from sparring.trainer import Training

BudgetName = Literal["smoke", "quick", "full"]
System = Literal["gan", "acgan", "dann", "dsn"]

LABEL_SETS = ("Smiling", "Smiling,Male", "all")
"""What the ACGANs are asked to draw. Smiling stands first: it is what pairs of images differ in."""


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
    "smoke": Budget(16, 6, 3, 6, seeds=1, per_class=10, judge_steps=5, judged=60),
    "quick": Budget(64, 500, 150, 300, seeds=1, per_class=1000, judge_steps=600, judged=1000),
    # The source report trained its GANs for 1,000 epochs of 40,000 faces; it does not say how
    # long it trained DANN and DSN: 50 epochs of 60,000 digits.
    "full": Budget(
        *(128, 312_500, 312_500, 23_400), seeds=5, per_class=1000, judge_steps=600, judged=5000
    ),
}
"""Named budgets; `full` trains as long as the source report did."""

DIGITS = ("mnist-m", "svhn")
_STAND_INS = {real: drawn for drawn, real in catalogue.STAND_INS.items()}
_SUBSTITUTES = {"svhn": "meter-digits"}


def find_data(data: Path | None) -> dict[str, Use]:
    """The sets for CelebA, MNIST-M and SVHN: real ones under `data`, else stand-ins.

    Both digit domains are real or both are stand-ins: a pair of one each would be neither the
    report's task nor a comparable one.
    """
    found = {asked: _find_one(asked, data) for asked in ("celeba", *DIGITS)}
    if len({found[asked].kind for asked in DIGITS}) == 2:
        for asked in DIGITS:
            if found[asked].kind == "real":
                why = f"{found[asked].used} is there, but the other digit domain is not"
                found[asked] = _drawn(asked, why)
    return found


def _find_one(asked: str, data: Path | None) -> Use:
    if data is None:
        return _drawn(asked, "no --data was given")
    if catalogue.find(asked, data):
        return Use(asked=asked, used=asked, kind="real", why=f"found under {data}")
    substitute = _SUBSTITUTES.get(asked)
    if substitute and catalogue.find(substitute, data):
        why = f"{asked} is not under {data}; {substitute} is"
        return Use(asked=asked, used=substitute, kind="real", why=why)
    return _drawn(asked, f"{asked} is not under {data}")


def _drawn(asked: str, why: str) -> Use:
    return Use(asked=asked, used=_STAND_INS[asked], kind="stand-in", why=why)


def source_report(
    found: Mapping[str, Use],
    budget: BudgetName,
    seeds: int,
    only: tuple[System, ...],
    extractor: ExtractorName = "own",
) -> list[Job]:
    """Every run of the source report, most wanted first; `only` limits them to some systems."""
    plan = BUDGETS[budget]
    systems = set(only) or {"gan", "acgan", "dann", "dsn"}
    runs: list[Job] = []
    pair = found["mnist-m"].used, found["svhn"].used
    for seed in range(seeds):
        runs += _generation(found["celeba"].used, plan, seed, systems, extractor)
        if "dann" in systems:
            runs += _adaptation(DANN(), pair, plan, seed)
        if "dsn" in systems:
            runs += _adaptation(DSN(), pair, plan, seed)
    return runs


def _generation(
    faces: str, plan: Budget, seed: int, systems: set[System], extractor: ExtractorName
) -> Iterator[GeneratorRun]:
    long = Training(plan.generation_steps, plan.batch_size)
    short = replace(long, steps=plan.attribute_steps)
    judging = plan.judge_steps, plan.judged, extractor
    if "gan" in systems:
        yield GeneratorRun(DCGAN(), faces, "", seed, long, *judging)
    if "acgan" in systems:
        for labels in LABEL_SETS:
            training = long if labels == "Smiling" else short
            yield GeneratorRun(ACGAN(), faces, labels, seed, training, *judging)


def _adaptation(
    method: AdaptationMethod, pair: tuple[str, str], plan: Budget, seed: int
) -> Iterator[ClassifierRun]:
    training = Training(plan.adaptation_steps, plan.batch_size)
    for source, target in (pair, pair[::-1]):
        for scenario in SCENARIOS:
            yield ClassifierRun(method, scenario, source, target, seed, training, plan.per_class)
