from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data.formats import folders
from sparring.data.splits import hash_split
from sparring.errors import RequestError


def frame(value: int) -> np.ndarray:
    """A picture of many values whose first pixel is `value`."""
    made = np.arange(0, 240, 5, dtype=np.uint8).reshape(4, 4, 3)
    made[0, 0] = value
    return made


def pictures(folder: Path, count: int, value: int = 0, suffix: str = ".png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(frame(value + i)).save(folder / f"{i:02d}{suffix}")


def test_class_folders_are_split_by_hash(tmp_path: Path) -> None:
    pictures(tmp_path / "dog", 20, 100)
    pictures(tmp_path / "cat", 20, 0)
    train, test = folders.stored(tmp_path).read(4)
    names = [f"{kind}/{i:02d}.png" for kind in ("cat", "dog") for i in range(20)]
    for images, part in zip(
        (train, test), hash_split(names, "", {name: name[:3] for name in names}), strict=True
    ):
        assert images.labels is not None
        assert images.label_names == ("cat", "dog")
        assert images.labels.tolist() == [int(name.startswith("dog")) for name in part]
        values = [int(name[4:6]) + 100 * name.startswith("dog") for name in part]
        assert images.pixels[:, 0, 0, 0].tolist() == values


@pytest.mark.parametrize("inner", ["", "images", "a/b"])
def test_images_all_in_one_place_are_unlabelled(tmp_path: Path, inner: str) -> None:
    pictures(tmp_path / inner, 20)
    (tmp_path / "notes.txt").write_text("not an image")
    train, test = folders.stored(tmp_path).read(4)
    assert train.labels is None
    assert train.label_names == ()
    assert len(train) + len(test) == 20
    assert sorted(train.pixels[:, 0, 0, 0].tolist()) == train.pixels[:, 0, 0, 0].tolist()


def test_given_splits_and_an_unlabelled_train(tmp_path: Path) -> None:
    pictures(tmp_path / "train", 3)
    for number, kind in enumerate("ab"):
        pictures(tmp_path / "test" / kind, 2, 10 * number)
    pictures(tmp_path / "val", 5)
    train, test = found = folders.stored(tmp_path).read(4)
    account = found.account
    assert (len(train), len(test)) == (3, 4)
    assert train.labels is None
    assert test.labels is not None
    assert test.labels.tolist() == [0, 0, 1, 1]
    assert train.label_names == test.label_names == ("a", "b")
    assert account.left_out == {"for validation": 5}


def test_one_folder_in_each_split_is_no_class(tmp_path: Path) -> None:
    pictures(tmp_path / "train" / "images", 2)
    pictures(tmp_path / "test" / "images", 1)
    for images in folders.stored(tmp_path).read(4):
        assert images.labels is None
        assert images.label_names == ()


@pytest.mark.parametrize("suffix", [".JPG", ".jpeg", ".PNG", ".webp", ".bmp", ".gif", ".tiff"])
def test_every_suffix_in_any_case(tmp_path: Path, suffix: str) -> None:
    pictures(tmp_path / "train", 1, suffix=suffix)
    pictures(tmp_path / "test", 1, suffix=suffix)
    (tmp_path / "test" / ".hidden.png").write_bytes(b"")
    assert [len(images) for images in folders.stored(tmp_path).read(4)] == [1, 1]


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(RequestError, match="holds no images"):
        folders.stored(tmp_path).read(4)


def test_images_beside_class_folders(tmp_path: Path) -> None:
    for split in ("train", "test"):
        pictures(tmp_path / split / "a", 1)
        pictures(tmp_path / split / "b", 1)
    pictures(tmp_path / "train", 1)
    found = folders.stored(tmp_path).read(4)
    assert (len(found.train), found.account.left_out["beside the class folders"]) == (2, 1)
    pictures(tmp_path / "train", 2)
    with pytest.raises(RequestError, match=r"00\.png lies beside the class folders"):
        folders.stored(tmp_path).read(4)


def test_a_class_that_train_lacks_is_told(tmp_path: Path) -> None:
    for place in ("train/a", "train/b", "test/b", "test/c"):
        pictures(tmp_path / place, 1)
    _, test = found = folders.stored(tmp_path).read(4)
    assert test.labels is not None
    assert test.labels.tolist() == [1, 2]
    assert found.account.notes == ["no image for training of c", "no image for testing of a"]


def test_folders_that_are_all_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    for number in range(1, 13):
        for split in ("train", "test"):
            pictures(tmp_path / split / str(number), 1, number)
    for images in folders.stored(tmp_path).read(4):
        assert images.label_names == tuple(map(str, range(1, 13)))
        assert images.labels is not None
        assert torch.equal(images.labels + 1, images.pixels[:, 0, 0, 0].long())


def test_names_are_composed(tmp_path: Path) -> None:
    for split in ("train", "test"):
        pictures(tmp_path / split / "cafe\u0301", 1)
        pictures(tmp_path / split / "bar", 1)
    assert folders.stored(tmp_path).read(4).train.label_names == ("bar", "caf\u00e9")
