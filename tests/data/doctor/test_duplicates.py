import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageEnhance

from sparring.data.doctor import Subject, examine
from sparring.data.images import DataSet
from tests.data.doctor.maker import images, kinds, picture, subject

SOME = [picture(k) for k in range(40)]
LABELS = [0, 1] * 20


def jpeg(one: Image.Image, quality: int = 75) -> Image.Image:
    file = io.BytesIO()
    one.save(file, "jpeg", quality=quality)
    return Image.open(file)


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "jpeg": jpeg,
    "brighter": lambda one: ImageEnhance.Brightness(one).enhance(1.05),
    "resized": lambda one: one.resize((90, 90), Image.Resampling.LANCZOS),
}


@pytest.mark.parametrize("how", [None, *COPIES])
def test_copies_in_one_split_are_found_and_shown_side_by_side(how: str | None) -> None:
    copy = COPIES[how](SOME[4]) if how else SOME[4]
    (finding,) = examine(subject(images([*SOME, copy, SOME[6], SOME[6]], [*LABELS, 0, 0, 0])))[:1]
    if how:
        assert (finding.severity, finding.kind) == ("warning", "equal-in-one-split")
        assert finding.count == 2
        finding = examine(subject(images([*SOME, copy], [*LABELS, 0])))[0]
    else:
        assert (finding.count, len(finding.examples)) == (3, 2)
    kind, severity = ("near", "note") if how else ("equal", "warning")
    assert (finding.severity, finding.kind) == (severity, f"{kind}-in-one-split")
    assert [shown.index for shown in finding.examples[0]] == [4, 40]


@pytest.mark.parametrize(
    ("how", "kind", "severity"), [(None, "equal", "error"), ("jpeg", "near", "warning")]
)
def test_a_picture_under_two_labels_or_in_two_splits(
    how: str | None, kind: str, severity: str
) -> None:
    copy = COPIES[how] if how else lambda one: one
    train = images([*SOME, copy(SOME[4])], [*LABELS, 1])
    assert kinds(examine(subject(train))) == {f"{kind}-two-labels": (severity, 1)}
    test = images([copy(SOME[3]), copy(SOME[5])], [1, 1])
    found = examine(subject(images(SOME, LABELS), test))
    told = kinds([finding for finding in found if finding.kind != "absent-class"])
    assert told == {f"{kind}-in-train-and-test": (severity, 2)}


def test_a_picture_in_both_domains() -> None:
    source = subject(images(SOME, LABELS), name="renders")
    rest = [picture(k) for k in range(100, 120)]
    other = images([picture(k) for k in range(200, 204)], None)
    target = subject(images([*rest, SOME[0], jpeg(SOME[1])]), other, "scans")
    told = kinds(examine(source, target))
    assert told == {
        "equal-in-both-domains": ("warning", 1),
        "near-in-both-domains": ("warning", 1),
    }


def test_attributes_that_contradict_each_other_are_two_labels() -> None:
    names, rows = ("smiling", "old"), [[k % 2, k // 2 % 2] for k in range(40)]
    test = images([picture(k) for k in range(500, 520)], rows[:20], names)
    train = images([*SOME, SOME[0]], [*rows, [0, 1]], names)
    (finding,) = examine(subject(train, test))
    # The first has neither attribute, which is a label as well.
    assert finding.kind == "equal-two-labels"


def stroke(seed: int) -> Image.Image:
    """A one, as people write them: all much alike."""
    random = np.random.default_rng(seed)
    drawn = Image.new("L", (224, 224))
    y = np.linspace(random.uniform(30, 50), random.uniform(175, 195), 5)
    x = 112 + random.uniform(-20, 20) * np.linspace(1, -1, 5) + random.normal(0, 6, 5)
    width = random.uniform(18, 30)
    ImageDraw.Draw(drawn).line([*zip(x, y, strict=True)], fill=255, width=int(width), joint="curve")
    return drawn.resize((28, 28), Image.Resampling.BILINEAR)


def test_simple_pictures_that_look_alike_are_no_copies() -> None:
    ones = [stroke(k) for k in range(300)]
    train = images(ones, [0, 1] * 150, size=28)
    assert examine(subject(train)) == []
    found = examine(subject(images([*ones, jpeg(ones[9], 90)], [*[0, 1] * 150, 1], size=28)))
    assert kinds(found) == {"near-in-one-split": ("note", 1)}


def test_a_clip_of_many_equal_pictures_is_one_group() -> None:
    train = images([*SOME, *[SOME[0]] * 30], [*LABELS, *[0] * 30])
    (finding,) = examine(subject(train))
    assert (finding.count, len(finding.examples), len(finding.examples[0])) == (30, 1, 4)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_sets_of_hardly_any_picture(count: int) -> None:
    few = images(SOME[:2], [0, 1]).take(torch.arange(count))
    none = few.take(torch.arange(0))
    assert not any("equal" in one.kind or "near" in one.kind for one in examine(subject(few, none)))


def test_a_few_chance_repeats_are_no_fault_but_equal_ones_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sparring.data.doctor.duplicates.CHANCE", 0.05)
    near = images([*SOME, jpeg(SOME[4])], [*LABELS, 0])
    assert examine(subject(near)) == []
    equal = images([*SOME, SOME[4]], [*LABELS, 0])
    assert kinds(examine(subject(equal))) == {"equal-in-one-split": ("warning", 1)}


def test_images_that_are_trained_on_and_labelled_at_once_are_no_copies() -> None:
    # So are the targets of `sparring adapt`.
    part = images(SOME, LABELS).unlabelled()
    assert examine(Subject(DataSet("photos", "real", part, part))) == []
