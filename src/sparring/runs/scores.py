"""The results of a run, scores.json, as types: of a classifier, and of a generator.

As all records (records.py): a number that does not exist, or is not finite, is None; shares and
accuracies are fractions.
"""

from msgspec import Struct

from sparring.metrics.calibration import AccuracyEstimates, Bin
from sparring.metrics.extractor import Skill
from sparring.metrics.fidelity import Fidelity
from sparring.metrics.scorecard import Flip, Leak
from sparring.metrics.statistics import Interval


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
    labels. temperature: fitted on the source; target_temperature: of the model's probabilities, so
    that their mean confidence there is `expected`, but not below 1. seconds: of the training.
    notes: a sentence for each score or figure that could not be had. drawn: what the rows are that
    the method drew, if any.
    """

    accuracy: float | None
    source_accuracy: float
    test_images: int
    predicted_shares: tuple[float, ...]
    estimated: AccuracyEstimates
    temperature: float
    target_temperature: float = 1.0
    seconds: float = 0.0
    images_per_second: float = 0.0
    notes: tuple[str, ...] = ()
    mixing: float | None = None
    a_distance: float | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    trust: Trust | None = None
    selection: Selection | None = None
    tsne: str | None = None
    drawn: tuple[str, ...] = ()

    @property
    def measured(self) -> int:
        """The target's images that accuracy is of: those that have labels."""
        return sum(map(sum, self.confusion or ()))

    @property
    def expected(self) -> float:
        """Accuracy on the target as one may expect it without labels: no more than on the source.

        Where the source is hardly learnt, the estimate may be anything.
        """
        return min(self.estimated.augmented_confidence, self.source_accuracy)


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

    metrics: single numbers by name. averaged: the same of a running mean of the generator, where
    one was kept beside it; loss apart. fidelity: by kind of image, "generated" first, then the
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
    averaged: dict[str, float | None] = {}

    @property
    def distance(self) -> str:
        """What its Fréchet distance is called, with extractor and n; empty where it has none."""
        if self.extractor is None or not (drawn := self.fidelity.get("generated")):
            return ""
        return f"{self.extractor.frechet}, n = {drawn.n_drawn:,}"


Scores = ClassifierScores | GeneratorScores
