"""The experiments that test the source report's ten observations, as data: claim x arm x seed.

An arm is one way to train; what it is compared with, and how, is decided in `trials`, by the arms'
names. Arms that several claims share are trained once. Trains nothing itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from sparring.errors import unknown
from sparring.game import AdaptationMethod, GenerativeMethod
from sparring.methods import ACGAN, DANN, DCGAN, DSN
from sparring.report2019.plan import BUDGETS, LABEL_SETS
from sparring.runs import ClassifierRun, GeneratorRun, Job
from sparring.runs.records import SCENARIOS, Scenario, Use
from sparring.runtime import Precision, resolve_precision
from sparring.trainer import Training

ScaleName = Literal["smoke", "small", "full"]
Experiment = dict[str, list[Job]]
"""Runs by the name of their arm, one run a seed."""


@dataclass(frozen=True)
class Scale:
    """How much each arm is trained.

    size, width: pixels of the faces, and channels of the GANs' narrowest layers.
    seeds: repetitions of each arm; a claim is decided from three on.
    """

    size: int
    width: int
    batch_size: int
    generation_steps: int
    adaptation_steps: int
    seeds: int
    judge_steps: int
    judged: int


_FULL = BUDGETS["full"]
SCALES: dict[ScaleName, Scale] = {
    "smoke": Scale(16, 8, 8, 4, 4, seeds=1, judge_steps=5, judged=60),
    "small": Scale(32, 32, 64, 400, 300, seeds=5, judge_steps=300, judged=1000),
    "full": Scale(
        *(64, 64, _FULL.batch_size, _FULL.generation_steps // 10, _FULL.adaptation_steps),
        *(5, _FULL.judge_steps, _FULL.judged),
    ),
}
"""`small`: all ten claims within four hours on two CPU cores. `full`: a GPU; a tenth of the source
report's training for the GANs, and all of it for DANN and DSN."""

PER_CLASS = 20  # in t-SNE pictures, which no claim needs


def experiments(
    claims: Sequence[str],
    found: Mapping[str, Use],
    scale: Scale,
    seeds: int,
    device: torch.device,
) -> dict[str, Experiment]:
    """The experiment of each of `claims` ("C1"; none: all ten), in the claims' order.

    All arms compute in one precision, or they would differ in that too. Raises RequestError for a
    claim that there is not.
    """
    make = _Maker(found, scale, seeds, resolve_precision("auto", device))
    known = _of_generators(make) | _of_classifiers(make)
    for claim in claims:
        if claim not in known:
            raise unknown("claim", claim, known)
    return {claim: arms for claim, arms in known.items() if claim in claims or not claims}


def unique(tests: Mapping[str, Experiment]) -> list[Job]:
    """The runs of all experiments, each once, the first seeds first.

    So a test that is stopped half way has whole pairs to compare.
    """
    runs = {run.name: run for test in tests.values() for arm in test.values() for run in arm}
    return sorted(runs.values(), key=lambda run: run.seed)


@dataclass(frozen=True)
class _Maker:
    """Makes the arms: scale, data and precision are the same for all."""

    found: Mapping[str, Use]
    scale: Scale
    seeds: int
    precision: Precision

    def drawn(self, method: GenerativeMethod, arm: str = "", labels: str = "") -> list[Job]:
        training = Training(self.scale.generation_steps, self.scale.batch_size, self.precision)
        return [
            GeneratorRun(
                replace(method, width=self.scale.width),
                self.found["celeba"].used,
                labels,
                seed,
                training,
                self.scale.judge_steps,
                self.scale.judged,
                size=self.scale.size,
                arm=arm,
            )
            for seed in range(self.seeds)
        ]

    def adapted(
        self,
        method: AdaptationMethod,
        arm: str = "",
        scenario: Scenario = "adapted",
        *,
        back: bool = False,
    ) -> list[Job]:
        """From the role of MNIST-M to that of SVHN, or `back`."""
        pair = self.found["mnist-m"].used, self.found["svhn"].used
        source, target = pair[::-1] if back else pair
        training = Training(self.scale.adaptation_steps, self.scale.batch_size, self.precision)
        return [
            ClassifierRun(method, scenario, source, target, seed, training, PER_CLASS, arm)
            for seed in range(self.seeds)
        ]


def _of_generators(make: _Maker) -> dict[str, Experiment]:
    plain, width = make.drawn(DCGAN()), make.scale.width
    normed = {"bias, no batch norm": plain}
    for batch_norm, bias in ((False, False), (True, True), (True, False)):
        words = "bias" if bias else "no bias", "batch norm" if batch_norm else "no batch norm"
        method = DCGAN(discriminator_batch_norm=batch_norm, discriminator_bias=bias)
        normed[", ".join(words)] = make.drawn(method, "+".join(words).replace(" ", "-"))
    half, double = DCGAN(discriminator_width=width // 2), DCGAN(discriminator_width=width * 2)
    return {
        "C1": {
            "with": plain,
            "without": make.drawn(DCGAN(spectral_norm=False), "no-spectral-norm"),
        },
        "C2": normed,
        "C3": {
            "half": make.drawn(half, "half-discriminator"),
            "equal": plain,
            "double": make.drawn(double, "double-discriminator"),
        },
        "C4": {"DCGAN": plain, "ACGAN": make.drawn(ACGAN(), labels="Smiling")},
        "C5": {labels: make.drawn(ACGAN(), labels=labels) for labels in LABEL_SETS},
    }


def _of_classifiers(make: _Maker) -> dict[str, Experiment]:
    drawn, dann, dsn = make.drawn(DCGAN()), make.adapted(DANN()), make.adapted(DSN())
    again = [replace(arm[0], arm="again") for arm in (drawn, dann)]
    widths = {"x0.5": 0.5, "x2": 2, "x4": 4}
    return {
        "C6": {"DCGAN": drawn, "DANN": dann, "again": again},
        "C7": {
            f"{way}, {scenario}": make.adapted(DANN(), scenario=scenario, back=way == "back")
            for way in ("there", "back")
            for scenario in SCENARIOS
        },
        "C8": {
            "DSN": dsn,
            "without reconstruction": make.adapted(DSN(alpha=0.0), "no-reconstruction"),
            "without difference": make.adapted(DSN(beta=0.0), "no-difference"),
            "DANN": dann,
        },
        "C9": {"x1": dsn}
        | {
            name: make.adapted(
                DSN(decoder_width=int(times * DSN().decoder_width)), f"decoder-{name}"
            )
            for name, times in widths.items()
        },
        "C10": {
            "resnet18": dann,
            "small": make.adapted(DANN(encoder="small"), "small-encoder"),
        },
    }
