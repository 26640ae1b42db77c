"""How far a classifier's confidence can be trusted, with and without labels.

Knows arrays: logits float32 [N, K], labels int64 [N]. Probabilities are their softmax.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import entr, log_softmax, logsumexp, softmax

BINS = 15  # of equal width, as in Guo et al. 2017
POINTS = 50  # of a risk-coverage curve
_COOLEST, _HOTTEST = 0.01, 100.0  # where a temperature is looked for


@dataclass(frozen=True)
class Bin:
    """One point of a reliability curve: predictions with confidence in [low, high).

    confidence: their mean confidence; accuracy: their share of right ones; count: how many.
    """

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class RiskCoverage:
    """What abstaining buys, at up to POINTS coverages from the surest prediction alone to all.

    coverage: share of images answered, rising to 1. risk: share of wrong answers among them.
    area: mean risk over all coverages (AURC); 0 is best.
    """

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    area: float


@dataclass(frozen=True)
class AccuracyEstimates:
    """Three estimates of an accuracy without labels, fractions in [0, 1].

    thresholded_entropy: ATC with negative entropy, the one its authors recommend.
    thresholded_confidence: ATC with maximum confidence.
    average_confidence: mean confidence, for comparison; known to be too high under shift.
    """

    thresholded_entropy: float
    thresholded_confidence: float
    average_confidence: float


def reliability(confidence: np.ndarray, correct: np.ndarray) -> tuple[Bin, ...]:
    """The reliability curve of confidences [N] in [0, 1]: bins that hold a prediction, rising.

    BINS bins of equal width; a confidence of 1 is in the last (Guo et al. 2017, eq. 1-2).
    """
    edges = np.linspace(0, 1, BINS + 1)
    place = np.minimum(np.searchsorted(edges, confidence, side="right") - 1, BINS - 1)
    return tuple(
        Bin(
            float(edges[k]),
            float(edges[k + 1]),
            float(confidence[place == k].mean()),
            float(correct[place == k].mean()),
            int((place == k).sum()),
        )
        for k in np.unique(place)
    )


def calibration_error(logits: np.ndarray, label: np.ndarray) -> float:
    """Expected calibration error, in [0, 1]: how far `reliability` lies from the diagonal.

    Mean |accuracy - confidence| over the bins, weighted by their counts (Naeini et al. 2015,
    "Obtaining well calibrated probabilities using Bayesian binning"; Guo et al. 2017, eq. 3).
    """
    curve = reliability(_probability(logits).max(1), logits.argmax(1) == label)
    return sum(abs(b.accuracy - b.confidence) * b.count for b in curve) / len(label)


def fit_temperature(logits: np.ndarray, label: np.ndarray) -> float:
    """The temperature T for which softmax(logits / T) has the least negative log-likelihood.

    Temperature scaling (Guo et al. 2017, section 4.2). Above 1: the network was too sure. T is
    looked for in [0.01, 100]; with no prediction wrong it falls to the lower end.
    """
    scores = logits.astype(np.float64)
    rows = np.arange(len(label))

    def loss(log_temperature: float) -> float:
        chances = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -float(chances[rows, label].mean())

    bounds = (np.log(_COOLEST), np.log(_HOTTEST))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def risk_coverage(confidence: np.ndarray, correct: np.ndarray) -> RiskCoverage:
    """The risk-coverage curve of answering the surest images first (Geifman & El-Yaniv 2017,
    arXiv 1705.08500, section 2; its area: Geifman et al. 2019, arXiv 1805.08206, section 3).

    Predictions of equal confidence come in no order: each counts with their common error rate, so
    the curve is what a random order gives on average.
    """
    _, group = np.unique(-np.asarray(confidence), return_inverse=True)
    wrong = ~np.asarray(correct, dtype=bool)
    rate = np.bincount(group, weights=wrong) / np.bincount(group)
    answered = np.arange(1, len(wrong) + 1)
    risk = np.cumsum(rate[np.sort(group)]) / answered
    shown = np.unique(np.linspace(0, len(wrong) - 1, POINTS).round().astype(int))
    coverage = answered[shown] / len(wrong)
    return RiskCoverage(tuple(coverage.tolist()), tuple(risk[shown].tolist()), float(risk.mean()))


def estimate_accuracy(
    source_logits: np.ndarray, source_label: np.ndarray, target_logits: np.ndarray
) -> AccuracyEstimates:
    """Accuracy on unlabelled target images, from held-out source images with labels.

    Average thresholded confidence (ATC; Garg et al. 2022, arXiv 2201.04234, section 3): find the
    score below which there are as many source images as there are source errors; the estimate is
    the share of target images not below it. Images that tie with it count in part, such that
    the source's scores give the source's own accuracy exactly. Scores are taken after a temperature
    fitted on the source, as the authors do. It trusts that confidence means on the target what it
    means on the source: a network that is certain and wrong there is overrated.
    """
    temperature = fit_temperature(source_logits, source_label)
    source, target = (
        logits.astype(np.float64) / temperature for logits in (source_logits, target_logits)
    )
    errors = int((source_logits.argmax(1) != source_label).sum())
    return AccuracyEstimates(
        _share_above(_negative_entropy(source), errors, _negative_entropy(target)),
        _share_above(_log_odds(source), errors, _log_odds(target)),
        float(_probability(target).max(1).mean()),
    )


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
    odds: np.ndarray = order[:, -1] - logsumexp(order[:, :-1], axis=1)
    return odds


def _probability(logits: np.ndarray) -> np.ndarray:
    shares: np.ndarray = softmax(logits.astype(np.float64), axis=1)
    return shares
