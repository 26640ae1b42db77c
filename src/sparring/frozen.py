"""Frozen features: a linear classifier on a backbone, carried to a second domain in closed form.

Knows a backbone by its features, and arrays of them; knows no image set and no file. Each domain is
standardised by itself, the source is given the target's correlations (CORAL: Sun et al. 2016, arXiv
1511.05547), and logistic regression learns from both: from the source's labels, and from what it
calls the target's images itself, of each class the surest (Zou et al. 2018, arXiv 1810.07911). The
network is not trained.
"""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor, nn

from sparring import backbone
from sparring.backbone import Backbone, Preparation
from sparring.data.feed import to_pixels
from sparring.game import ImageClassifier, Shape
from sparring.metrics.calibration import fit_temperature
from sparring.metrics.outputs import Outputs

NAME = "frozen-features"
STRENGTH = 0.01
"""Inverse strength (scikit-learn's C) of the penalty on the weights of the logistic regression. It
was chosen by accuracy on *labelled target images* of one pair of digits, among 0.01, 0.1 and 1, on
a network of random weights (docs/log.md): in this respect it is not label-free."""
SHARES = (0.2, 0.4, 0.6, 0.8)
"""By round, the share of the images called a class that it next learns from, the surest first."""
# The logit of a class that the source's training images have none of. The largest is at least 0, so
# it is never called; but one test image of it shall not outweigh the rest in a temperature.
_ABSENT = -10.0


@dataclass(eq=False, kw_only=True)
class Frozen(ImageClassifier):
    """The classifier: backbone, standardisation and a linear layer.

    origin: name of the backbone; digest: of its weights. network: its settings.
    """

    shown: ClassVar[int] = 32
    scheduled: ClassVar[bool] = False

    origin: str
    digest: str
    network: dict[str, Any]
    preparation: Preparation

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def on(cls, origin: str) -> "Frozen":
        """On the backbone of that name, and still without classes. Raises RequestError."""
        found = backbone.load(origin)
        about = found.settings, found.preparation
        frozen = cls(origin=origin, digest=found.digest, network=about[0], preparation=about[1])
        frozen.backbone = found
        return frozen

    def build(self, shape: Shape, network: Backbone | None = None) -> None:
        """Make the layers for these classes; their weights are still to come.

        network: the backbone; made anew where it is not given. Raises RequestError.
        """
        self.backbone = network or backbone.build(self.network, self.preparation)
        width = self.backbone.width
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))
        self.head = nn.Linear(width, len(shape.labels))

    def set(self, fitted: "Fitted") -> None:
        """Take over what was fitted."""
        state = {"mean": fitted.target.mean, "std": fitted.target.std}
        state |= {"head.weight": fitted.weight, "head.bias": fitted.bias}
        self.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=False)

    def features(self, image: Tensor) -> Tensor:
        found: Tensor = self.backbone(to_pixels(image))
        return (found - self.get_buffer("mean")) / self.get_buffer("std")

    def classify(self, features: Tensor) -> Tensor:
        logits: Tensor = self.head(features)
        return logits


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of each feature, float64 [F]; 1 where a feature is constant."""

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> "Scale":
        """Those of features float [N, F]."""
        std = features.std(0, dtype=np.float64)
        return cls(features.mean(0, dtype=np.float64), np.where(std > 1e-6, std, 1.0))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """The features standardised, float64 [N, F]."""
        return (features - self.mean) / self.std


@dataclass(frozen=True)
class Fitted:
    """A linear classifier, and what leads to it from either domain's features.

    source, target: how each is standardised. align: float64 [F, F], gives the source the target's
    correlations. weight, bias: float64 [K, F] and [K].
    """

    source: Scale
    target: Scale
    align: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    def on_source(self, features: np.ndarray) -> Outputs:
        """What it makes of the source's features [N, F]."""
        return self._outputs(self.source(features) @ self.align)

    def on_target(self, features: np.ndarray) -> Outputs:
        """What it makes of the target's features [N, F]."""
        return self._outputs(self.target(features))

    def _outputs(self, seen: np.ndarray) -> Outputs:
        logits = seen @ self.weight.T + self.bias
        return Outputs(seen.astype(np.float32), logits.astype(np.float32))


