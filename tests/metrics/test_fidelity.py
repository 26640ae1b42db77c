import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sparring.metrics.extractor import Extractor, features_of
from sparring.metrics.fidelity import (
    FEWEST,
    Fidelity,
    ReferenceFeatures,
    bias_note,
    blurred,
    fidelity,
    frechet_distance,
    frechet_name,
    kernel_distance,
    manifold,
    noised,
    shuffled,
)

POINT = torch.zeros(1, 3, 21, 21, dtype=torch.uint8)
POINT[..., 10, 10] = 255


def normal(count: int, seed: int, shift: float = 0.0, features: int = 4) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(count, features)) + shift).astype(np.float32)


def test_frechet_distance_by_hand() -> None:
    # Means 0 and 4, variances 2 and 8: 4² + (√2 - √8)² = 18.
    assert frechet_distance(np.array([[-1.0], [1.0]]), np.array([[2.0], [6.0]])) == pytest.approx(
        18
    )


def test_frechet_distance_by_hand_of_two_features() -> None:
    # Covariances diag(4/3, 4/3) and diag(12, 4/3), means apart by (3, 0): 9 + (√12 - √(4/3))².
    corners = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    wide = corners * [3, 1] + [3, 0]
    assert frechet_distance(corners, wide) == pytest.approx(9 + (12**0.5 - (4 / 3) ** 0.5) ** 2)


@given(st.floats(-50, 50), st.integers(0, 9))
def test_frechet_distance_of_a_moved_set_is_the_way_squared(way: float, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(12, 3))
    moved = points + np.array([way, 0, 0])
    assert frechet_distance(points, moved) == pytest.approx(way**2, abs=1e-6)
    assert frechet_distance(moved, points) == pytest.approx(way**2, abs=1e-6)


def test_frechet_distance_copes_with_fewer_images_than_features() -> None:
    few = normal(10, 0, features=30)
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-5)


def test_kernel_distance_by_hand() -> None:
    # Every kernel among zeros is 1, among ones (1 + 1)³ = 8, across 1: 1 + 8 - 2 = 7.
    found = kernel_distance(np.zeros((FEWEST, 1)), np.ones((FEWEST, 1)))
    assert (found.value, found.low, found.high, found.n) == pytest.approx((7, 7, 7, 10))


def test_kernel_distance_is_the_mean_of_its_unbiased_blocks() -> None:
    real, drawn = normal(45, 0), normal(40, 1, shift=0.3)
    random = np.random.default_rng(0)
    ours, theirs = random.permutation(45)[:40], random.permutation(40)

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (float(x.astype(float) @ y.astype(float)) / 4 + 1) ** 3

    values = []
    for block in range(10):
        x = real[ours[4 * block : 4 * block + 4]]
        y = drawn[theirs[4 * block : 4 * block + 4]]
        pairs = [(i, j) for i in range(4) for j in range(4)]
        within = sum(kernel(x[i], x[j]) + kernel(y[i], y[j]) for i, j in pairs if i != j) / 12
        values.append(within - 2 * sum(kernel(x[i], y[j]) for i, j in pairs) / 16)
    found = kernel_distance(real, drawn)
    assert found.value == pytest.approx(np.mean(values))
    assert found.low < found.value < found.high


def test_kernel_distance_is_unbiased_and_its_interval_holds_zero_for_one_distribution() -> None:
    found = [kernel_distance(normal(200, 2 * s), normal(200, 2 * s + 1)) for s in range(20)]
    assert sum(f.low <= 0 <= f.high for f in found) >= 17
    assert min(f.value for f in found) < 0
    assert kernel_distance(normal(200, 0), normal(200, 1, shift=0.5)).low > 0


def test_kernel_distance_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    kernel_distance(normal(30, 0), normal(30, 1))
    assert torch.rand(1) == expected


def test_manifold_by_hand() -> None:
    # Balls: real 0 ± 1, 1 ± 1, 3 ± 2; drawn 0.5 ± 9.5, 10 ± 0.5, 10.5 ± 0.5.
    found = manifold(np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [10.0], [10.5]]), 1)
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == 1
    assert found.density == pytest.approx(2 / 3)
    assert found.coverage == pytest.approx(2 / 3)


def test_manifold_of_a_collapsed_generator() -> None:
    real = normal(100, 0)
    found = manifold(real, np.repeat(real[:1], 100, 0))
    assert found.precision == 1
    assert found.recall == 0
    assert found.coverage <= 0.3


def test_manifold_of_one_distribution() -> None:
    found = manifold(normal(400, 0), normal(400, 1))
    assert found.precision > 0.9
    assert found.recall > 0.9
    assert found.density == pytest.approx(1, abs=0.15)
    # Naeem et al. 2020, equation 9: 1 - (n-1)...(n-k) / ((2n-1)...(2n-k)), about 1 - 2^-5.
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.03)


def test_only_inception_is_called_fid() -> None:
    assert frechet_name("inception-v3") == "FID (inception-v3)"
    assert frechet_name("convnet-attributes") == "Fréchet distance (convnet-attributes)"


@pytest.mark.parametrize(("n", "told"), [(20, True), (5000, True), (9999, True), (10_000, False)])
def test_few_images_are_said_to_bias_the_frechet_distance(n: int, told: bool) -> None:
    note = bias_note(n)
    assert (note is not None) == told
    assert note is None or ("biased upwards" in note and f"n = {n:,}" in note)


