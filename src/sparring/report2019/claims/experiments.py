"""The experiments that test the source report's ten observations, as data: claim x arm x seed.

An arm is one way to train; what it is compared with, and how, is decided in `report.trials`, by the
arms' names. Arms that several claims share are trained once. Trains nothing itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from sparring.errors import unknown
from sparring.game import AdaptationMethod, GenerativeMethod
from sparring.methods import ACGAN, DANN, DCGAN, DSN
from sparring.report2019.plan import ATTRIBUTE_SETS, BUDGETS, SCENARIOS, Found
from sparring.runs import AdaptationJob, GenerationJob, Job, Scenario
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
    "smoke": Scale(16, 8, 8, 4, 4, seeds=1, judge_steps=10, judged=100),
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
    found: Mapping[str, Found],
    scale: Scale,
    seeds: int,
    device: torch.device,
) -> dict[str, Experiment]:
    """The experiment of each of `claims` ("C1"; none: all ten), in the claims' order.

    All arms compute in one precision, or they would differ in that too. Raises RequestError for a
    claim that there is not.
    """
    bench = _Bench(found, scale, seeds, resolve_precision("auto", device))
    known = {
        "C1": bench.spectral_norm,
        "C2": bench.batch_norm_and_bias,
        "C3": bench.discriminator_width,
        "C4": bench.labels,
        "C5": bench.attribute_sets,
        "C6": bench.repeats,
        "C7": bench.directions,
        "C8": bench.losses,
        "C9": bench.decoders,
        "C10": bench.encoders,
    }
    for claim in claims:
        if claim not in known:
            raise unknown("claim", claim, known)
    return {claim: make() for claim, make in known.items() if claim in claims or not claims}


def unique(tests: Mapping[str, Experiment]) -> list[Job]:
    """The runs of all experiments, each once, the first seeds first.

    So a test that is stopped half way has whole pairs to compare.
    """
    jobs = {job.name: job for test in tests.values() for arm in test.values() for job in arm}
    return sorted(jobs.values(), key=lambda job: job.seed)


@dataclass(frozen=True)
class _Bench:
    """Makes the arms: scale, data and precision are the same for all."""

    found: Mapping[str, Found]
    scale: Scale
    seeds: int
    precision: Precision

    def _drawing(self, method: GenerativeMethod, arm: str = "", attributes: str = "") -> list[Job]:
        training = Training(self.scale.generation_steps, self.scale.batch_size, self.precision)
        return [
            GenerationJob(
                replace(method, width=self.scale.width),
                self.found["celeba"].used,
                attributes,
                seed,
                training,
                self.scale.judge_steps,
                self.scale.judged,
                size=self.scale.size,
                arm=arm,
            )
            for seed in range(self.seeds)
        ]

    def _adapting(
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
            AdaptationJob(method, scenario, source, target, seed, training, PER_CLASS, arm)
            for seed in range(self.seeds)
        ]

    def spectral_norm(self) -> Experiment:
        return {
            "with": self._drawing(DCGAN()),
            "without": self._drawing(DCGAN(spectral_norm=False), "no-spectral-norm"),
        }

    def batch_norm_and_bias(self) -> Experiment:
        arms = {"bias, no batch norm": self._drawing(DCGAN())}
        for batch_norm, bias in ((False, False), (True, True), (True, False)):
            words = "bias" if bias else "no bias", "batch norm" if batch_norm else "no batch norm"
            method = DCGAN(discriminator_batch_norm=batch_norm, discriminator_bias=bias)
            arms[", ".join(words)] = self._drawing(method, "+".join(words).replace(" ", "-"))
        return arms

    def discriminator_width(self) -> Experiment:
        half, double = self.scale.width // 2, self.scale.width * 2
        return {
            "half": self._drawing(DCGAN(discriminator_width=half), "half-discriminator"),
            "equal": self._drawing(DCGAN()),
            "double": self._drawing(DCGAN(discriminator_width=double), "double-discriminator"),
        }

    def labels(self) -> Experiment:
        return {"DCGAN": self._drawing(DCGAN()), "ACGAN": self._drawing(ACGAN(), "", "Smiling")}

    def attribute_sets(self) -> Experiment:
        return {names: self._drawing(ACGAN(), "", names) for names in ATTRIBUTE_SETS}

    def repeats(self) -> Experiment:
        """Seeds of both kinds of training, and the first seed of each once more."""
        drawing, adapting = self._drawing(DCGAN()), self._adapting(DANN())
        again = [replace(arm[0], arm="again") for arm in (drawing, adapting)]
        return {"DCGAN": drawing, "DANN": adapting, "again": again}

    def directions(self) -> Experiment:
        return {
            f"{way}, {scenario}": self._adapting(DANN(), "", scenario, back=way == "back")
            for way in ("there", "back")
            for scenario in SCENARIOS
        }

    def losses(self) -> Experiment:
        return {
            "DSN": self._adapting(DSN()),
            "without reconstruction": self._adapting(DSN(alpha=0.0), "no-reconstruction"),
            "without difference": self._adapting(DSN(beta=0.0), "no-difference"),
            "DANN": self._adapting(DANN()),
        }

    def decoders(self) -> Experiment:
        width = DSN().decoder_width
        arms = {"x1": self._adapting(DSN())}
        for name, other in (("x0.5", width // 2), ("x2", 2 * width), ("x4", 4 * width)):
            arms[name] = self._adapting(DSN(decoder_width=other), f"decoder-{name}")
        return arms

    def encoders(self) -> Experiment:
        return {
            "resnet18": self._adapting(DANN()),
            "small": self._adapting(DANN(encoder="small"), "small-encoder"),
        }
