import numpy as np
import pytest

from sparring.measure.outputs import Outputs, Predictions
from sparring.measure.transfer import alarm, class_overlap
from sparring.measure.validators import MEMBERS, View

CLASSES, COUNT = 5, 500
LABEL = np.arange(COUNT) % CLASSES


def logits(accuracy: float, seed: int) -> np.ndarray:
    """A classifier that is unsure exactly where it is wrong."""
    random = np.random.default_rng(seed)
    wrong = np.zeros(COUNT, dtype=bool)
    wrong[random.permutation(COUNT)[: round(COUNT * (1 - accuracy))]] = True
    sureness = np.where(wrong, random.uniform(0.5, 1, COUNT), random.uniform(4, 6, COUNT))
    return sureness[:, None] * np.eye(CLASSES)[(LABEL + wrong) % CLASSES]


def view(target: np.ndarray, source: np.ndarray | None = None) -> View:
    """A view with these logits, and features in a cluster for each true class."""
    feature = np.eye(CLASSES)[LABEL] + 0.01 * np.random.default_rng(5).normal(size=(COUNT, CLASSES))
    judged = Predictions(Outputs(feature, logits(0.96, 99) if source is None else source), LABEL)
    return View(judged, Outputs(feature, target))


TWIN = view(logits(0.7, 0))


def test_the_alarm_is_quiet_when_adaptation_helps() -> None:
    verdict = alarm(TWIN, view(logits(0.9, 1)))
    assert not verdict.worse
    assert verdict.against == ()
    assert verdict.twin == pytest.approx(0.7, abs=0.01)
    assert verdict.adapted == pytest.approx(0.9, abs=0.01)
    assert verdict.words == (
        "No sign of negative transfer: 0 of 3 label-free validators prefer the twin."
    )


def test_the_alarm_is_quiet_about_the_twin_itself() -> None:
    verdict = alarm(TWIN, TWIN)
    assert not verdict.worse
    assert set(verdict.changes.values()) == {0}
    assert verdict.disagreement == verdict.source_change == 0


def test_it_rings_for_less_confidence() -> None:
    verdict = alarm(TWIN, view(logits(0.5, 1)))
    assert verdict.worse
    assert verdict.against == MEMBERS
    assert "3 of 3" in verdict.words
    assert "Consider the twin" in verdict.words


def test_it_rings_for_collapse_to_one_sure_class() -> None:
    verdict = alarm(TWIN, view(9 * np.eye(CLASSES)[np.zeros(COUNT, dtype=int)]))
    assert verdict.worse
    assert verdict.against == MEMBERS
    assert verdict.adapted > 0.9  # what ATC alone makes of it


def test_it_rings_for_swapped_classes_which_every_validator_prefers() -> None:
    verdict = alarm(TWIN, view(np.roll(logits(0.9, 1), 1, axis=1)))
    assert verdict.worse
    assert verdict.against == ()
    # The twin errs on 30 %, so a classifier as good differs from it on 60 % at most.
    assert verdict.allowed == pytest.approx(0.6, abs=0.02)
    assert verdict.disagreement > 0.7
    assert f"differ on {verdict.disagreement:.0%}" in verdict.words


def test_it_rings_for_swapped_classes_on_both_domains() -> None:
    swapped = [np.roll(scores, 1, axis=1) for scores in (logits(0.9, 1), logits(0.96, 99))]
    verdict = alarm(TWIN, view(*swapped))
    assert verdict.worse
    assert verdict.source_change < -0.9


def test_a_weak_twin_has_no_say() -> None:
    # A twin that is right on 30 % is contradicted on most images by any better classifier.
    verdict = alarm(view(logits(0.3, 0)), view(logits(0.9, 1)))
    assert not verdict.worse
    assert verdict.disagreement > 0.6
    assert verdict.allowed > 1


def test_a_twin_that_knows_one_class_is_not_believed() -> None:
    # Sure of one class of five: ATC believes it, its class shares leave it at most 20 %.
    verdict = alarm(view(9 * np.eye(CLASSES)[np.zeros(COUNT, dtype=int)]), view(logits(0.9, 1)))
    assert not verdict.worse
    assert verdict.allowed == pytest.approx(1.6)


def test_class_overlap_by_hand() -> None:
    # Labels: a fifth each. Predicted: half class 0, half class 1, so 1/5 + 1/5 overlap.
    assert class_overlap(view(np.eye(CLASSES)[np.arange(COUNT) % 2])) == pytest.approx(0.4)


def test_twins_see_the_same_images() -> None:
    fewer = View(TWIN.source, Outputs(np.zeros((3, 1)), np.zeros((3, CLASSES))))
    with pytest.raises(ValueError, match="same target images"):
        alarm(TWIN, fewer)
