from pathlib import Path

import pytest

from sparring.data import catalogue
from sparring.data.images import summary
from sparring.errors import RequestError
from tests.data.own import fill, labels, load, seeds


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Train", "Test"),
        ("training", "testing"),
        ("train_images", "test_images"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("data/TRAIN", "data/TEST"),
        ("train", "val"),
        ("train", "Validation"),
        ("train", "valid"),
    ],
)
def test_folders_named_after_splits_are_splits(tmp_path: Path, train: str, test: str) -> None:
    for place, count in ((train, 5), (test, 2)):
        fill(tmp_path / place / "ant", count)
        fill(tmp_path / place / "bee", count, 10)
    found = load(tmp_path)
    assert found.train.label_names == ("ant", "bee")
    assert (len(found.train), len(found.test)) == (10, 4)
    serves = "the validation split serves for testing" in summary(found)
    assert serves == test.lower().startswith("val")


def test_test_wins_over_validation_and_what_is_in_neither_is_counted(tmp_path: Path) -> None:
    for place, count in (("train", 4), ("val", 3), ("test", 2), ("extra", 1)):
        fill(tmp_path / place / "ant", count)
        fill(tmp_path / place / "bee", count, 10)
    assert summary(load(tmp_path)) == (
        f"{tmp_path.name}: 8 train, 4 test, 2 classes: ant, bee; "
        "left out: 2 in no split, 6 for validation"
    )


def test_a_split_inside_each_class_is_one(tmp_path: Path) -> None:
    for kind, start in (("ant", 0), ("bee", 10)):
        fill(tmp_path / kind / "train", 4, start)
        fill(tmp_path / kind / "test", 2, start + 4)
    found = load(tmp_path)
    assert found.test.label_names == ("ant", "bee")
    assert sorted(seeds(found.test.pixels)) == [4, 5, 14, 15]


@pytest.mark.parametrize("inner", ["images", "test", "unknown/more"])
def test_what_wraps_all_images_of_a_split_is_no_class(tmp_path: Path, inner: str) -> None:
    for k, kind in enumerate(("n01", "n02")):
        fill(tmp_path / "train" / kind / "images", 3, 10 * k)
    fill(tmp_path / "val" / "images", 2, 20)
    fill(tmp_path / "test" / inner, 2, 30)
    found = load(tmp_path)  # Tiny ImageNet
    assert found.train.label_names == ("n01", "n02")
    assert found.train.labels is not None
    assert found.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.test.labels is None
    assert seeds(found.test.pixels) == [30, 31]


def test_class_folders_may_lie_deeper_and_a_split_may_have_one_of_them(tmp_path: Path) -> None:
    for k, kind in enumerate(("good", "bent")):
        fill(tmp_path / "test" / "images" / kind, 2, 10 * k)
    fill(tmp_path / "train" / "images" / "good", 4, 20)
    found = load(tmp_path)
    assert found.train.label_names == ("bent", "good")
    assert found.train.labels is not None
    assert found.train.labels.tolist() == [1] * 4


def test_inside_a_split_a_class_may_be_called_train(tmp_path: Path) -> None:
    for split in ("train", "validation"):
        for k, kind in enumerate(("bus", "train")):
            fill(tmp_path / split / kind, 3, 10 * k)
    found = load(tmp_path)  # VisDA; CIFAR-100 has this class too
    assert found.train.label_names == ("bus", "train")
    for part in (found.train, found.test):
        assert part.labels is not None
        assert part.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert seeds(part.pixels) == [0, 1, 2, 10, 11, 12]


def test_half_a_split_is_asked_about_but_a_class_may_be_called_train(tmp_path: Path) -> None:
    for place in ("train/ant", "train/bee", "extra/ant"):
        fill(tmp_path / "half" / place, 3)
    with pytest.raises(RequestError, match="has folders for train only: make both train/ and"):
        load(tmp_path / "half")
    for place in ("bus", "car", "train"):
        fill(tmp_path / "vehicles" / place, 5)
    assert load(tmp_path / "vehicles").train.label_names == ("bus", "car", "train")


def test_the_release_of_mnist_m_is_known_by_its_path(tmp_path: Path) -> None:
    root = tmp_path / "downloads" / "mnist_m"
    for split in ("train", "test"):
        names = fill(root / f"mnist_m_{split}", 3)
        lines = "".join(f"{name} {k + 4}\n" for k, name in enumerate(names))
        (root / f"mnist_m_{split}_labels.txt").write_text(lines)
    found = load(tmp_path / "downloads")
    assert found.train.label_names == tuple("0123456789")
    assert labels(found) == {0: "4", 1: "5", 2: "6"}


def test_one_broken_picture_of_sixty_is_left_out_and_six_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, 60)
    (tmp_path / "03.png").write_bytes(b"broken")
    assert "left out: 1 that do not decode" in summary(load(tmp_path))
    for k in range(4, 10):
        (tmp_path / f"{k:02d}.png").write_bytes(b"broken")
    with pytest.raises(RequestError, match=r"do not decode .*no picture of a known format"):
        load(tmp_path)


def test_every_class_of_two_is_in_both_splits_and_one_of_one_is_told(tmp_path: Path) -> None:
    for k in range(20):
        fill(tmp_path / f"c{k:02d}", 2, 2 * k)
    fill(tmp_path / "rare", 1, 50)
    found = load(tmp_path)
    for part, count in ((found.train, 21), (found.test, 20)):
        assert part.labels is not None
        assert sorted(part.labels.tolist()) == list(range(count))
    assert "no image for testing of rare" in summary(found)
    assert "21 classes: c00, c01, c02, c03, c04, c05, c06, c07, c08, c09, ..." in summary(found)


def test_a_file_stays_on_its_side_when_others_come(tmp_path: Path) -> None:
    for kind, start in (("ant", 0), ("bee", 20)):
        fill(tmp_path / kind, 15, start)
    before = set(seeds(load(tmp_path).test.pixels))
    for kind, start in (("ant", 0), ("bee", 20)):
        fill(tmp_path / kind, 5, start + 15)
    after = set(seeds(load(tmp_path).test.pixels))
    assert after & ({*range(15)} | {*range(20, 35)}) == before


@pytest.mark.parametrize("other", ["Ant", "ant ", " ANT"])
def test_near_equal_names_are_asked_about(tmp_path: Path, other: str) -> None:
    for kind in ("ant", other, "bee"):
        fill(tmp_path / "one" / kind, 5)
    with pytest.raises(RequestError, match=r"'ant' differ|and 'ant'|'ant' and") as caught:
        load(tmp_path / "one")
    assert f"'{other}'" in str(caught.value)
    fill(tmp_path / "s/ant", 5)
    fill(tmp_path / "s/bee", 5)
    fill(tmp_path / "t" / other, 5)
    fill(tmp_path / "t/bee", 5)
    with pytest.raises(RequestError, match="differ in capitals or blanks alone") as caught:
        catalogue.align(load(tmp_path / "s"), load(tmp_path / "t"))
    assert f"'{other}'" in str(caught.value)


def test_a_target_may_lack_a_class_and_this_is_said(tmp_path: Path) -> None:
    for kind in ("ant", "bee", "cow"):
        fill(tmp_path / "s" / kind, 5)
    for kind in ("bee", "cow"):
        fill(tmp_path / "t" / kind, 5)
    target = catalogue.align(load(tmp_path / "s"), load(tmp_path / "t"))
    assert "it lacks of s: ant" in summary(target)
    assert target.test.labels is not None
    assert set(target.test.labels.tolist()) == {1, 2}
