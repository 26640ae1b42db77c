from dataclasses import replace

import pytest
import torch

from sparring.data.images import DataSet, Images, class_order, composed


def images() -> Images:
    return Images(torch.zeros(3, 3, 2, 2, dtype=torch.uint8), torch.tensor([0, 1, 1]), ("a", "b"))


def test_the_fingerprint_changes_with_pixels_labels_and_shape() -> None:
    base = images()
    assert base.fingerprint == images().fingerprint
    pixel = images()
    pixel.pixels[2, 2, 1, 1] = 1
    others = [
        pixel,
        Images(base.pixels, torch.tensor([0, 1, 0]), ("a", "b")),
        Images(base.pixels.reshape(3, 3, 1, 4), base.labels, ("a", "b")),
        base.unlabelled(),
        replace(base, label_names=("a", "c")),
    ]
    prints = {image.fingerprint for image in [base, *others]}
    assert len(prints) == 6
    assert all(value.startswith("sha256:") for value in prints)
    swapped = DataSet("x", "real", base, pixel), DataSet("x", "real", pixel, base)
    assert swapped[0].fingerprint != swapped[1].fingerprint


def test_wrong_types_and_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        Images(torch.zeros(3, 3, 2, 2), None, ())
    with pytest.raises(ValueError, match="3 images but 2 labels"):
        Images(torch.zeros(3, 3, 2, 2, dtype=torch.uint8), torch.zeros(2).long(), ())


def test_unlabelled_drops_the_labels_and_take_keeps_them_together() -> None:
    assert images().unlabelled().labels is None
    taken = images().take(torch.tensor([2, 0]))
    assert taken.labels is not None
    assert taken.labels.tolist() == [1, 0]


def test_the_kind_of_labels_is_told() -> None:
    assert images().kind == "classes"
    assert images().unlabelled().kind == "none"
    assert replace(images(), labels=torch.zeros(3, 2).long()).kind == "attributes"


def test_pixels_are_hashed_once() -> None:
    part = images()
    whole = DataSet("x", "real", part, part)
    first = whole.fingerprint
    part.pixels[0] = 1  # unseen: the images are frozen, and were read already
    assert whole.fingerprint == first


def test_numbers_are_ordered_as_numbers_and_all_else_as_text() -> None:
    assert class_order(map(str, range(1, 13)))[6] == "7"
    assert class_order(["10", "9", "-1", "9"]) == ("-1", "9", "10")
    assert class_order(["10", "9", "b"]) == ("10", "9", "b")
    assert class_order([]) == ()


def test_an_accent_written_apart_is_put_to_its_letter() -> None:
    assert composed("e\u0301te\u0301") == "\u00e9t\u00e9"
