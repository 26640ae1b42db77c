import numpy as np
import pytest
import torch

from sparring.data.images import Images
from sparring.game import Shape
from sparring.measure.adaptation import Predictions, predict
from sparring.methods import DANN
from tests.conftest import CPU, digits


def test_accuracy_and_confusion_by_hand() -> None:
    predictions = Predictions(np.zeros((4, 1)), np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2]))
    assert predictions.accuracy == 0.75
    assert predictions.confusion(3) == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]


def test_predictions_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    method = DANN()
    method.build(Shape(32, tuple("0123456789")))
    images: Images = digits(12, 0)
    whole = predict(method, images, CPU)
    parts = predict(method, images, CPU, batch_size=5)
    assert whole.features.shape == (12, 512)
    assert np.allclose(whole.features, parts.features, atol=1e-4)
    assert np.array_equal(whole.label, images.labels)


def test_unlabelled_images_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="labelled"):
        predict(DANN(), digits(2, 0).unlabelled(), CPU)
