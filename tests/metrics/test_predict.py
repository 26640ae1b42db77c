import numpy as np
import pytest
import torch

from sparring.data.images import Images
from sparring.game import Shape
from sparring.methods import DANN
from sparring.metrics.predict import predict, predict_labelled
from tests.conftest import CPU, digits


@pytest.fixture(scope="module")
def method() -> DANN:
    torch.manual_seed(0)
    built = DANN()
    built.build(Shape(32, tuple("0123456789")))
    return built


def test_predictions_do_not_depend_on_the_batch(method: DANN) -> None:
    images: Images = digits(12, 0)
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
