"""Frozen features: the closed form, by numbers."""

import numpy as np
import pytest

from sparring import frozen
from sparring.frozen import Fitted, Scale, coral, fit, surest
from sparring.metrics.calibration import fit_temperature

CLASSES = 3


def shifted(count: int = 300, features: int = 6, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Source and target features with their labels.

    The target's are the source's, turned, stretched and moved: what alignment by mean, deviation
    and correlations undoes, as far as the classes lie alike.
    """
    random = np.random.default_rng(seed)
    centres = random.normal(size=(CLASSES, features)) * 2
    label, other = (np.arange(count) % CLASSES for _ in range(2))
    noise = random.normal(size=(2, count, features)) @ np.diag(np.linspace(0.3, 1.5, features))
    source, target = centres[label] + noise[0], centres[other] + noise[1]
    mixed = np.eye(features) + 0.8 * random.normal(size=(features, features))
    return source, label, target @ mixed * 3 + 10, other


def accuracy(fitted: Fitted, features: np.ndarray, label: np.ndarray) -> float:
    return float((fitted.on_target(features).predicted == label).mean())


def test_alignment_helps_where_correlations_and_scales_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: dict[str, list[float]] = {"plain": [], "scaled": [], "coral": [], "full": []}
    for seed in range(8):
        source, label, target, truth = shifted(seed=seed)
        train, held = slice(0, 240), slice(240, 300)
        given = source[train], label[train], (source[held], label[held])
        found["plain"].append(accuracy(fit(*given, None, CLASSES), target, truth))
        found["full"].append(accuracy(fit(*given, target, CLASSES), target, truth))
        with monkeypatch.context() as patch:
            patch.setattr(frozen, "SHARES", ())
            found["coral"].append(accuracy(fit(*given, target, CLASSES), target, truth))
            patch.setattr(frozen, "coral", lambda source, target: np.eye(source.shape[1]))
            found["scaled"].append(accuracy(fit(*given, target, CLASSES), target, truth))
    plain, scaled, aligned, full = (float(np.mean(found[name])) for name in found)
    assert plain < 0.6
    assert scaled > plain + 0.15
    assert aligned > scaled + 0.01
    assert full > aligned + 0.02


def test_coral_gives_the_source_the_targets_covariance() -> None:
    random = np.random.default_rng(0)
    source, target = (random.normal(size=(400, 4)) @ random.normal(size=(4, 4)) for _ in range(2))
    source, target = (100 * (x - x.mean(0)) for x in (source, target))  # so that 1 is nothing
    moved = source @ coral(source, target)
    assert np.allclose(np.cov(moved.T), np.cov(target.T), rtol=0.02, atol=20)
    assert not np.allclose(np.cov(source.T), np.cov(target.T), rtol=0.1, atol=1000)
    # By hand: variances 3 and 8, each plus 1, so the factor is sqrt(9 / 4).
    ones = np.array([[1.0], [-1.0]])
    assert coral(np.sqrt(3) * ones, np.sqrt(8) * ones) == pytest.approx(np.array([[1.5]]))


def test_the_surest_of_each_class_are_taken() -> None:
    first = np.array([0.9, 0.6, 0.8, 0.7, 0.4, 0.1])
    chance = np.stack([first, 1 - first, np.zeros(6)], 1)
    assert surest(chance, 0.5).tolist() == [0, 2, 5]  # of four called 0, and of two called 1
    assert surest(chance, 0.01).tolist() == [0, 5]
    assert surest(chance, 1.0).tolist() == [0, 1, 2, 3, 4, 5]


def test_scales_leave_constant_features_alone() -> None:
    features = np.array([[1, 5], [3, 5]], np.float32)
    assert Scale.of(features)(features).tolist() == [[-1, 0], [1, 0]]


def test_without_a_target_both_domains_are_treated_alike() -> None:
    source, label, target, _ = shifted()
    plain = fit(source[:240], label[:240], (source[240:], label[240:]), None, CLASSES)
    assert np.array_equal(plain.on_source(target).logits, plain.on_target(target).logits)
    carried = fit(source[:240], label[:240], (source[240:], label[240:]), target, CLASSES)
    assert not np.allclose(carried.on_source(target).logits, carried.on_target(target).logits)
    assert carried.on_target(target).features.mean(0) == pytest.approx(np.zeros(6), abs=1e-5)


@pytest.mark.parametrize("target", [None, "shifted"])
def test_confidence_is_calibrated_on_the_held_out_source(target: str | None) -> None:
    source, label, other, _ = shifted(600, seed=3)
    label = np.where(np.random.default_rng(0).random(600) < 0.3, (label + 1) % CLASSES, label)
    held = source[300:], label[300:]
    fitted = fit(source[:300], label[:300], held, None if target is None else other, CLASSES)
    found = fitted.on_source(held[0])
    assert fit_temperature(found.logits, held[1]) == pytest.approx(1, rel=0.01)
    if target is None:
        right = (found.predicted == held[1]).mean()
        assert 0.6 < right < 0.8  # three in ten labels are wrong
        assert found.confidence.mean() == pytest.approx(right, abs=0.05)


def test_few_images_and_no_mistake_do_not_make_certain() -> None:
    source, label, _, _ = shifted(30)
    fitted = fit(source[:24] * 9, label[:24], (source[24:] * 9, label[24:]), None, CLASSES)
    found = fitted.on_source(source[24:] * 9)
    assert (found.predicted == label[24:]).all()
    assert 0.6 < found.confidence.mean() < 0.95  # one wrong in seven, as if


@pytest.mark.parametrize("classes", [2, 4])
def test_two_classes_and_classes_without_images(classes: int) -> None:
    source, label, target, _ = shifted()
    two = label < 2
    given = source[two], label[two], (source[two], label[two])
    fitted = fit(*given, target, classes)
    assert fitted.weight.shape == (classes, 6)
    found = fitted.on_source(source[two])
    assert (found.predicted == label[two]).mean() > 0.9
    assert found.probability[:, 2:].sum(1).max(initial=0) < 1e-3  # never seen, never called


def test_a_test_image_of_a_class_that_was_not_learned_makes_no_other_one_unsure() -> None:
    source, label, target, _ = shifted(600, seed=3)
    given = source[:480], label[:480]
    plain = fit(*given, (source[480:], label[480:]), target, CLASSES + 1)
    truth = np.append(label[480:-1], CLASSES)
    fitted = fit(*given, (source[480:], truth), target, CLASSES + 1)
    sure = [found.on_target(target).confidence.mean() for found in (plain, fitted)]
    assert sure == pytest.approx([0.98, 0.98], abs=0.01)
    # Nor is one who fits a temperature by the same images misled.
    assert 0.5 < fit_temperature(fitted.on_source(source[480:]).logits, truth) < 2