def test_few_images_do_bias_it() -> None:
    few = [frechet_distance(normal(50, s), normal(50, s + 99)) for s in range(20)]
    many = [frechet_distance(normal(2000, s), normal(2000, s + 99)) for s in range(3)]
    assert min(few) > max(many) > 0


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("real", "drawn", "features"), [(300, 200, 8), (24, 20, 40)])
def test_the_frechet_distance_is_that_of_torchmetrics(real: int, drawn: int, features: int) -> None:
    torchmetrics = pytest.importorskip("torchmetrics.image.fid")

    class Given(torch.nn.Identity):
        num_features = features

    metric = torchmetrics.FrechetInceptionDistance(Given())
    left, right = normal(real, 0, features=features), normal(drawn, 1, 0.4, features)
    metric.update(torch.from_numpy(left).double(), real=True)
    metric.update(torch.from_numpy(right).double(), real=False)
    assert frechet_distance(left, right) == pytest.approx(float(metric.compute()), rel=1e-5)


def test_all_scores_together() -> None:
    found = fidelity("net", normal(30, 0), normal(40, 1))
    assert (found.n_real, found.n_drawn, found.manifold.neighbours) == (30, 40, 5)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Fidelity) == found


def noise(count: int, seed: int, size: int = 8) -> Tensor:
    own = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, size, size), generator=own, dtype=torch.uint8)


def test_blur_by_hand() -> None:
    # The sampled Gaussian of sigma 1.5, cut at 4 pixels, sums to 3.7546: the peak is 255 / 3.7546².
    image = blurred(POINT)
    assert image.dtype == torch.uint8
    assert image[0, 0, 10, 10] == round(255 / 3.7546**2)
    assert image[0, 0, 10, 8] == round(255 / 3.7546**2 * 2.718281828 ** (-0.5 * (2 / 1.5) ** 2))
    assert torch.equal(image, image.transpose(2, 3))
    assert (blurred(torch.full((1, 3, 9, 9), 77, dtype=torch.uint8)) == 77).all()


def test_noise_has_its_sd_and_repeats() -> None:
    grey = torch.full((4, 3, 64, 64), 128, dtype=torch.uint8)
    change = noised(grey).float() - 128
    assert change.std() == pytest.approx(25, rel=0.02)
    assert change.mean() == pytest.approx(0, abs=0.5)
    assert torch.equal(noised(grey), noised(grey))
    # No wrapping round at either end.
    assert noised(torch.full_like(grey, 255)).min() > 100


def test_shuffling_keeps_each_images_own_pixels() -> None:
    images = noise(3, 0)
    images[2] = images[1]
    mixed = shuffled(images)
    assert not torch.equal(mixed[2], mixed[1])  # every image has an order of its own

    def coded(image: Tensor) -> Tensor:
        weights = torch.tensor([1, 256, 65536])[None, :, None]
        return (image.flatten(2).long() * weights).sum(1)

    assert torch.equal(coded(mixed).sort().values, coded(images).sort().values)
    assert not torch.equal(coded(mixed), coded(images))


class Shade(Extractor):
    """An 'extractor' of two features: mean brightness and contrast."""

    def features(self, pixels: Tensor) -> Tensor:
        flat = pixels.flatten(1).float() / 255
        return torch.stack([flat.mean(1), flat.std(1)], 1)


SHADE = Shade("shade", ("one",), "classes", width=1)


def test_every_row_compares_equally_many_and_stands_in_order() -> None:
    train, test = noise(300, 0), noise(100, 1)
    reference = ReferenceFeatures.of(SHADE, train, test, count=60)
    assert list(reference.calibration) == [
        "real test images",
        "blurred",
        "noised",
        "shuffled pixels",
    ]
    score = reference.score(reference.features(noise(90, 3) // 2))
    assert {
        (r.n_real, r.n_drawn, r.extractor) for r in (score, *reference.calibration.values())
    } == {(60, 60, "shade")}
    floor = reference.calibration["real test images"].frechet
    assert floor < reference.calibration["blurred"].frechet
    assert floor < score.frechet
    # This extractor is blind to the places of pixels, and the row says so.
    assert reference.calibration["shuffled pixels"].frechet == pytest.approx(floor, abs=1e-6)
    assert np.array_equal(reference.real, features_of(SHADE, train[reference.chosen]))
    assert np.array_equal(reference.unseen, features_of(SHADE, test[reference.held_out]))
    assert len(set(reference.held_out.tolist())) == 60


def test_the_floor_is_of_all_classes_where_a_set_lies_by_class() -> None:
    """It was of the first test images, which of class folders are the first classes."""
    dark, bright = noise(150, 0) // 4, 255 - noise(150, 1) // 4
    train, test = torch.cat([dark, bright]), torch.cat([dark[:60] + 1, bright[:60] - 1])
    reference = ReferenceFeatures.of(SHADE, train, test, count=60)
    # Of the dark ones alone it is 0.27.
    assert reference.calibration["real test images"].frechet < 0.02


def test_no_set_is_asked_for_more_than_it_has() -> None:
    assert len(ReferenceFeatures.of(SHADE, noise(300, 0), noise(30, 1), count=60).real) == 30
