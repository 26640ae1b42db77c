"""What a classifier leaves behind for the map: which image is at which point, and what was said."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from sparring.data.images import Images
from sparring.metrics.outputs import Outputs, Predictions
from sparring.runs import classifier_evaluation
from sparring.runs.classifier_evaluation import augmented, cells, evaluate
from sparring.runs.selection import sample

COUNT, CLASSES = 24, 3


def grey(first: int, labelled: bool = True) -> Images:
    """Image k is all of grey level `first` + k, and of class k mod 3."""
    levels = torch.arange(first, first + COUNT, dtype=torch.uint8)
    pixels = levels[:, None, None, None].expand(COUNT, 3, 32, 32).contiguous()
    names = ("a", "b", "c")
    labels = torch.arange(COUNT) % CLASSES if labelled else None
    return Images(pixels, labels, names if labelled else ())


def said(shift: int) -> Outputs:
    """Of image k class k + shift, the surer the larger k."""
    logits = np.zeros((COUNT, CLASSES), np.float32)
    logits[np.arange(COUNT), (np.arange(COUNT) + shift) % CLASSES] = np.linspace(1, 5, COUNT)
    features = np.random.default_rng(shift).normal(size=(COUNT, 4)).astype(np.float32)
    return Outputs(features, logits)


def test_the_same_images_are_augmented_alike_with_their_labels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(classifier_evaluation, "AUGMENTED", 20)
    images = grey(100)
    torch.manual_seed(1)
    first = augmented(images)
    torch.manual_seed(2)
    again = augmented(images)
    assert first.labels is not None
    assert len(first) == 20
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.labels, images.take(sample(COUNT, 20)).labels)  # type: ignore[arg-type]
    assert (first.pixels != images.take(sample(COUNT, 20)).pixels).float().mean() > 0.9


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("most", [5, 2000])
def test_each_picture_is_of_its_point(
    labelled: bool, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier_evaluation, "SHOWN", most)
    source, target = grey(0), grey(100, labelled)
    outputs = said(0), said(1)
    on_source = Predictions(outputs[0], np.arange(COUNT) % CLASSES)
    _, _, found = evaluate(on_source, on_source, outputs[1], source, target, per_class=8, seed=0)
    shown = {name: found[name][found["pictured"]] for name in found if name != "thumbnails"}
    assert found["thumbnails"].shape == (2 * min(most, COUNT), 3, 24, 24)
    assert found["thumbnails"].dtype == np.uint8
    for row, picture in enumerate(found["thumbnails"]):
        level, domain = int(picture[0, 0, 0]), shown["domain"][row]
        k = level - 100 * domain
        assert (picture == level).all()
        assert shown["label"][row] == (k % CLASSES if labelled or domain == 0 else -1)
        assert shown["predicted"][row] == outputs[domain].predicted[k]
        assert shown["confidence"][row] == pytest.approx(outputs[domain].confidence[k])
    # Every image is at one point, and the pictures are a random part of them.
    assert len({(p.flat[0]) for p in found["thumbnails"]}) == len(found["thumbnails"])
    assert len(found["points"]) == 2 * COUNT


def test_no_more_is_expected_than_on_the_source_and_the_model_is_no_surer() -> None:
    label = np.arange(COUNT) % CLASSES
    label[:8] += 1  # of the source those that it is least sure of are wrong
    target = Outputs(said(1).features, 3 * said(1).logits)  # there it is sure of all
    known, easy = Predictions(said(0), label % CLASSES), Predictions(said(0), said(0).predicted)
    scores, *_ = evaluate(known, easy, target, grey(0), grey(100), 8, 0, with_map=False)
    assert scores.estimated.augmented_confidence > 0.8
    assert scores.expected == scores.source_accuracy == pytest.approx(16 / 24)
    chance = softmax(target.logits / scores.target_temperature, axis=1)
    assert chance.max(1).mean() == pytest.approx(16 / 24)


def test_each_cell_of_the_confusion_matrix_keeps_its_surest_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(classifier_evaluation, "EACH", 3)
    found = said(0)
    wrong = [0, 6, 9]  # of class 0, said to be class 1; the surer the later
    found.logits[wrong] = np.roll(found.logits[wrong], 1, axis=1)
    kept = cells(found, grey(100))
    rows = zip(kept["cell_label"].tolist(), kept["cell_predicted"].tolist(), strict=True)
    images = [int(image[0, 0, 0]) - 100 for image in kept["cell_thumbnails"]]
    by_cell: dict[tuple[int, int], list[int]] = {}
    for cell, image in zip(rows, images, strict=True):
        by_cell.setdefault(cell, []).append(image)
    assert by_cell == {
        (0, 0): [21, 18, 15],
        (0, 1): [9, 6, 0],
        (1, 1): [22, 19, 16],
        (2, 2): [23, 20, 17],
    }
    assert kept["cell_confidence"] == pytest.approx(found.confidence[images])
    assert cells(found, grey(100, labelled=False)) == {}
    # Where there is room for few, every cell has one before any has two.
    monkeypatch.setattr(classifier_evaluation, "CELLS", 5)
    few = cells(found, grey(100))
    assert few["cell_label"].tolist() == [0, 0, 1, 2, 0]
    assert few["cell_predicted"].tolist() == [0, 1, 1, 2, 0]


def test_the_examples_are_from_all_over_a_set_that_lies_by_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They were the first of up to a thousand images: of ten classes in folders the first four."""
    monkeypatch.setattr(classifier_evaluation, "EXAMPLES", 12)
    target, by_class = grey(100), torch.arange(COUNT) % CLASSES
    target = target.take(by_class.argsort(stable=True))
    known = Predictions(said(0), np.arange(COUNT) % CLASSES)
    _, kept, _ = evaluate(known, known, said(1), grey(0), target, 8, 0, with_map=False)
    assert set(kept["example_label"]) == {0, 1, 2}
    assert np.array_equal(kept["example_label"], (kept["example_pixels"][:, 0, 0, 0] - 100) % 3)
