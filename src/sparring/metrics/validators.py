"""Scores of a checkpoint that need no target label, and the choice that they make together.

Knows arrays. A `View` has no field for target labels, so no validator can read one. Every score
is "higher is better". None is right always: over a million checkpoints, Musgrave et al. 2022
(arXiv 2208.07360) often found a simple baseline the best; hence the consensus and its guard.

Those that compare points with points look at `SAMPLE` points of each domain at most, drawn alike
for every checkpoint, so scores of one run's checkpoints are of the same images.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import entr, logsumexp, softmax

from sparring.metrics.calibration import estimate_accuracy
from sparring.metrics.embedding import domain_classifier, stack
from sparring.metrics.outputs import Outputs, Predictions

SAMPLE = 2000
MAX_WEIGHT = 10.0  # of `importance_weighted_accuracy`
SND_TEMPERATURE = 0.05  # tau of Saito et al. 2021, section 3
TOLERANCE = 0.05  # how far below the best source accuracy `consensus` still looks
MEMBERS = ("information_maximisation", "nuclear_norm", "class_ami")
_SEED = 0  # of every sample here: part of what the scores mean, not a setting


@dataclass(frozen=True)
class View:
    """What one checkpoint makes of held-out source images and of unlabelled target images.

    source: judged on labels that training did not see.
    target: on target images.
    averaged: logits [N, K] of the running mean of the weights (EMA) on the same target images;
        None where none is kept.
    """

    source: Predictions
    target: Outputs
    averaged: np.ndarray | None = None


def negative_entropy(view: View) -> float:
    """Minus the mean entropy of the target predictions, in nats: in [-ln K, 0].

    Morerio et al. 2018 (arXiv 1711.10288). Best, 0, for certain predictions, right or wrong: a
    network that calls everything one class gets it too.
    """
    return -float(entr(view.target.probability).sum(1).mean())


def information_maximisation(view: View) -> float:
    """Entropy of the mean target prediction less the mean entropy, in nats: in [0, ln K].

    The mutual information of image and prediction (Bridle et al. 1991, "Unsupervised classifiers,
    mutual information and phantom targets"; Liang et al. 2020, arXiv 2002.08546, eq. 3-4).
    Certain and varied predictions score best; one class for all scores 0.
    """
    return float(entr(view.target.probability.mean(0)).sum()) + negative_entropy(view)


def nuclear_norm(view: View) -> float:
    """Nuclear norm of the target's probability matrix over its largest possible value: in (0, 1].

    BNM (Cui et al. 2020, arXiv 2003.12237, section 3) for training, Musgrave et al. 2022 for
    validation; divided by sqrt(N min(N, K)), which one-hot predictions of balanced classes reach,
    as in Deng et al. 2023 (arXiv 2302.01094). One class for all gives 1 / sqrt(min(N, K)).
    """
    probability = view.target.probability
    largest = np.sqrt(len(probability) * min(probability.shape))
    return float(np.linalg.norm(probability, "nuc") / largest)


def soft_neighbourhood_density(view: View) -> float:
    """Mean entropy of each target point's soft neighbourhood, in nats, on at most `SAMPLE` points.

    SND (Saito et al. 2021, arXiv 2108.10860, eq. 1-4): cosine similarities of softmax outputs,
    over a temperature of 0.05, through a softmax that leaves the point itself out. High where
    points lie in dense clusters. Highest of all, ln(N - 1), where every output is the same: it
    does not see collapse, so it is shown but has no vote in `consensus`.
    """
    probability = _sample(view.target.probability)
    if len(probability) < 2:
        return 0.0
    direction = probability / np.linalg.norm(probability, axis=1, keepdims=True)
    similarity = direction @ direction.T / SND_TEMPERATURE
    np.fill_diagonal(similarity, -np.inf)
    return float(entr(softmax(similarity, axis=1)).sum(1).mean())


def class_ami(view: View) -> float:
    """Adjusted mutual information of predicted classes and k-means clusters of target features.

    ClassAMI (Musgrave et al. 2022), on at most `SAMPLE` points; as many clusters as classes. 1:
    the classifier's borders run between the clusters; 0: no better than chance, as one class for
    all is. The features are scaled to unit length, as classifiers read directions.
    """
    from sklearn.cluster import KMeans  # takes a second to import, as does all of sklearn
    from sklearn.metrics import adjusted_mutual_info_score

    feature = _sample(view.target.features).astype(np.float64)
    length = np.linalg.norm(feature, axis=1, keepdims=True)
    feature = feature / np.where(length > 0, length, 1)
    clusters = min(view.target.logits.shape[1], len(np.unique(feature, axis=0)))
    found = KMeans(clusters, n_init=3, random_state=_SEED).fit_predict(feature)
    return float(adjusted_mutual_info_score(_sample(view.target.predicted), found))


def importance_weighted_accuracy(view: View) -> float:
    """Accuracy on held-out source images that look like target ones, in [0, 1].

    Importance-weighted cross-validation (Sugiyama et al. 2007, JMLR 8, section 3) in feature space
    (You et al. 2019, "Towards accurate model selection in deep UDA", section 3). The density ratio
    p(target | feature) / p(source | feature) comes from a logistic regression, cross-fitted in two
    folds on at most `SAMPLE` points a domain; it is clipped to [0, 10] and the weights are divided
    by their sum, which bounds variance and score. (DEV's control variate bounds neither, and its
    weights explode where the domains can be told apart.)
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    source = _sample(view.source.outputs.features)
    target = _sample(view.target.features)
    if min(len(source), len(target)) < 2:
        raise ValueError("two images of each domain are needed to tell the domains apart")
    points, domain = stack(source, target)
    folds = StratifiedKFold(2, shuffle=True, random_state=_SEED)
    log_odds = cross_val_predict(
        domain_classifier(), points, domain, cv=folds, method="decision_function"
    )[: len(source)]
    log_ratio = log_odds + np.log(len(source) / len(target))
    log_weight = np.minimum(log_ratio, np.log(MAX_WEIGHT))
    # Normalised as logarithms: where the domains lie apart, every weight may underflow.
    weight = np.exp(log_weight - logsumexp(log_weight))
    return float(weight @ _sample(view.source.correct))


def nearest_source_accuracy(view: View) -> float:
    """Accuracy on the held-out source images nearest to the target ones, in [0, 1].

    Each of at most `SAMPLE` target points votes for the one of as many source points that is
    nearest in feature space: importance weights by nearest neighbours (Loog 2012,
    "Nearest neighbor-based importance weighting", section 2).
    """
    from sklearn.neighbors import NearestNeighbors

    source = _sample(view.source.outputs.features)
    search = NearestNeighbors(n_neighbors=1).fit(source)
    nearest = search.kneighbors(_sample(view.target.features), return_distance=False)[:, 0]
    return float(_sample(view.source.correct)[nearest].mean())


def averaged_agreement(view: View) -> float | None:
    """Share of target images that the checkpoint and its EMA call alike; None without an EMA.

    Low while training still swings. (The EMA as the better teacher: Tarvainen & Valpola 2017,
    arXiv 1703.01780; French et al. 2018, arXiv 1706.05208.)
    """
    if view.averaged is None:
        return None
    return float((view.averaged.argmax(1) == view.target.predicted).mean())


def estimated_accuracy(view: View) -> float:
    """Target accuracy as ATC estimates it (`trust.estimate_accuracy`), in [0, 1]."""
    source = view.source
    estimates = estimate_accuracy(source.outputs.logits, source.label, view.target.logits)
    return estimates.thresholded_entropy


def source_accuracy(view: View) -> float:
    """Accuracy on held-out source images: the baseline that validators often fail to beat."""
    return view.source.accuracy


VALIDATORS: dict[str, Callable[[View], float | None]] = {
    validator.__name__: validator
    for validator in (
        source_accuracy,
        negative_entropy,
        information_maximisation,
        nuclear_norm,
        soft_neighbourhood_density,
        class_ami,
        importance_weighted_accuracy,
        nearest_source_accuracy,
        averaged_agreement,
        estimated_accuracy,
    )
}


def score(view: View) -> dict[str, float]:
    """The score of every validator that this view allows, by name."""
    scores = {name: validator(view) for name, validator in VALIDATORS.items()}
    return {name: value for name, value in scores.items() if value is not None}


def consensus(scores: Mapping[str, Sequence[float]]) -> int:
    """Index of the checkpoint to keep. scores: by validator, one number a checkpoint, in order.

    1. Refuse checkpoints whose source accuracy is more than `TOLERANCE` (5 points) below the best:
       a network that lost, or has not yet learnt, the task it has labels for is not trusted on the
       other, whatever its target outputs look like.
    2. Rank the rest by each of `MEMBERS`, take the mean rank, choose the best; of equal ones the
       latest. Ranks, because the members have different units.

    Members, and why: information maximisation and nuclear norm reward certain and varied
    predictions, so that collapse to one class scores worst (entropy and SND score it best, and
    have no vote); ClassAMI asks independently of certainty whether the features' clusters are the
    predicted classes. (Nuclear norm and ClassAMI were proposed for this by Musgrave et al. 2022;
    the former ranks models well, Deng et al. 2023.) Scores that look at source images mostly
    repeat the guard, which then would vote twice.

    A checkpoint with a score that is not finite is refused. Raises ValueError where source
    accuracy or a member is missing, or no checkpoint is left.
    """
    from scipy.stats import rankdata  # takes half a second to import

    if missing := {"source_accuracy", *MEMBERS} - set(scores):
        raise ValueError(f"no consensus without {', '.join(sorted(missing))}")
    source = np.asarray(scores["source_accuracy"], dtype=float)
    votes = np.array([scores[name] for name in MEMBERS], dtype=float)
    finite = np.isfinite(votes).all(0) & np.isfinite(source)
    if not finite.any():
        raise ValueError("no checkpoint has finite scores")
    # Rounded, so that a checkpoint exactly on the limit is not lost to floating point.
    fall = np.round(source[finite].max() - source, 12)
    admitted = np.flatnonzero(finite & (fall <= TOLERANCE))
    rank = rankdata(votes[:, admitted], axis=1).mean(0)
    return int(admitted[np.flatnonzero(np.isclose(rank, rank.max()))[-1]])


def _sample(rows: np.ndarray) -> np.ndarray:
    """At most `SAMPLE` of the rows: always the same ones of arrays of one length."""
    if len(rows) <= SAMPLE:
        return rows
    chosen = np.random.default_rng(_SEED).choice(len(rows), SAMPLE, replace=False)
    return rows[np.sort(chosen)]