def fit(
    source: np.ndarray,
    label: np.ndarray,
    held_out: tuple[np.ndarray, np.ndarray],
    target: np.ndarray | None,
    classes: int,
) -> Fitted:
    """Fit to the source's features [N, F] and labels [N], and the target's features [M, F].

    target: None for a classifier of the source alone, which treats both domains alike.
    held_out: features and labels of other source images, by which confidence is calibrated.
    """
    own = Scale.of(source)
    other = own if target is None else Scale.of(target)
    seen, unlabelled = own(source), None if target is None else other(target)
    align = np.eye(seen.shape[1]) if unlabelled is None else coral(seen, unlabelled)
    seen = seen @ align
    head = _regression(seen, label, np.ones(len(label)), classes)
    for share in SHARES if unlabelled is not None else ():
        assert unlabelled is not None
        chance = softmax(unlabelled @ head[0].T + head[1], axis=1)
        sure = surest(chance, share)
        # Together they count no more than the source, however many there are.
        weight = np.full(len(sure), min(1.0, len(label) / len(sure)))
        head = _regression(
            np.concatenate([seen, unlabelled[sure]]),
            np.concatenate([label, chance[sure].argmax(1)]),
            np.concatenate([np.ones(len(label)), weight]),
            classes,
        )
    fitted = Fitted(own, other, align, *head)
    known = np.isin(held_out[1], label)  # others tell nothing of how sure it may be
    logits, truth = fitted.on_source(held_out[0][known]).logits, held_out[1][known]
    if (logits.argmax(1) == truth).all():
        # As if one more had been wrong, like the least sure: else it would be certain of all.
        second, first = np.sort(logits, axis=1)[:, -2:].T
        least = (first - second).argmin()
        wrong = np.argsort(logits[least])[-2]
        logits, truth = np.append(logits, logits[[least]], 0), np.append(truth, wrong)
    warmth = fit_temperature(logits, truth)
    bias = np.where(np.isin(np.arange(classes), label), head[1] / warmth, _ABSENT)
    return Fitted(own, other, align, head[0] / warmth, bias)


def coral(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """float64 [F, F]: source [N, F] times it has the covariance of target [M, F]; both centred.

    As published, the identity is added to both covariances, which may be singular.
    """
    from_source, to_target = (
        _power(x, exponent) for x, exponent in ((source, -0.5), (target, 0.5))
    )
    return from_source @ to_target


def _power(centred: np.ndarray, exponent: float) -> np.ndarray:
    covariance = centred.T @ centred / len(centred) + np.eye(centred.shape[1])
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * values**exponent @ vectors.T)


def surest(chance: np.ndarray, share: float) -> np.ndarray:
    """Rising places of the surest `share` of the images called each class, at least one of each.

    chance: [M, K].
    """
    label, confidence = chance.argmax(1), chance.max(1)
    chosen = []
    for number in np.unique(label):
        (here,) = np.nonzero(label == number)
        order = here[np.argsort(-confidence[here], kind="stable")]
        chosen.append(order[: max(1, round(share * len(here)))])
    return np.sort(np.concatenate(chosen))


def _regression(
    seen: np.ndarray, label: np.ndarray, weight: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights [K, F] and biases [K] of a logistic regression."""
    from sklearn.exceptions import ConvergenceWarning  # takes a second to import
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is near enough by then
        found = LogisticRegression(C=STRENGTH, max_iter=500).fit(seen, label, sample_weight=weight)
    weights, biases = found.coef_, found.intercept_
    if len(found.classes_) == 2:
        weights, biases = np.concatenate([-weights, weights]) / 2, np.append(-biases, biases) / 2
    head = np.zeros((classes, seen.shape[1])), np.full(classes, _ABSENT)
    head[0][found.classes_], head[1][found.classes_] = weights, biases
    return head
