"""The experiments that test the source report's ten observations, as data: claim x arm x seed.

What an arm is compared with, and how, is decided in `trials`, by the arms' names. Arms that several
claims share are trained once. Trains nothing itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sparring.errors import unknown
from sparring.game import AdaptationMethod, GenerativeMethod
from sparring.methods import ACGAN, DANN, DCGAN, DSN
from sparring.report2019.plan import BUDGETS, LABEL_SETS, Budget
from sparring.runs import Job
from sparring.runs.records import SCENARIOS, Scenario, Use

ScaleName = Literal["smoke", "small", "full"]
Experiment = dict[str, list[Job]]
"""Runs by the name of their arm, one run a seed."""

_TENTH = BUDGETS["full"].generation_steps // 10
SCALES: dict[ScaleName, Budget] = {
    "smoke": Budget(
        *(8, 4, 4, 4, 1), judge_steps=5, judged=60, per_class=20, tested=200, size=16, width=8
    ),
    "small": Budget(
        *(64, 400, 400, 300, 5), judge_steps=300, judged=1000, per_class=20, size=32, width=32
    ),
    "full": replace(BUDGETS["full"], generation_steps=_TENTH, attribute_steps=_TENTH, per_class=20),
}
"""`small`: all ten claims within four hours on two CPU cores. `full`: a GPU; a tenth of the source
report's training for the GANs, and all of it for DANN and DSN. A claim is decided from three seeds
on."""


@dataclass(frozen=True)
class Variant:
    """One way to train. name: what makes it differ from the method's plain form.

    labels: a generator's. scenario, back: a classifier's; back: from SVHN's role to MNIST-M's.
    """

    method: GenerativeMethod | AdaptationMethod
    name: str = ""
    labels: str = ""
    scenario: Scenario = "adapted"
    back: bool = False


def variants(width: int) -> dict[str, dict[str, Variant]]:
    """The arms of each claim. width: channels of the GANs' narrowest layers."""
    dcgan, dann, dsn = Variant(DCGAN()), Variant(DANN()), Variant(DSN())
    usual = DCGAN(discriminator_batch_norm=True, discriminator_bias=False)
    half, double = (DCGAN(discriminator_width=width * factor // 2) for factor in (1, 4))
    return {
        "C1": {"with": dcgan, "without": Variant(DCGAN(spectral_norm=False), "no-spectral-norm")},
        "C2": {
            "bias, no batch norm": dcgan,
            "no bias, no batch norm": Variant(
                DCGAN(discriminator_bias=False), "no-bias+no-batch-norm"
            ),
            "bias, batch norm": Variant(DCGAN(discriminator_batch_norm=True), "bias+batch-norm"),
            "no bias, batch norm": Variant(usual, "no-bias+batch-norm"),
        },
        "C3": {
            "half": Variant(half, "half-discriminator"),
            "equal": dcgan,
            "double": Variant(double, "double-discriminator"),
        },
        "C4": {"DCGAN": dcgan, "ACGAN": Variant(ACGAN(), labels="Smiling")},
        "C5": {name: Variant(ACGAN(), labels=labels) for name, labels in LABEL_SETS.items()},
        "C6": {"DCGAN": dcgan, "DANN": dann},
        "C7": {
            f"{way}, {scenario}": Variant(DANN(), scenario=scenario, back=way == "back")
            for way in ("there", "back")
            for scenario in SCENARIOS
        },
        "C8": {
            "DSN": dsn,
            "without reconstruction": Variant(DSN(alpha=0.0), "no-reconstruction"),
            "without difference": Variant(DSN(beta=0.0), "no-difference"),
            "DANN": dann,
        },
        "C9": {
            "x1": dsn,
            "x0.5": Variant(DSN(decoder_width=8), "decoder-x0.5"),
            "x2": Variant(DSN(decoder_width=32), "decoder-x2"),
            "x4": Variant(DSN(decoder_width=64), "decoder-x4"),
        },
        "C10": {"resnet18": dann, "small": Variant(DANN(encoder="small"), "small-encoder")},
    }


def experiments(
    claims: Sequence[str], found: Mapping[str, Use], scale: Budget, seeds: int
) -> dict[str, Experiment]:
    """The experiment of each of `claims` ("C1"; none: all ten), in the claims' order.

    Raises RequestError for a claim that there is not.
    """
    known = variants(scale.width)
    for claim in claims:
        if claim not in known:
            raise unknown("claim", claim, known)
    tests = {
        claim: {
            name: [_job(variant, found, scale, seed) for seed in range(seeds)]
            for name, variant in arms.items()
        }
        for claim, arms in known.items()
        if claim in claims or not claims
    }
    if "C6" in tests:  # does a seed that is run twice give the same?
        tests["C6"]["again"] = [replace(arm[0], arm="again") for arm in tests["C6"].values()]
    return tests


def _job(variant: Variant, found: Mapping[str, Use], scale: Budget, seed: int) -> Job:
    method, name = variant.method, variant.name
    if isinstance(method, GenerativeMethod):
        return scale.generation(method, found["celeba"].used, variant.labels, seed, arm=name)
    there = found["mnist-m"].used, found["svhn"].used
    pair = there[::-1] if variant.back else there
    return scale.adaptation(method, variant.scenario, pair, seed, name)


def unique(tests: Mapping[str, Experiment]) -> list[Job]:
    """The runs of all experiments, each once, the first seeds first.

    So a test that is stopped half way has whole pairs to compare.
    """
    runs = {run.name: run for test in tests.values() for arm in test.values() for run in arm}
    return sorted(runs.values(), key=lambda run: run.seed)
