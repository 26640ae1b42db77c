"""A picture of feature space (t-SNE) and the number that goes with it (domain mixing)."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors


def choose_per_class(label: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of up to `count` random examples of each class in `label` (int [N]), sorted."""
    random = np.random.default_rng(seed)
    chosen = [
        random.permutation(np.flatnonzero(label == value))[:count] for value in np.unique(label)
    ]
    return np.sort(np.concatenate(chosen))


def tsne(features: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE (van der Maaten & Hinton 2008) of features [N, F], on at most 50 principal components.

    Returns float32 [N, 2]. Deterministic by seed; N must be at least 4.
    """
    reduced = features
    if features.shape[1] > 50 and len(features) > 50:
        reduced = PCA(50, random_state=seed).fit_transform(features)
    perplexity = min(30.0, (len(features) - 1) / 3)
    embedding = TSNE(
        init="pca", random_state=seed, perplexity=perplexity, max_iter=500
    ).fit_transform(reduced)
    return embedding.astype(np.float32)


def domain_mixing(features: np.ndarray, domain: np.ndarray, neighbours: int = 10) -> float:
    """How mixed two domains (`domain` int [N] of 0 and 1) are among nearest neighbours.

    For each point, the share of the other domain among its nearest neighbours in feature space,
    over the share that fully mixed domains would give; averaged within each domain, then over
    both. 0: the domains lie apart; 1: fully mixed.
    """
    search = NearestNeighbors(n_neighbors=neighbours + 1).fit(features)
    nearest = search.kneighbors(features, return_distance=False)
    itself = nearest == np.arange(len(features))[:, None]
    # A duplicate point can push the point itself out of its own list; then drop the farthest.
    itself[~itself.any(1), -1] = True
    others = nearest[~itself].reshape(len(features), neighbours)
    other_share = (domain[others] != domain[:, None]).mean(1)
    sizes = np.bincount(domain, minlength=2)
    ratios = [
        other_share[domain == side].mean() / (sizes[1 - side] / (len(domain) - 1))
        for side in (0, 1)
    ]
    return float(np.mean(ratios))
