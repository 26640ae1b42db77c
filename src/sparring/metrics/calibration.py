"""How far a classifier's confidence can be trusted, with and without labels.

Knows arrays: logits float32 [N, K], labels int64 [N]. Probabilities are their softmax.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import entr, log_softmax, logsumexp, softmax

BINS = 15  # of equal width, as in Guo et al. 2017


@dataclass(frozen=True)
class Bin:
    """Predictions with confidence in [low, high): `count`, mean `confidence`, `accuracy`."""

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class AccuracyEstimates:
    """Four estimates of an accuracy without labels, fractions in [0, 1].

    augmented_confidence: the mean confidence after a temperature fitted on source images that were
        augmented; average_confidence: on source images as they are, too high under shift.
    thresholded_entropy: ATC with negative entropy, the one its authors recommend;
    thresholded_confidence: with maximum confidence.
    """

    augmented_confidence: float
    thresholded_entropy: float
    thresholded_confidence: float
    average_confidence: float


def reliability(confidence: np.ndarray, correct: np.ndarray) -> tuple[Bin, ...]:
    """The reliability curve of confidences [N] in [0, 1] (Guo et al. 2017, eq. 1-2).

    Of BINS bins of equal width those that hold a prediction, rising; 1 is in the last.
    """
    edges = np.linspace(0, 1, BINS + 1)
    place = np.minimum(np.searchsorted(edges, confidence, side="right") - 1, BINS - 1)
    curve = []
    for k in np.unique(place):
        (here,) = np.nonzero(place == k)
        means = float(confidence[here].mean()), float(correct[here].mean())
        curve.append(Bin(float(edges[k]), float(edges[k + 1]), *means, len(here)))
    return tuple(curve)


def calibration_error(logits: np.ndarray, label: np.ndarray) -> float:
    """Expected calibration error, in [0, 1]: how far `reliability` lies from the diagonal.

    Mean |accuracy - confidence| over the bins, weighted by count (Guo et al. 2017, eq. 3).
    """
    curve = reliability(_probability(logits).max(1), logits.argmax(1) == label)
    return sum(abs(b.accuracy - b.confidence) * b.count for b in curve) / len(label)


def fit_temperature(logits: np.ndarray, label: np.ndarray) -> float:
    """The T in [0.01, 100] for which softmax(logits / T) has the least negative log-likelihood.

    Temperature scaling (Guo et al. 2017, section 4.2). Above 1: the network was too sure; with no
    prediction wrong it falls to the lower end.
    """
    scores = logits.astype(np.float64)
    rows = np.arange(len(label))

    def loss(log_temperature: float) -> float:
        chances = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -float(chances[rows, label].mean())

    bounds = np.log([0.01, 100])
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def temperature_for(logits: np.ndarray, accuracy: float) -> float:
    """The T in [1, 100] at which softmax(logits / T) is, in the mean, as sure as `accuracy` says.

    Without labels, that is an estimate. Never below 1: a network is surer than it is right
    where images differ from what it learned from, so nothing shall make it surer still.
    """

    def excess(temperature: float) -> float:
        return float(_probability(logits / temperature).max(1).mean()) - accuracy

    if excess(1) <= 0:
        return 1.0
    return 100.0 if excess(100) >= 0 else float(brentq(excess, 1, 100))


def risk_coverage(confidence: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What abstaining buys (Geifman & El-Yaniv 2017, arXiv 1705.08500, section 2).

    Coverage, the share of images answered, from the surest alone to all, and risk, the share of
    wrong answers among them: float64 [N] each. The mean risk is the area (AURC; Geifman et al.
    2019, arXiv 1805.08206). Predictions of equal confidence count with their common error rate.
    """
    _, group = np.unique(-confidence, return_inverse=True)
    rate = np.bincount(group, weights=~correct) / np.bincount(group)
    answered = np.arange(1, len(group) + 1)
    return answered / len(group), np.cumsum(rate[np.sort(group)]) / answered


def estimate_accuracy(
    source: tuple[np.ndarray, np.ndarray],
    augmented: tuple[np.ndarray, np.ndarray],
    target_logits: np.ndarray,
) -> AccuracyEstimates:
    """Accuracy on unlabelled target images, from held-out source images with labels.

    source, augmented: logits and labels of such images as they are, and strongly augmented. A
    temperature fitted on augmented images holds under shift, too (Tomani et al. 2021, arXiv
    2012.10988, who perturb them by noise); the mean confidence then is an estimate. A network that
    is certain and wrong on the target is overrated.
    """
    return AccuracyEstimates(
        _mean_confidence(*augmented, target_logits),
        *thresholded(*source, target_logits),
        _mean_confidence(*source, target_logits),
    )


def thresholded(
    source_logits: np.ndarray, source_label: np.ndarray, target_logits: np.ndarray
) -> tuple[float, float]:
    """Average thresholded confidence (ATC), by negative entropy and by maximum confidence.

    Garg et al. 2022, arXiv 2201.04234, section 3: the share of target images not below the score
    that as many source images are below as there are source errors, after a temperature fitted on
    the source. Images that tie with it count in part, so that the source's scores give its own
    accuracy. With few source errors the threshold hangs on as few images.
    """
    temperature = fit_temperature(source_logits, source_label)
    source, target = (
        logits.astype(np.float64) / temperature for logits in (source_logits, target_logits)
    )
    errors = int((source_logits.argmax(1) != source_label).sum())
    return (
        _share_above(_negative_entropy(source), errors, _negative_entropy(target)),
        _share_above(_log_odds(source), errors, _log_odds(target)),
    )


def _mean_confidence(logits: np.ndarray, label: np.ndarray, target_logits: np.ndarray) -> float:
    """Of the target, after the temperature that fits `logits` and their labels."""
    return float(_probability(target_logits / fit_temperature(logits, label)).max(1).mean())


def _share_above(source: np.ndarray, errors: int, target: np.ndarray) -> float:
    """Share of target scores not below the score that `errors` source scores are below."""
    if errors == len(source):
        return 0.0
    threshold = np.partition(source, errors)[errors]
    above, tied = int((source > threshold).sum()), int((source == threshold).sum())
    counted = (len(source) - errors - above) / tied
    return float((target > threshold).mean() + counted * (target == threshold).mean())


def _negative_entropy(logits: np.ndarray) -> np.ndarray:
    return -entr(_probability(logits)).sum(1)


def _log_odds(logits: np.ndarray) -> np.ndarray:
    """Log odds of the top class: rises with its probability, but never saturates at 1."""
    order = np.sort(logits, axis=1)
    return np.asarray(order[:, -1] - logsumexp(order[:, :-1], axis=1))


def _probability(logits: np.ndarray) -> np.ndarray:
    return np.asarray(softmax(logits.astype(np.float64), axis=1))
