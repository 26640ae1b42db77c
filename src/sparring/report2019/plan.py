"""The runs of the source report, and modern ones beside them: method x data x budget x seed.

Knows the runs and the names of data sets; trains nothing itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product, zip_longest
from pathlib import Path
from typing import Literal

from sparring.data import catalogue
from sparring.game import AdaptationMethod, GenerativeMethod
from sparring.methods import ACGAN, DANN, DCGAN, DSN, MeanTeacher, ProjectionGAN
from sparring.runs import ClassifierRun, ExtractorName, GeneratorRun, Job
from sparring.runs.records import SCENARIOS, Scenario, Use
from sparring.trainer import Training

BudgetName = Literal["smoke", "quick", "full"]
System = Literal["gan", "acgan", "dann", "dsn", "projection-gan", "mean-teacher"]
Preset = Literal["all", "report2019", "modern"]
SYSTEMS: dict[Preset, tuple[System, ...]] = {
    "all": ("gan", "acgan", "projection-gan", "dann", "dsn", "mean-teacher"),
    "report2019": ("gan", "acgan", "dann", "dsn"),
    "modern": ("projection-gan", "mean-teacher"),
}
"""What each preset trains: as the source report did, with what is known since, or both."""

LABEL_SETS = {"Smiling": "Smiling", "Smiling,Male": "Smiling,Male", "all": "Smiling,all"}
"""What the ACGANs are asked to draw. Smiling is first: pairs of images differ in it."""


@dataclass(frozen=True)
class Budget:
    """How much each system is trained.

    attribute_steps: for the ACGANs beside the one on Smiling.
    judge_steps, judged: of a generator's judges: their training, and the images they look at.
    per_class: test images of each class and domain in the t-SNE pictures.
    tested: test images of each domain that a classifier is judged on; 0: all.
    size, width: pixels of the faces, and channels of the narrowest layers of DCGAN and ACGAN.
    modern_...: of the projection GAN and of the mean teacher. In a short training the former gains
        more from steps than from large batches.
    """

    batch_size: int
    generation_steps: int
    attribute_steps: int
    adaptation_steps: int
    seeds: int
    judge_steps: int
    judged: int
    per_class: int
    tested: int = 0
    size: int = 64
    width: int = 64
    modern_generation_steps: int = 0
    modern_generation_batch: int = 0
    modern_adaptation_steps: int = 0

    def generation(
        self,
        method: GenerativeMethod,
        faces: str,
        labels: str,
        seed: int,
        extractor: ExtractorName = "own",
        arm: str = "",
    ) -> GeneratorRun:
        """The run of a generator."""
        long = labels in ("", "Smiling")
        steps = self.generation_steps if long else self.attribute_steps
        training = Training(steps, self.batch_size)
        if isinstance(method, ProjectionGAN):
            training = Training(self.modern_generation_steps, self.modern_generation_batch)
        else:
            method = replace(method, width=self.width)
        judging = self.judge_steps, self.judged, extractor
        return GeneratorRun(method, faces, labels, seed, training, *judging, self.size, arm)

    def adaptation(
        self,
        method: AdaptationMethod,
        scenario: Scenario,
        pair: tuple[str, str],
        seed: int,
        arm: str = "",
    ) -> ClassifierRun:
        """The run of a classifier. pair: source and target."""
        modern = isinstance(method, MeanTeacher)
        steps = self.modern_adaptation_steps if modern else self.adaptation_steps
        training = Training(steps, self.batch_size)
        return ClassifierRun(
            method, scenario, *pair, seed, training, self.per_class, self.tested, arm
        )


BUDGETS: dict[BudgetName, Budget] = {
    "smoke": Budget(
        *(16, 6, 3, 6, 1, 5, 60, 10),
        tested=200,
        modern_generation_steps=6,
        modern_generation_batch=16,
        modern_adaptation_steps=6,
    ),
    "quick": Budget(
        *(64, 250, 80, 220, 1, 600, 1000, 1000),
        modern_generation_steps=1400,
        modern_generation_batch=32,
        modern_adaptation_steps=600,
    ),
    # The source report trained its GANs for 1,000 epochs of 40,000 faces; it does not say how
    # long it trained DANN and DSN: 50 epochs of 60,000 digits.
    "full": Budget(
        *(128, 312_500, 312_500, 23_400, 5, 600, 5000, 1000),
        modern_generation_steps=312_500,
        modern_generation_batch=128,
        modern_adaptation_steps=23_400,
    ),
}
"""Named budgets; `full` trains as long as the source report did."""

DIGITS = ("mnist-m", "svhn")
_SUBSTITUTES = {"svhn": "meter-digits"}


def find_data(data: Path | None) -> dict[str, Use]:
    """The sets for CelebA, MNIST-M and SVHN: real ones under `data`, else stand-ins.

    Both digit domains are real or both are stand-ins: a pair of one each would be neither the
    report's task nor a comparable one.
    """
    found = {asked: _find_one(asked, data) for asked in ("celeba", *DIGITS)}
    real = [found[asked] for asked in DIGITS if found[asked].kind == "real"]
    if len(real) == 1:
        (alone,) = real
        why = f"{alone.used} is there, but the other digit domain is not"
        found[alone.asked] = _drawn(alone.asked, why)
    return found


def _find_one(asked: str, data: Path | None) -> Use:
    if data is None:
        return _drawn(asked, "no --data was given")
    absent = f"{asked} is not under {data}"
    for used in (asked, _SUBSTITUTES.get(asked)):
        if used and catalogue.find(used, data):
            why = f"found under {data}" if used == asked else f"{absent}; {used} is"
            return Use(asked=asked, used=used, kind="real", why=why)
    return _drawn(asked, absent)


def _drawn(asked: str, why: str) -> Use:
    return Use(asked=asked, used=catalogue.STAND_INS[asked], kind="stand-in", why=why)


def source_report(
    found: Mapping[str, Use],
    budget: BudgetName,
    seeds: int,
    systems: Sequence[System],
    extractor: ExtractorName = "own",
) -> list[Job]:
    """The runs of `systems`, seed by seed.

    Generators and classifiers in turn: one run learns the evaluators that all generators wait for.
    """
    plan, faces = BUDGETS[budget], found["celeba"].used
    pair = found["mnist-m"].used, found["svhn"].used
    drawn: dict[System, tuple[GenerativeMethod, tuple[str, ...]]] = {
        "gan": (DCGAN(), ("",)),
        "acgan": (ACGAN(), tuple(LABEL_SETS.values())),
        "projection-gan": (ProjectionGAN(), ("Smiling",)),
    }
    carried: dict[System, AdaptationMethod] = {
        "dann": DANN(),
        "dsn": DSN(),
        "mean-teacher": MeanTeacher(),
    }
    runs: list[Job] = []
    for seed in range(seeds):
        generators = [
            plan.generation(method, faces, names, seed, extractor)
            for method, asked in (drawn[system] for system in systems if system in drawn)
            for names in asked
        ]
        classifiers = [
            plan.adaptation(carried[system], on, way, seed)
            for system in systems
            if system in carried
            for way, on in product((pair, pair[::-1]), SCENARIOS)
        ]
        runs += filter(None, chain(*zip_longest(generators, classifiers)))
    return runs
