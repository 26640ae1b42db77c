"""What the studies of docs/results.md train, and the numbers that they keep of a finished run.

No setting differs between two pairs of a study.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks.skewed import SHARES
from benchmarks.variants import AllAugmented, PenalisedGAN, RawGAN, VariedMeanTeacher

from sparring import defaults
from sparring.game import AdaptationMethod, GenerativeMethod
from sparring.methods import ACGAN, DANN, DCGAN, DSN, MeanTeacher, ProjectionGAN
from sparring.report.groups import classifier_scores, generator_scores
from sparring.runs import ClassifierRun, GeneratorRun, Job
from sparring.runs.folder import Run
from sparring.runs.records import Scenario
from sparring.trainer import Training

TUNED = ("mnist-m", "meter-digits")
"""The pair on which the recipe was chosen."""


@dataclass(frozen=True)
class Adaptation:
    """Every arm on every pair.

    twins: how many of the first seeds have a twin that learns from the source only, with the same
        network and augmentation.
    """

    steps: int
    pairs: tuple[tuple[str, str], ...]
    arms: Mapping[str, Callable[[], AdaptationMethod]]
    twins: int = 3
    batch_size: int = 64
    per_class: int = 100

    def jobs(self, seed: int) -> Iterator[Job]:
        training = Training(self.steps, self.batch_size)
        scenarios: tuple[Scenario, ...] = ("source-only", "adapted")[seed >= self.twins :]
        for pair in self.pairs:
            for arm, method in self.arms.items():
                for scenario in scenarios:
                    yield ClassifierRun(
                        *(method(), scenario, *pair, seed, training, self.per_class), arm=arm
                    )


class Arm(NamedTuple):
    """A generator, the labels that it is trained with, and for how long."""

    method: Callable[[], GenerativeMethod]
    labels: str
    steps: int
    batch_size: int


@dataclass(frozen=True)
class Generation:
    """Every arm on one set of images."""

    images: str
    arms: Mapping[str, Arm]

    def jobs(self, seed: int) -> Iterator[Job]:
        for name, (method, labels, steps, batch_size) in self.arms.items():
            training = Training(steps, batch_size)
            asked = method(), self.images, labels, seed, training
            yield GeneratorRun(*asked, defaults.JUDGE_STEPS, defaults.JUDGED, arm=name)


MODERN = {"modern": MeanTeacher}
SHARING = {
    **MODERN,
    "shares of the source": lambda: MeanTeacher(shares="source"),
    "shares free": lambda: MeanTeacher(shares="free"),
}
MINUTES = {
    # What one core of an AMD EPYC trains in 8 minutes, at 140, 137 and 124 images a second.
    "dcgan": Arm(DCGAN, "", 525, 128),
    "acgan": Arm(ACGAN, "Smiling", 514, 128),
    "projection-gan": Arm(ProjectionGAN, "Smiling", 930, 64),
}
HOUR = {
    # What two cores train in an hour at these speeds.
    "dcgan": Arm(DCGAN, "", 7875, 128),
    "acgan": Arm(ACGAN, "Smiling", 7706, 128),
    "projection-gan": Arm(ProjectionGAN, "Smiling", 13_950, 64),
}
DRAWING = {
    "hinge, the last state": RawGAN,
    "all augmented": AllAugmented,
    "not augmented": lambda: ProjectionGAN(augment=False),
    # How much is augmented differs between losses, and costs more than they do.
    "binary cross-entropy, not augmented": lambda: ProjectionGAN(augment=False, loss="bce"),
    "relativistic, not augmented": lambda: ProjectionGAN(augment=False, loss="relativistic"),
    "relativistic, R1 + R2, not augmented": lambda: PenalisedGAN(
        augment=False, loss="relativistic"
    ),
    "relativistic": lambda: ProjectionGAN(loss="relativistic"),
    "no reward for labels": lambda: ProjectionGAN(label_weight=0.0),
    "equal rates": lambda: ProjectionGAN(discriminator_rate=2e-4),
    "Adam's usual momentum": lambda: ProjectionGAN(betas=(0.5, 0.999)),
}
SMILES = (("women", "men"), ("men", "women"))
STUDIES: dict[str, Adaptation | Generation] = {
    "pairs": Adaptation(3000, (TUNED, TUNED[::-1]), MODERN),
    "others": Adaptation(
        3000,
        (
            ("mnist", "mnist-m"),
            ("photo-digits", "street-digits"),
            ("street-digits", "photo-digits"),
        ),
        MODERN,
    ),
    "aside": Adaptation(
        3000,
        (("mnist", "uci-digits"), ("uci-digits", "mnist"), *SMILES),
        MODERN,
    ),
    "smiles": Adaptation(3000, SMILES, SHARING, twins=0),
    "parts": Adaptation(
        1500,
        (TUNED,),
        {
            **SHARING,
            "weak views": lambda: MeanTeacher(strong_views=False),
            "no threshold": lambda: MeanTeacher(threshold=0.0),
            "no source stage": lambda: MeanTeacher(source_stage=0.0),
            "DANN, fast": lambda: DANN(encoder="fast"),
            "DANN, fast, strong": lambda: DANN(encoder="fast", strong_views=True),
            "DSN, fast, strong": lambda: DSN(encoder="fast", strong_views=True),
        },
        twins=0,
    ),
    "variants": Adaptation(
        1500,
        (TUNED,),
        {
            **MODERN,
            "not standardised": lambda: VariedMeanTeacher(standardised=False),
            "with DANN": lambda: VariedMeanTeacher(added="dann"),
            "with CDAN": lambda: VariedMeanTeacher(added="cdan"),
            "with MDD": lambda: VariedMeanTeacher(added="mdd"),
            "with information maximisation": lambda: VariedMeanTeacher(added="information"),
            "DANN in place of labels": lambda: VariedMeanTeacher(added="dann", taught=False),
            "information maximisation in place of labels": lambda: VariedMeanTeacher(
                added="information", taught=False
            ),
        },
        twins=0,
    ),
    "larger": Adaptation(
        1500,
        (TUNED,),
        {
            "modern, ResNet18": lambda: MeanTeacher(encoder="resnet18-3x3"),
            "DANN, ResNet18, strong": lambda: DANN(encoder="resnet18-3x3", strong_views=True),
        },
        twins=0,
    ),
    "shares": Adaptation(
        3000, tuple((TUNED[0], f"{TUNED[1]}-{shares}") for shares in SHARES), SHARING, twins=0
    ),
    "thrice": Adaptation(9000, (("mnist", "mnist-m"), TUNED[::-1], TUNED), MODERN, twins=0),
    "default": Adaptation(
        defaults.ADAPT_STEPS, (("mnist", "mnist-m"), TUNED[::-1], TUNED), MODERN, twins=1
    ),
    "longer": Adaptation(
        3 * defaults.ADAPT_STEPS, (("mnist", "mnist-m"), TUNED[::-1], TUNED), MODERN, twins=0
    ),
    "minutes": Generation("celeba", MINUTES),
    "hour": Generation("celeba", HOUR),
    "drawing": Generation(
        "celeba", {name: Arm(method, "Smiling", 1400, 32) for name, method in DRAWING.items()}
    ),
    "starts": Generation("celeba", {"projection-gan": MINUTES["projection-gan"]}),
}


def shown(run: Run) -> dict[str, Any]:
    """What was asked of a run, but for its seed."""
    config = run.config
    return {
        "sets": config.sets,
        "arm": config.arm,
        "scenario": config.scenario,
        "method": config.method,
        "labels": config.label_names if config.scenario == "generation" else (),
        "settings": config.settings,
        "steps": config.training.steps,
        "batch_size": config.training.batch_size,
    }


def measured(run: Run) -> dict[str, Any]:
    """The numbers of a finished run."""
    if run.config.scenario == "generation":
        found = generator_scores(run)
        numbers = {"metrics": found.metrics, "averaged": found.averaged}
        return numbers | {"events": len(run.events.events), "seconds": round(found.seconds)}
    scores = classifier_scores(run)
    return {
        "accuracy": scores.accuracy,
        "estimated": scores.expected,
        "rings": run.alarm.rings if run.alarm else None,
        "labels_read": sorted({one.reader for one in run.openings.openings}),
        "seconds": round(scores.seconds),
    }
