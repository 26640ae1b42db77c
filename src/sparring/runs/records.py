"""What a run leaves behind, as types that whoever writes a record and whoever reads it share.

`folder.FILES` names the file of each. A number that does not exist, or is not finite, is None.
Shares and accuracies are fractions.
"""

from typing import Any, Literal

from msgspec import Struct

from sparring.divergence import Event
from sparring.game import LabelKind
from sparring.metrics.calibration import AccuracyEstimates, Bin
from sparring.metrics.extractor import Skill
from sparring.metrics.fidelity import Fidelity
from sparring.metrics.scorecard import Flip, Leak
from sparring.metrics.statistics import Interval
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

    train, test: images. labelled: whether the test images have labels.
    """

    name: str
    kind: Kind
    train: int
    test: int
    labelled: bool
    fingerprint: str


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
    """env.json: where it ran. commit: of the source tree, with a + where it was changed."""

    sparring: str
    python: str
    torch: str
    numpy: str
    platform: str
    cpu: str
    device: str
    threads: int
    commit: str | None


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


class RiskCoverage(Struct, frozen=True, kw_only=True):
    """Points of the curve, from the surest images to all; area: under the whole curve."""

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    area: float


class Trust(Struct, frozen=True, kw_only=True):
    """How far confidence can be trusted on the target; needs its labels."""

    calibration_error: float
    calibration_error_tempered: float
    reliability: tuple[Bin, ...]
    risk_coverage: RiskCoverage


class Candidate(Struct, frozen=True, kw_only=True):
    """A state of a training, and its label-free scores by validator.

    accuracy: on the target's test images, looked up when all is decided; None without labels.
    """

    step: int
    validators: dict[str, float]
    accuracy: float | None


class Selection(Struct, frozen=True, kw_only=True):
    """States kept during a training, and the one that validators would choose without labels.

    chosen: a place in `candidates`; the run's own numbers are of its last state all the same.
    rank_correlation: of each validator with the truth, where it is known.
    """

    rule: str
    candidates: tuple[Candidate, ...]
    chosen: int
    rank_correlation: dict[str, float | None]


class ClassifierScores(Struct, frozen=True, kw_only=True, tag_field="kind", tag="classifier"):
    """scores.json of a classifier, of its last (or averaged) state.

    accuracy, confusion (rows: true classes) and trust: None where the target has no labels.
    predicted_shares: of each class on the target's test images. estimated: accuracy there, without
    labels. temperature: fitted on the source. seconds: of the training. notes: a sentence for each
    score or figure that could not be had.
    """

    accuracy: float | None
    source_accuracy: float
    test_images: int
    predicted_shares: tuple[float, ...]
    estimated: AccuracyEstimates
    temperature: float
    seconds: float = 0.0
    images_per_second: float = 0.0
    notes: tuple[str, ...] = ()
    mixing: float | None = None
    a_distance: float | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    trust: Trust | None = None
    selection: Selection | None = None
    tsne: str | None = None


class Extractor(Struct, frozen=True, kw_only=True):
    """Whose features scores are on. frechet: what its Fréchet distance is called.

    skill: on held-out images; None for the published Inception.
    """

    name: str
    frechet: str
    skill: Skill | None = None


class Judge(Struct, frozen=True, kw_only=True):
    """Who judges labels. learned_from: fingerprint of the images that it learned from."""

    skill: Skill
    learned_from: str


class Turned(Struct, frozen=True, kw_only=True):
    """What turning one label on (or turning to one class) does, over `pairs` pairs.

    levels, relative, half_area: see `metrics.scorecard.Change`. leakage: by the other attribute.
    """

    pairs: int
    flip: Flip
    levels: float
    relative: float | None
    half_area: float | None
    leakage: dict[str, Leak]


class OfClass(Struct, frozen=True, kw_only=True):
    """Kernel distance within one class, that of real test images (the floor), and diversity."""

    kid: Interval | None
    floor: Interval | None
    diversity: float | None


class Scorecard(Struct, frozen=True, kw_only=True):
    """Whether a generator draws what it is asked for. labels: share seen as asked, by label."""

    labels: dict[str, Interval]
    turned: dict[str, Turned]
    classes: dict[str, OfClass] = {}


class Copies(Struct, frozen=True, kw_only=True):
    """The search for copies of training images; see `metrics.memorisation.Memorisation`."""

    verdict: str
    ratio: float | None
    suspects: int
    expected: float
    copies: int
    alarm: bool
    n: int
    n_train: int
    n_unseen: int


class GeneratorScores(Struct, frozen=True, kw_only=True, tag_field="kind", tag="generator"):
    """scores.json of a generator.

    metrics: single numbers by name. fidelity: by kind of image, "generated" first, then the
    calibration rows. pair_label: what differs in the pairs. changed: labels of the change maps.
    """

    metrics: dict[str, float | None]
    seconds: float = 0.0
    images_per_second: float = 0.0
    notes: tuple[str, ...] = ()
    extractor: Extractor | None = None
    fidelity: dict[str, Fidelity] = {}
    judge: Judge | None = None
    scorecard: Scorecard | None = None
    copies: Copies | None = None
    pair_label: str = ""
    changed: tuple[str, ...] = ()


Scores = ClassifierScores | GeneratorScores


class TransferAlarm(Struct, frozen=True, kw_only=True):
    """twin.json: how an adapted run compares, without labels, with its source-only twin.

    rings: whether adaptation looks harmful; see `metrics.negative_transfer.Verdict`.
    """

    twin: str
    rings: bool
    words: str
    changes: dict[str, float]
    disagreement: float
    allowed: float
    overlap_lost: float
    overlap_error: float
    estimated_twin: float
    estimated_adapted: float
    source_change: float


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
