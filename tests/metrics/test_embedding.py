import numpy as np
import pytest

from sparring.metrics import embedding
from sparring.metrics.embedding import choose_per_class, domain_mixing, proxy_a_distance, tsne


def test_up_to_count_of_each_class_are_chosen() -> None:
    label = np.array([0] * 5 + [1] * 2 + [7] * 9)
    chosen = choose_per_class(label, 4, seed=0)
    assert np.bincount(label[chosen], minlength=8).tolist() == [4, 2, 0, 0, 0, 0, 0, 4]
    assert len(set(chosen.tolist())) == len(chosen)
    assert not np.array_equal(chosen, choose_per_class(label, 4, seed=1))


def test_mixing_is_zero_for_domains_apart_and_one_for_one_cloud() -> None:
    random = np.random.default_rng(0)
    points = random.normal(size=(900, 5))
    domain = np.arange(900) % 3 // 2  # 600 of one domain, 300 of the other
    assert domain_mixing(points, domain) == pytest.approx(1, abs=0.05)
    assert domain_mixing(points + 100 * domain[:, None], domain) == 0


def test_mixing_by_hand() -> None:
    # Two pairs far apart; in each, one point of each domain: the one neighbour is foreign.
    points = np.array([[0.0], [0.1], [9.0], [9.1]])
    domain = np.array([0, 1, 0, 1])
    assert domain_mixing(points, domain, neighbours=1) == pytest.approx(1 / (2 / 3))


def test_mixing_copes_with_duplicates() -> None:
    points, domain = np.zeros((40, 2)), np.arange(40) % 2
    assert 0 <= domain_mixing(points, domain) <= 2.1


@pytest.mark.parametrize("library", ["scikit-learn", "openTSNE"])
def test_tsne_separates_clusters_and_repeats(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if library == "openTSNE":
        pytest.importorskip("openTSNE")
    monkeypatch.setattr(embedding, "tsne_library", lambda: library)
    random = np.random.default_rng(0)
    features = random.normal(size=(80, 60)) + 20 * (np.arange(80) % 2)[:, None]
    picture = tsne(features, seed=0)
    assert picture is not None
    assert picture.shape == (80, 2)
    assert picture.dtype == np.float32
    assert domain_mixing(picture, np.arange(80) % 2) == 0
    assert np.array_equal(picture, tsne(features, seed=0))


def test_a_distance_is_two_for_domains_apart_and_zero_for_one_cloud() -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(600, 4)), random.normal(size=(500, 4))
    assert proxy_a_distance(left, right + 20, seed=0) == 2
    assert proxy_a_distance(left, right, seed=0) == pytest.approx(0, abs=0.25)
    assert proxy_a_distance(left, left, seed=0) == 0
    assert proxy_a_distance(left, right, seed=3) == proxy_a_distance(left, right, seed=3)


def test_a_distance_by_hand() -> None:
    # A fifth of either domain lies among the other: error 1/5, so 2 (1 - 2/5) = 1.2.
    share = (np.arange(2000) % 5 == 0).astype(float)[:, None]
    assert proxy_a_distance(share, 1 - share, seed=0) == pytest.approx(1.2, abs=0.1)


def test_too_few_points_give_no_number() -> None:
    few, many = np.zeros((1, 3)), np.zeros((9, 3))
    assert proxy_a_distance(few, many, seed=0) is None
    assert domain_mixing(np.zeros((10, 3)), np.arange(10) % 2) is None  # ten neighbours of nine
    assert domain_mixing(np.zeros((30, 3)), np.zeros(30, int)) is None
    assert tsne(np.zeros((3, 3)), seed=0) is None
