import pytest
from PIL import Image

from sparring.data.doctor import examine
from tests.data.doctor.maker import images, kinds, picture, subject

SOME = [picture(k) for k in range(60)]


def test_pictures_of_one_value_are_told_as_that_alone() -> None:
    flat = [Image.new("RGB", (48, 48), colour) for colour in ("black", "black", "teal")]
    (finding,) = examine(subject(images(SOME[:20] + flat, [0, 1] * 11 + [0])))
    assert (finding.severity, finding.kind, finding.count) == ("warning", "one-value", 3)
    assert [shown.index for (shown,) in finding.examples] == [20, 21, 22]


@pytest.mark.parametrize(("scale", "offset"), [(1 / 255, 0), (1 / 16, 0), (1 / 16, 235)])
def test_a_set_that_uses_a_part_of_the_range_is_an_error(scale: float, offset: int) -> None:
    dim = [one.point(lambda value: value * scale + offset) for one in SOME[:20]]
    part = images(dim, [0, 1] * 10)
    found = examine(subject(part, part.take(part.labels[:0])))  # type: ignore[index]
    assert kinds(found)["range"] == ("error", 20)


def test_rare_and_absent_classes_are_told() -> None:
    names = ("ant", "bee", "cow", "dog", "eel")
    labels = [0] * 20 + [1] * 20 + [2] * 17 + [3] * 2 + [0]
    test = images([picture(k) for k in range(500, 520)], [0, 1, 2, 4] * 5, names)
    found = examine(subject(images(SOME, labels, names), test))
    told = {(finding.severity, finding.kind): finding.what for finding in found}
    assert told == {
        ("error", "absent-class"): "1 class without a picture in train: eel",
        ("warning", "absent-class"): "1 class without a picture in test: dog",
        ("warning", "rare-class"): "1 rare class in train: dog (2), where a class has 17 pictures",
    }


def test_small_classes_are_no_fault_where_all_are_small() -> None:
    names = tuple(f"class {k}" for k in range(12))
    train = images(SOME[:48], [k % 12 for k in range(48)], names)
    test = images([picture(k) for k in range(500, 512)], list(range(12)), names)
    assert examine(subject(train, test)) == []


def test_an_attribute_of_no_picture_is_told() -> None:
    names = ("smiling", "old", "hat")
    labels = [[k % 2, int(k == 0), int(k < 5)] for k in range(20)]
    test = images([picture(k) for k in range(500, 520)], labels, names)
    (finding,) = examine(subject(images(SOME[:20], labels, names), test))
    assert finding.kind == "rare-class"
    assert "old (1), of 20 pictures" in finding.what


def test_an_unlabelled_set_says_nothing_of_classes() -> None:
    assert examine(subject(images(SOME[:20], None, ()))) == []


def test_one_flat_channel_is_no_fault() -> None:
    part = images(SOME[:20], [0, 1] * 10)
    part.pixels[:, 2] = 40
    assert examine(subject(part)) == []
