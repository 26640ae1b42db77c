"""A picture of feature space (t-SNE), and how far two domains lie apart in it.

Domain mixing asks nearest neighbours, proxy A-distance asks a linear classifier. scikit-learn takes
a second to import: it is imported where it is used.
"""

from importlib.util import find_spec

import numpy as np

DISTANCE_POINTS = 2000  # of each domain, at most, in `proxy_a_distance`
FEWEST_SHOWN = 4  # points that a t-SNE map is made of


def choose_per_class(label: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of up to `count` random examples of each class in `label` (int [N]), sorted."""
    random = np.random.default_rng(seed)
    chosen = [random.permutation(np.flatnonzero(label == k))[:count] for k in np.unique(label)]
    return np.sort(np.concatenate(chosen))


def tsne(features: np.ndarray, seed: int) -> np.ndarray | None:
    """t-SNE (van der Maaten & Hinton 2008) of features [N, F], on at most 50 principal components.

    By `tsne_library`. Returns float32 [N, 2], or None for fewer than FEWEST_SHOWN points.
    Deterministic by seed.
    """
    from sklearn.decomposition import PCA

    if len(features) < FEWEST_SHOWN:
        return None
    points = features
    if min(features.shape) > 50:
        points = PCA(50, random_state=seed).fit_transform(features)
    perplexity = min(30.0, (len(features) - 1) / 3)
    if tsne_library() == "openTSNE":
        from openTSNE import TSNE as OpenTSNE

        found = OpenTSNE(perplexity=perplexity, random_state=seed).fit(points)
    else:
        from sklearn.manifold import TSNE

        method = TSNE(init="pca", random_state=seed, perplexity=perplexity, max_iter=500)
        found = method.fit_transform(points)
    return np.asarray(found, dtype=np.float32)


def tsne_library() -> str:
    """What `tsne` is computed with: openTSNE (Poličar et al. 2024), the faster, if it is here."""
    return "openTSNE" if find_spec("openTSNE") else "scikit-learn"


def domain_mixing(features: np.ndarray, domain: np.ndarray, neighbours: int = 10) -> float | None:
    """How mixed two domains (`domain` int [N] of 0 and 1) are among nearest neighbours.

    For each point, the share of the other domain among its neighbours in feature space, over the
    share that fully mixed domains would give; averaged within each domain, then over both. 0: the
    domains lie apart; 1: fully mixed. None for too few points, or of one domain none.
    """
    from sklearn.neighbors import NearestNeighbors

    sizes = np.bincount(domain, minlength=2)
    if len(features) <= neighbours or not sizes.all():
        return None
    search = NearestNeighbors(n_neighbors=neighbours).fit(features)
    nearest = search.kneighbors(return_distance=False)  # of the others: no point is its own
    other_share = (domain[nearest] != domain[:, None]).mean(1)
    ratios = [
        other_share[domain == side].mean() / (sizes[1 - side] / (len(domain) - 1))
        for side in (0, 1)
    ]
    return float(np.mean(ratios))


def proxy_a_distance(source: np.ndarray, target: np.ndarray, seed: int) -> float | None:
    """2 (1 - 2 error) of a linear classifier that tells source [N, F] from target features [M, F].

    Ben-David et al. 2007 ("Analysis of representations for domain adaptation", section 5); Ganin
    et al. 2016 (arXiv 1505.07818, section 5.1). 2: told apart without error; 0: not at all. As
    many points of either domain, at most `DISTANCE_POINTS`: a random half, by seed, trains the
    classifier, the other gives the error. None for fewer than two points a domain.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    count = min(len(source), len(target), DISTANCE_POINTS)
    if count < 2:
        return None
    # Drawn alike for both: were an image in both domains, both copies fall into the same half.
    sides = [f[np.random.default_rng(seed).permutation(len(f))[:count]] for f in (source, target)]
    half = count // 2
    points = np.concatenate([side[:half] for side in sides]).astype(np.float64)
    unseen = np.concatenate([side[half:] for side in sides]).astype(np.float64)
    # Strongly regularised, for there may be as many features as points.
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    classifier.fit(points, np.repeat([0, 1], half))
    error = 1 - classifier.score(unseen, np.repeat([0, 1], count - half))
    return float(2 * (1 - 2 * error))
