"""Scores of a checkpoint that need no target label, and the choice that they make together.

Knows arrays. `DomainOutputs` has no field for target labels, so no validator can read one. Every
score is "higher is better", and none is right always (Musgrave et al. 2022, arXiv 2208.07360):
hence the consensus and its guard. Those that compare points with points look at `SAMPLE` points of
each domain at most, the same ones for every checkpoint. On others that were tried: docs/log.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from sparring.metrics.calibration import thresholded
from sparring.metrics.outputs import Outputs, Predictions

SAMPLE = 2000
TOLERANCE = 0.05  # how far below the best source accuracy `consensus` still looks
_SEED = 0  # of every sample here: part of what the scores mean, not a setting


@dataclass(frozen=True)
class DomainOutputs:
    """What one classifier makes of held-out source images and of unlabelled target images."""

    source: Predictions
    target: Outputs


def negative_entropy(outputs: DomainOutputs) -> float:
    """Minus the mean entropy of the target predictions, in nats: in [-ln K, 0].

    Morerio et al. 2018 (arXiv 1711.10288). A network that calls everything one class gets the best.
    """
    return -float(entr(outputs.target.probability).sum(1).mean())


def information_maximisation(outputs: DomainOutputs) -> float:
    """Entropy of the mean target prediction less the mean entropy, in nats: in [0, ln K].

    The mutual information of image and prediction (Bridle et al. 1991; Liang et al. 2020, arXiv
    2002.08546, eq. 3-4). Certain and varied predictions score best; one class for all scores 0.
    """
    return float(entr(outputs.target.probability.mean(0)).sum()) + negative_entropy(outputs)


def nuclear_norm(outputs: DomainOutputs) -> float:
    """Nuclear norm of the target's probability matrix over its largest possible value: in (0, 1].

    BNM (Cui et al. 2020, arXiv 2003.12237, section 3) over sqrt(N min(N, K)), which one-hot
    predictions of balanced classes reach (Deng et al. 2023, arXiv 2302.01094). One class for all
    gives 1 / sqrt(min(N, K)).
    """
    probability = outputs.target.probability
    largest = np.sqrt(len(probability) * min(probability.shape))
    return float(np.linalg.norm(probability, "nuc") / largest)


def class_ami(outputs: DomainOutputs) -> float:
    """Adjusted mutual information of predicted classes and k-means clusters of target features.

    ClassAMI (Musgrave et al. 2022), on features of unit length; as many clusters as classes. 1:
    the classifier's borders run between the clusters; 0: chance, as one class for all is.
    """
    from sklearn.cluster import KMeans  # takes a second to import, as does all of sklearn
    from sklearn.metrics import adjusted_mutual_info_score

    feature = _sample(outputs.target.features).astype(np.float64)
    length = np.linalg.norm(feature, axis=1, keepdims=True)
    feature = feature / np.where(length > 0, length, 1)
    clusters = min(outputs.target.logits.shape[1], len(np.unique(feature, axis=0)))
    found = KMeans(clusters, n_init=3, random_state=_SEED).fit_predict(feature)
    return float(adjusted_mutual_info_score(_sample(outputs.target.predicted), found))


def nearest_source_accuracy(outputs: DomainOutputs) -> float:
    """Accuracy on the held-out source images nearest to the target ones in feature space.

    In [0, 1]; importance weights by nearest neighbours (Loog 2012, "Nearest neighbor-based
    importance weighting", section 2).
    """
    from sklearn.neighbors import NearestNeighbors

    source = _sample(outputs.source.outputs.features)
    search = NearestNeighbors(n_neighbors=1).fit(source)
    nearest = search.kneighbors(_sample(outputs.target.features), return_distance=False)[:, 0]
    return float(_sample(outputs.source.correct)[nearest].mean())


def estimated_accuracy(outputs: DomainOutputs) -> float:
    """Target accuracy as ATC by entropy estimates it (`calibration.thresholded`), in [0, 1]."""
    source = outputs.source
    return thresholded(source.outputs.logits, source.label, outputs.target.logits)[0]


def source_accuracy(outputs: DomainOutputs) -> float:
    """Accuracy on held-out source images: the baseline that validators often fail to beat."""
    return outputs.source.accuracy


MEMBERS = information_maximisation, nuclear_norm, class_ami
"""Those that have a vote in `consensus`."""
VALIDATORS = (
    source_accuracy,
    negative_entropy,
    *MEMBERS,
    nearest_source_accuracy,
    estimated_accuracy,
)


def score(outputs: DomainOutputs) -> dict[str, float]:
    """The score of every validator, by name."""
    return {validator.__name__: validator(outputs) for validator in VALIDATORS}


def consensus(scores: Mapping[str, Sequence[float]]) -> int:
    """Index of the checkpoint to keep. scores: by validator, one number a checkpoint, in order.

    1. Refuse checkpoints whose source accuracy is more than `TOLERANCE` below the best: a network
       that has lost, or not yet learnt, the task it has labels for is not trusted on the other.
    2. Rank the rest by each of `MEMBERS`, take the mean rank, choose the best; of equal ones the
       latest. Ranks, because the members have different units.

    The first two members reward certain and varied predictions, so that collapse to one class
    scores worst (entropy scores it best, and has no vote); ClassAMI does not look at certainty.
    Scores of source images have no vote, as they repeat the guard.

    A checkpoint with a score that is not finite is refused. Raises ValueError where none is left.
    """
    from scipy.stats import rankdata  # takes half a second to import

    source = np.asarray(scores[source_accuracy.__name__], dtype=float)
    votes = np.array([scores[member.__name__] for member in MEMBERS], dtype=float)
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
