import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from sparring.metrics.calibration import (
    Bin,
    calibration_error,
    estimate_accuracy,
    fit_temperature,
    reliability,
    risk_coverage,
    temperature_for,
    thresholded,
)


def two_class(confidence: list[float]) -> np.ndarray:
    """Logits [N, 2] that give class 0 these probabilities."""
    chance = np.array(confidence)
    return np.log(np.stack([chance, 1 - chance], axis=1))


def test_calibration_error_by_hand() -> None:
    # Bins of 1/15: 0.61 and 0.65 share [9/15, 10/15); 0.95 is in [14/15, 1]; so is 0.99.
    # |1/2 - 0.63| x 2/4 + |1/2 - 0.97| x 2/4 = 0.30.
    logits, label = two_class([0.61, 0.65, 0.95, 0.99]), np.array([0, 1, 0, 1])
    assert calibration_error(logits, label) == pytest.approx(0.3, abs=1e-6)


def test_a_confidence_of_one_is_in_the_last_bin() -> None:
    # Right at 0.96, wrong at 1: in one bin |1/2 - 0.98| = 0.48; in two it would be 0.52.
    logits = np.concatenate([two_class([0.96]), [[90.0, 0.0]]])
    assert calibration_error(logits, np.array([0, 1])) == pytest.approx(0.48, abs=1e-6)


def test_reliability_by_hand() -> None:
    curve = reliability(np.array([0.61, 0.65, 0.96, 1.0]), np.array([True, False, True, True]))
    assert curve == (
        Bin(pytest.approx(9 / 15), pytest.approx(10 / 15), pytest.approx(0.63), 0.5, 2),
        Bin(pytest.approx(14 / 15), 1.0, pytest.approx(0.98), 1.0, 2),
    )


@given(st.integers(0, 2**32 - 1))
def test_calibration_error_is_the_curves_mean_distance(seed: int) -> None:
    random = np.random.default_rng(seed)
    logits, label = 3 * random.normal(size=(50, 5)), random.integers(0, 5, 50)
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    curve = reliability(chance.max(1), chance.argmax(1) == label)
    distance = sum(abs(point.accuracy - point.confidence) * point.count / 50 for point in curve)
    assert calibration_error(logits, label) == pytest.approx(distance, abs=1e-6)


@pytest.mark.parametrize("factor", [0.2, 1.0, 4.0])
def test_a_known_temperature_is_recovered(factor: float) -> None:
    # 3 of 4 right at odds of 3 : 1 is perfectly calibrated; then the logits are blown up.
    logits, label = two_class([0.75] * 400), np.arange(400) % 4 // 3
    assert fit_temperature(factor * logits, label) == pytest.approx(factor, rel=1e-3)


def test_no_mistake_calls_for_the_lowest_temperature() -> None:
    assert fit_temperature(two_class([0.6, 0.7]), np.array([0, 0])) < 0.02


def test_the_mean_confidence_at_a_temperature_is_the_accuracy() -> None:
    # Odds of 9 to 1 become 3 to 1 at the temperature 2.
    logits = two_class([0.9] * 5)
    assert temperature_for(logits, 0.75) == pytest.approx(2)
    mixed = two_class([0.9, 0.99, 0.6])
    chance = softmax(mixed / temperature_for(mixed, 0.7), axis=1)
    assert chance.max(1).mean() == pytest.approx(0.7)
    assert temperature_for(logits, 0.95) == 1  # never surer than the network itself
    assert temperature_for(logits, 0.2) == 100  # below chance


def test_risk_coverage_by_hand() -> None:
    confidence, correct = np.array([0.5, 0.9, 0.7, 0.8]), np.array([False, True, True, False])
    coverage, risk = risk_coverage(confidence, correct)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])


def test_confidence_without_information_gives_a_flat_curve() -> None:
    _, risk = risk_coverage(np.full(4, 0.5), np.array([True, False, False, False]))
    assert risk == pytest.approx([0.75] * 4)


@given(st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.9]), st.booleans()), min_size=1, max_size=9))
def test_the_curve_does_not_depend_on_the_order(pairs: list[tuple[float, bool]]) -> None:
    risks = [
        risk_coverage(np.array([c for c, _ in order]), np.array([r for _, r in order]))[1]
        for order in (pairs, pairs[::-1], sorted(pairs))
    ]
    assert risks[0] == pytest.approx(risks[1])
    assert risks[0] == pytest.approx(risks[2])
    assert risks[0][-1] == pytest.approx(np.mean([not right for _, right in pairs]))


def test_thresholded_confidence_by_hand() -> None:
    # Two of five source images are wrong, so the threshold is the third lowest score, 0.8:
    # of the target's confidences 0.95, 0.85, 0.7 and 0.55, half are not below it.
    source, label = two_class([0.6, 0.7, 0.8, 0.9, 0.95]), np.array([1, 0, 0, 1, 0])
    assert thresholded(source, label, two_class([0.95, 0.85, 0.7, 0.55])) == (0.5, 0.5)


def test_the_two_scores_are_not_the_same_with_three_classes() -> None:
    # Six of ten images of (0.6, 0.2, 0.2) are right: calibrated, so the temperature is 1, and the
    # threshold is their confidence 0.6, their entropy 0.95. The target's have 0.55, and 0.70.
    source, label = np.log([[0.6, 0.2, 0.2]] * 10), np.array([0] * 6 + [1] * 2 + [2] * 2)
    assert thresholded(source, label, np.log([[0.55, 0.449, 0.001]])) == (1, 0)


def test_mean_confidence_is_calibrated_first_on_what_it_is_named_after() -> None:
    # As they are, three of four are right; augmented, three of five: of the same confidence.
    source = 4 * two_class([0.75] * 400), np.arange(400) % 4 // 3
    augmented = 2 * two_class([0.6] * 400), np.arange(400) % 5 // 3
    target = two_class([0.6, 0.9])
    found = estimate_accuracy(source, augmented, 4 * target)
    assert found.average_confidence == pytest.approx(0.75, abs=1e-3)
    half = estimate_accuracy(source, augmented, 2 * target)
    assert half.augmented_confidence == pytest.approx(0.75, abs=1e-3)
    assert (found.thresholded_entropy, found.thresholded_confidence) == thresholded(
        *source, 4 * target
    )


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_the_sources_own_accuracy_comes_out(seed: int, ties: bool) -> None:
    random = np.random.default_rng(seed)
    logits = random.integers(0, 2, (30, 4)) * 1.0 if ties else random.normal(size=(30, 4))
    label = random.integers(0, 4, 30)
    accuracy = (logits.argmax(1) == label).mean()
    assert thresholded(logits, label, logits) == pytest.approx((accuracy, accuracy))


def test_a_source_that_is_all_wrong_promises_nothing() -> None:
    logits = two_class([0.9, 0.8])
    assert thresholded(logits, np.array([1, 1]), logits) == (0, 0)
