import numpy as np
import pytest
import torch

from sparring.game import Shape
from sparring.methods import DANN
from sparring.metrics.outputs import (
    Outputs,
    Predictions,
    fixed_and_broken,
    predict,
    predict_labelled,
)
from tests.conftest import CPU, digits


def predictions(predicted: list[int], label: list[int], classes: int = 3) -> Predictions:
    logits = np.eye(classes, dtype=np.float32)[predicted]
    return Predictions(Outputs(np.zeros((len(predicted), 1)), logits), np.array(label))


def test_accuracy_and_confusion_by_hand() -> None:
    judged = predictions([0, 1, 1, 2], [0, 1, 2, 2])
    assert judged.accuracy == 0.75
    assert judged.correct.tolist() == [True, True, False, True]
    assert judged.confusion(3) == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]


def test_probabilities_by_hand() -> None:
    # Odds of 1 : 3 and of 1 : 1; a shift of a row's logits changes nothing.
    outputs = Outputs(np.zeros((2, 1)), np.array([[0, np.log(3)], [700, 700]], dtype=np.float32))
    assert outputs.probability == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]), abs=1e-7)
    assert outputs.confidence == pytest.approx([0.75, 0.5], abs=1e-7)
    assert outputs.predicted.tolist() == [1, 0]


def test_fixed_and_broken_by_hand() -> None:
    label, before, after = map(
        np.array, ([0, 1, 0, 1, 0, 0], [0, 0, 0, 1, 2, 2], [0, 1, 1, 2, 1, 0])
    )
    fixed, broken = fixed_and_broken(label, before, after, seed=0)
    assert sorted(fixed.tolist()) == [1, 5]
    assert sorted(broken.tolist()) == [2, 3]


def test_the_order_of_the_fixed_is_random_and_repeats() -> None:
    label, before = np.ones(99, int), np.zeros(99, int)
    found = [fixed_and_broken(label, before, label, seed)[0].tolist() for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert sorted(found[0]) == list(range(99)) != found[0]


@pytest.fixture(scope="module")
def method() -> DANN:
    torch.manual_seed(0)
    built = DANN()
    built.build(Shape(32, tuple("0123456789")))
    return built


def test_predictions_do_not_depend_on_the_batch(method: DANN) -> None:
    images = digits(12, 0)
    whole = predict(method, images, CPU)
    parts = predict(method, images, CPU, batch_size=5)
    assert whole.features.shape == (12, 512)
    assert whole.logits.shape == (12, 10)
    assert whole.logits.dtype == whole.features.dtype == np.float32
    assert np.allclose(whole.features, parts.features, atol=1e-4)
    assert np.allclose(whole.logits, parts.logits, atol=1e-4)
    assert np.array_equal(predict_labelled(method, images, CPU).label, images.labels)


def test_labels_play_no_part_in_the_outputs(method: DANN) -> None:
    images = digits(6, 0)
    with_labels, without = predict(method, images, CPU), predict(method, images.unlabelled(), CPU)
    assert np.array_equal(with_labels.logits, without.logits)
    assert not hasattr(without, "label")


def test_unlabelled_images_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="labelled"):
        predict_labelled(DANN(), digits(2, 0).unlabelled(), CPU)
