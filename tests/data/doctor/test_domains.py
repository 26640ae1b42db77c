import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from sparring.data.doctor import Subject, domains
from sparring.data.images import DataSet, Images
from tests.data.doctor.maker import images, kinds, picture, subject


def landscape(seed: int) -> Image.Image:
    """A bright blue sky over dark green ground, and noise: a domain with a look of its own."""
    random = np.random.default_rng(seed)
    top, ground = np.array([150, 180, 235]), np.array([60, 90, 30])
    horizon = random.integers(4, 9)
    rows = np.where(np.arange(12)[:, None, None] < horizon, top, ground)
    noisy = np.repeat(rows, 12, 1) + random.normal(0, 25, (12, 12, 3))
    values = np.clip(noisy, 0, 255).astype(np.uint8)
    return Image.fromarray(values).resize((48, 48), Image.Resampling.BICUBIC)


SCENES = [landscape(k) for k in range(80)]
OURS, THEIRS = SCENES[:40], SCENES[40:]


def pair(theirs: list[Image.Image]) -> list[tuple[str, str]]:
    source = subject(images(OURS, [0, 1] * 20), images(OURS[:0] or [picture(1)], [0]), "renders")
    target = subject(images(theirs), images([picture(2)]), "scans")
    found = list(domains.check(source, target))
    return [(finding.severity, finding.what) for finding in found]


def test_domains_that_are_encoded_alike_are_left_alone() -> None:
    assert pair(THEIRS) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (ImageOps.invert, "one is inverted"),
        (lambda one: Image.merge("RGB", one.split()[::-1]), "red and blue swapped"),
        (ImageOps.grayscale, "one is grey"),
    ],
)
def test_a_wrong_encoding_is_named(wrong, words: str) -> None:  # type: ignore[no-untyped-def]
    ((severity, what),) = pair([wrong(one) for one in THEIRS])
    assert severity == "error"
    assert words in what


def test_domains_that_truly_differ_are_left_alone() -> None:
    assert pair([picture(k) for k in range(40)]) == []
    night = [one.point(lambda value: value // 3) for one in THEIRS]
    assert pair(night) == []
    # Upside down, and so no mere negative.
    assert pair([ImageOps.flip(ImageOps.invert(one)) for one in THEIRS]) == []


def test_a_handful_of_pictures_is_no_evidence() -> None:
    assert pair([ImageOps.invert(THEIRS[0])]) == []


def named(*names: str, first: int) -> Subject:
    some = [picture(first + k) for k in range(4 * len(names))]
    train = images(some, [k % len(names) for k in range(len(some))], names)
    return Subject(DataSet(f"set {first}", "real", train, train.take(torch.arange(0))))


def test_names_of_classes_are_compared() -> None:
    source, target = named("ant", "Bee", "cow", first=0), named("ant", "bee", "dog", first=100)
    found = list(domains.check(source, target))
    assert kinds(found) == {
        "class-names": ("error", 1),
        "unknown-class": ("error", 1),
        "missing-class": ("warning", 1),
    }
    told = {finding.kind: finding.what for finding in found}
    assert told["class-names"] == "1 class written in two ways: 'Bee' and 'bee'"
    assert told["unknown-class"] == "1 class of set 100 alone: dog"
    assert told["missing-class"] == "1 class of set 0 alone: cow"


def test_a_target_without_labels_has_no_names_to_compare() -> None:
    source, target = named("ant", "bee", first=0), named("x", "y", first=100)
    hidden = Subject(target.data.unlabelled())
    assert list(domains.check(source, hidden)) == []
    assert "unknown-class" in kinds(list(domains.check(source, target)))


def test_colours_that_differ_are_no_encoding() -> None:
    assert pair([ImageEnhance.Color(one).enhance(0.3) for one in THEIRS]) == []


def test_what_lies_close_already_is_left_alone() -> None:
    """A little redder, and a little bluer: swapped they agree, but then so they do as they are."""

    def tinted(first: int, red: int, blue: int) -> Subject:
        some = images([picture(first + k) for k in range(300)])
        tint = torch.tensor([red, 0, blue])[:, None, None]
        pixels = (some.pixels.int() + tint).clamp(0, 255).byte()
        return subject(Images(pixels, None, ()), name=f"set {first}")

    one, other = tinted(0, 12, -12), tinted(1000, -12, 12)
    as_they_are, swapped = (
        domains.distance(one.data.train.pixels.float(), theirs.float())
        for theirs in (other.data.train.pixels, other.data.train.pixels.flip(1))
    )
    assert 3 * swapped < as_they_are < 0.5
    assert list(domains.check(one, other)) == []
