"""What a run leaves behind, as types that whoever writes a record and whoever reads it share.

`folder.FILES` names the file of each. A number that does not exist, or is not finite, is None.
Shares and accuracies are fractions.
"""

from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

from sparring.divergence import Event
from sparring.game import LabelKind
from sparring.metrics.negative_transfer import Verdict
from sparring.nets.summary import LayerSummary as Layer

Kind = Literal["real", "stand-in"]
Scenario = Literal["generation", "source-only", "adapted", "target-only"]
Stage = Literal["training", "choice", "final evaluation"]
ExtractorName = Literal["own", "inception"]
Purpose = Literal["training", "reproduction", "claims"]
SCENARIOS: tuple[Scenario, ...] = ("source-only", "adapted", "target-only")
"""The lower bound, what is asked, and the upper bound, of a classifier."""


class Data(Struct, frozen=True, kw_only=True):
    """A data set as a run saw it. fingerprint: of pixels and labels of both splits.

    train, test: images that it used. labelled: whether the test images have labels. white: the
    value that is white in pictures of more than 8 bits.
    """

    name: str
    kind: Kind
    train: int
    test: int
    labelled: bool
    fingerprint: str
    white: float | None = None


class Length(Struct, frozen=True, kw_only=True):
    """How long was trained, and in what arithmetic. batch_size: images of each domain."""

    steps: int
    batch_size: int
    precision: str


class Judging(Struct, frozen=True, kw_only=True):
    """What a generator is judged by. steps: of each evaluator's training. images: compared."""

    extractor: ExtractorName
    steps: int
    images: int


class Config(Struct, frozen=True, kw_only=True):
    """config.json: what was asked. A run of another Config is another run.

    data: by role: "source" and "target", or "images" of a generator.
    size: of the images in pixels. label_names: classes of a classifier, labels of a generator.
    per_class: classifiers: test images of each class and domain in the t-SNE map.
    tested: classifiers: test images of each domain that scores are of; 0: all.
    arm: of an experiment, what makes this run differ from the method's plain form.
    """

    method: str
    preset: str
    scenario: Scenario
    seed: int
    settings: dict[str, Any]
    training: Length
    data: dict[str, Data]
    size: int
    label_kind: LabelKind
    label_names: tuple[str, ...]
    per_class: int = 0
    tested: int = 0
    judging: Judging | None = None
    arm: str = ""

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of the data: (images,) or (source, target)."""
        return tuple(data.name for data in self.data.values())


class Environment(Struct, frozen=True, kw_only=True):
    """env.json: where it ran. commit: of the source tree, with a + where it was changed.

    processes: that trained together. threads: of each.
    """

    sparring: str
    python: str
    torch: str
    numpy: str
    platform: str
    cpu: str
    device: str
    threads: int
    commit: str | None
    processes: int = 1

    @property
    def machine(self) -> str:
        """What it was trained on, in words."""
        return f"cpu: {self.cpu}" if self.device == "cpu" else self.device


class Network(Struct, frozen=True, kw_only=True):
    """One network of a method, layer by layer in the order in which they run."""

    title: str
    summary: str
    parameters: int
    layers: tuple[Layer, ...]


class Architecture(Struct, frozen=True, kw_only=True):
    """architecture.json. about: what the method's own file says of it."""

    about: str
    networks: tuple[Network, ...]


class Opening(Struct, frozen=True, kw_only=True):
    """Someone opened labels of the target. labels: their hash. time: ISO 8601."""

    set: str
    split: Literal["train", "test"]
    reader: Stage
    labels: str
    time: str


class Events(Struct, frozen=True):
    """events.json, only where something happened: alarms and rollbacks, in order."""

    events: tuple[Event, ...] = ()


class Openings(Struct, frozen=True):
    """labels.json, classifiers only: who read labels of the target, and when."""

    openings: tuple[Opening, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TransferAlarm(Verdict):
    """twin.json: how an adapted run compares, without labels, with `twin`, its source-only run."""

    twin: str


class LogRow(Struct, frozen=True, kw_only=True):
    """A row of log.jsonl: means since the row before. gradients: norms by player."""

    step: int
    images: int
    seconds: float
    losses: dict[str, float | None] = {}
    terms: dict[str, float | None] = {}
    gradients: dict[str, float | None] = {}
    measures: dict[str, float | None] = {}


class Use(Struct, frozen=True, kw_only=True):
    """The data set that serves where the source of a plan used `asked`, and why."""

    asked: str
    used: str
    kind: Kind
    why: str


class Plan(Struct, frozen=True, kw_only=True):
    """plan.json of an output folder: what was to run there, by which command, and what for.

    started: ISO 8601. runs: names of run folders, most wanted first.
    experiments: names of runs, by experiment and by arm.
    """

    command: str
    budget: str
    purpose: Purpose
    started: str = ""
    runs: list[str] = []
    uses: list[Use] = []
    experiments: dict[str, dict[str, list[str]]] = {}


class Called(Struct, frozen=True, kw_only=True):
    """What was called one class: images, their mean confidence (None: no image), those unsure."""

    images: int
    confidence: float | None
    unsure: int


class Thumbnail(Struct, frozen=True, kw_only=True):
    """An image of the target and what it was called. sure: one of the surest, or of the least.

    webp: the picture as the network saw it.
    """

    file: str
    label: str
    confidence: float
    second: str
    second_confidence: float
    sure: bool
    webp: bytes


class Answer(Struct, frozen=True, kw_only=True):
    """answer.json of an output folder: which of two twins its model/ is, and what that says.

    kept, other: names of the two runs. helped: whether the adapted one is kept; why: in a sentence.
    expected: accuracy on the target as estimated without labels, from low to high.
    measured: images with labels that both runs were judged on; 0: there were none.
    files, unreadable: of the target. called: by class. shown: of the classes called most often.
    """

    kept: str
    other: str
    helped: bool
    why: str
    expected: float
    low: float
    high: float
    measured: int
    files: int
    unreadable: int
    called: dict[str, Called]
    shown: tuple[Thumbnail, ...]
