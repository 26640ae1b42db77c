"""A picture of feature space (t-SNE), and how far two domains lie apart in it.

Domain mixing asks nearest neighbours, proxy A-distance asks a linear classifier.
"""

from importlib.util import find_spec

import numpy as np

DISTANCE_POINTS = 2000  # of each domain, at most, in `proxy_a_distance`
FEWEST_SHOWN = 4  # points that a t-SNE map is made of


def choose_per_class(label: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of up to `count` random examples of each class in `label` (int [N]), sorted."""
    random = np.random.default_rng(seed)
    chosen = [
        random.permutation(np.flatnonzero(label == value))[:count] for value in np.unique(label)
    ]
    return np.sort(np.concatenate(chosen))


def tsne(features: np.ndarray, seed: int) -> np.ndarray | None:
    """t-SNE (van der Maaten & Hinton 2008) of features [N, F], on at most 50 principal components.

    By openTSNE (Poličar et al. 2024) where it is installed, else by scikit-learn. Returns float32
    [N, 2], or None for fewer than FEWEST_SHOWN points. Deterministic by seed.
    """
    from sklearn.decomposition import PCA  # takes a second to import, as does all of sklearn

    if len(features) < FEWEST_SHOWN:
        return None
    reduced = features
    if features.shape[1] > 50 and len(features) > 50:
        reduced = PCA(50, random_state=seed).fit_transform(features)
    perplexity = min(30.0, (len(features) - 1) / 3)
    embed = _by_opentsne if tsne_library() == "openTSNE" else _by_sklearn
    return embed(reduced, perplexity, seed).astype(np.float32)


def tsne_library() -> str:
    """What `tsne` is computed with here: "openTSNE", which is faster, or "scikit-learn"."""
    return "openTSNE" if find_spec("openTSNE") else "scikit-learn"


def _by_opentsne(points: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    from openTSNE import TSNE as OpenTSNE

    found: np.ndarray = OpenTSNE(perplexity=perplexity, random_state=seed).fit(points)
    return np.asarray(found)


def _by_sklearn(points: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    method = TSNE(init="pca", random_state=seed, perplexity=perplexity, max_iter=500)
    found: np.ndarray = method.fit_transform(points)
    return found


def domain_mixing(features: np.ndarray, domain: np.ndarray, neighbours: int = 10) -> float | None:
    """How mixed two domains (`domain` int [N] of 0 and 1) are among nearest neighbours.

    For each point, the share of the other domain among its nearest neighbours in feature space,
    over the share that fully mixed domains would give; averaged within each domain, then over
    both. 0: the domains lie apart; 1: fully mixed. None where there are not enough points for so
    many neighbours, or of one domain none.
    """
    from sklearn.neighbors import NearestNeighbors

    sizes = np.bincount(domain, minlength=2)
    if len(features) <= neighbours or not sizes.all():
        return None
    search = NearestNeighbors(n_neighbors=neighbours + 1).fit(features)
    nearest = search.kneighbors(features, return_distance=False)
    itself = nearest == np.arange(len(features))[:, None]
    # A duplicate point can push the point itself out of its own list; then drop the farthest.
    itself[~itself.any(1), -1] = True
    others = nearest[~itself].reshape(len(features), neighbours)
    other_share = (domain[others] != domain[:, None]).mean(1)
    ratios = [
        other_share[domain == side].mean() / (sizes[1 - side] / (len(domain) - 1))
        for side in (0, 1)
    ]
    return float(np.mean(ratios))


def proxy_a_distance(source: np.ndarray, target: np.ndarray, seed: int) -> float | None:
    """2 (1 - 2 error) of a linear classifier that tells source [N, F] from target features [M, F].

    Ben-David et al. 2007 ("Analysis of representations for domain adaptation", section 5); Ganin
    et al. 2016 (arXiv 1505.07818, section 5.1). 2: told apart without error; 0: not at all; a
    little below 0 by chance. As many points of either domain, at most `DISTANCE_POINTS`; a random
    half trains the classifier, the other half gives the error. Deterministic by seed. None for
    fewer than two points a domain.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    count = min(len(source), len(target), DISTANCE_POINTS)
    if count < 2:
        return None
    # Drawn alike for both: were an image in both domains, both copies fall into the same half.
    chosen = [np.random.default_rng(seed).permutation(len(f))[:count] for f in (source, target)]
    (points, domain), (unseen, truth) = (
        (
            np.concatenate([source[chosen[0][half]], target[chosen[1][half]]]).astype(np.float64),
            np.repeat([0, 1], len(chosen[0][half])),
        )
        for half in (slice(count // 2), slice(count // 2, None))
    )
    # Strongly regularised, for there may be as many features as points.
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    error = 1 - classifier.fit(points, domain).score(unseen, truth)
    return float(2 * (1 - 2 * error))
