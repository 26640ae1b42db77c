import numpy as np
import pytest

from sparring.metrics.negative_transfer import alarm, class_overlap, overlap_lost
from sparring.metrics.outputs import Outputs, Predictions
from sparring.metrics.validators import DomainOutputs

CLASSES, COUNT = 5, 500
LABEL = np.arange(COUNT) % CLASSES


def logits(accuracy: float, seed: int) -> np.ndarray:
    """A classifier that is unsure exactly where it is wrong."""
    random = np.random.default_rng(seed)
    wrong = np.zeros(COUNT, dtype=bool)
    wrong[random.permutation(COUNT)[: round(COUNT * (1 - accuracy))]] = True
    sureness = np.where(wrong, random.uniform(0.5, 1, COUNT), random.uniform(4, 6, COUNT))
    return sureness[:, None] * np.eye(CLASSES)[(LABEL + wrong) % CLASSES]


def view(target: np.ndarray, source: np.ndarray | None = None) -> DomainOutputs:
    """A view with these logits, and features in a cluster for each true class."""
    feature = np.eye(CLASSES)[LABEL] + 0.01 * np.random.default_rng(5).normal(size=(COUNT, CLASSES))
    judged = Predictions(Outputs(feature, logits(0.96, 99) if source is None else source), LABEL)
    return DomainOutputs(judged, Outputs(feature, target))


TWIN = view(logits(0.7, 0))


def test_the_alarm_is_quiet_when_adaptation_helps() -> None:
    verdict = alarm(TWIN, view(logits(0.9, 1)))
    assert not verdict.rings
    assert verdict.estimated_twin == pytest.approx(0.7, abs=0.01)
    assert verdict.estimated_adapted == pytest.approx(0.9, abs=0.01)
    assert verdict.words == (
        "No sign of negative transfer: 0 of 3 label-free validators prefer the twin."
    )


def test_the_alarm_is_quiet_about_the_twin_itself() -> None:
    verdict = alarm(TWIN, TWIN)
    assert not verdict.rings
    assert set(verdict.changes.values()) == {0}
    assert verdict.disagreement == verdict.source_change == 0


def test_it_rings_for_less_confidence() -> None:
    verdict = alarm(TWIN, view(logits(0.5, 1)))
    assert verdict.rings
    assert "3 of 3" in verdict.words
    assert "Consider the twin" in verdict.words


def test_it_rings_for_collapse_to_one_sure_class() -> None:
    verdict = alarm(TWIN, view(9 * np.eye(CLASSES)[np.zeros(COUNT, dtype=int)]))
    assert verdict.rings
    assert max(verdict.changes.values()) < 0
    assert verdict.estimated_adapted > 0.9  # what ATC alone makes of it


def test_it_rings_for_swapped_classes_which_every_validator_prefers() -> None:
    verdict = alarm(TWIN, view(np.roll(logits(0.9, 1), 1, axis=1)))
    assert verdict.rings
    assert min(verdict.changes.values()) > 0
    # The twin errs on 30 %, so a classifier as good differs from it on 60 % at most.
    assert verdict.allowed == pytest.approx(0.6, abs=0.02)
    assert verdict.disagreement > 0.7
    assert f"differ on {verdict.disagreement:.0%}" in verdict.words


def test_it_rings_for_swapped_classes_on_both_domains() -> None:
    swapped = [np.roll(scores, 1, axis=1) for scores in (logits(0.9, 1), logits(0.96, 99))]
    verdict = alarm(TWIN, view(*swapped))
    assert verdict.rings
    assert verdict.source_change < -0.9


def test_a_weak_twin_has_no_say() -> None:
    # A twin that is right on 30 % is contradicted on most images by any better classifier.
    verdict = alarm(view(logits(0.3, 0)), view(logits(0.9, 1)))
    assert not verdict.rings
    assert verdict.disagreement > 0.6
    assert verdict.allowed > 1


def test_a_twin_that_knows_one_class_is_not_believed() -> None:
    # Sure of one class of five: ATC believes it, its class shares leave it at most 20 %.
    verdict = alarm(view(9 * np.eye(CLASSES)[np.zeros(COUNT, dtype=int)]), view(logits(0.9, 1)))
    assert not verdict.rings
    assert verdict.allowed == pytest.approx(1.6)


def test_class_overlap_by_hand() -> None:
    # Labels: a fifth each. Predicted: half class 0, half class 1, so 1/5 + 1/5 overlap.
    assert class_overlap(view(np.eye(CLASSES)[np.arange(COUNT) % 2])) == pytest.approx(0.4)


def predicting(counts: list[int]) -> DomainOutputs:
    """Sure of class k on the first images that no other class has, counts[k] of them."""
    return view(9 * np.eye(CLASSES)[np.repeat(np.arange(CLASSES), counts)])


def test_the_overlap_that_was_lost_by_hand() -> None:
    twin, adapted = predicting([100] * CLASSES), predicting([0, 0, 100, 200, 200])
    # Overlaps 1 and 3/5. No class of the twin's is below its share, two of adapted's are, and no
    # image is called one of those: the error is 0.
    assert overlap_lost(twin, adapted) == pytest.approx((0.4, 0))
    # Class 0 lacks 50 and has 50 images: each counts 1, all others 0. Their deviation is
    # sqrt(0.1 * 0.9) = 0.3, and that of their mean 0.3 / sqrt(500).
    assert overlap_lost(twin, predicting([50, 150, 100, 100, 100])) == pytest.approx(
        (0.1, 0.3 / np.sqrt(500))
    )


def test_it_rings_for_class_shares_that_left_the_sources() -> None:
    # The twin's answers, but sure of all, and half of what it called class 0 is called class 1.
    called = TWIN.target.predicted.copy()
    called[np.flatnonzero(called == 0)[::2]] = 1
    answers = 9 * np.eye(CLASSES)[called]
    verdict = alarm(TWIN, view(answers))
    assert verdict.overlap_lost == pytest.approx(0.092)
    assert ";" not in verdict.words  # neither the validators nor the disagreement see it
    assert "9 points further from the source's shares" in verdict.words


def test_class_shares_within_their_noise_do_not_ring() -> None:
    # 3 of 500 images moved from class 0 to class 1: lost 0.006; error 0.397 / sqrt(500) = 0.018.
    moved = predicting([97, 103, 100, 100, 100])
    verdict = alarm(predicting([100] * CLASSES), moved)
    assert verdict.overlap_lost == pytest.approx(0.006)
    assert verdict.overlap_error == pytest.approx(np.sqrt(0.194 * 0.806 / 500))
    assert "further" not in verdict.words
