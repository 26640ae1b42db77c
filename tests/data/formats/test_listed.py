import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data.formats import listed
from sparring.data.splits import hash_split
from sparring.errors import RequestError


def frame(value: int) -> np.ndarray:
    """A picture of many values whose first pixel is `value`."""
    made = np.arange(0, 240, 5, dtype=np.uint8).reshape(4, 4, 3)
    made[0, 0] = value
    return made


def picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(frame(value)).save(path)


def pictures(folder: Path, count: int) -> list[str]:
    names = [f"{i:02d}.png" for i in range(count)]
    for value, name in enumerate(names):
        picture(folder / name, value)
    return names


def write_csv(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n")


def test_the_release_of_mnist_m(tmp_path: Path) -> None:
    assert not listed.found_release(tmp_path)
    for split, order in (("train", [2, 0, 1]), ("test", [0, 1, 2])):
        names = pictures(tmp_path / f"mnist_m_{split}", 3)
        lines = [f"{names[i]} {i + 5}\n" for i in order]
        (tmp_path / f"mnist_m_{split}_labels.txt").write_text("".join(lines))
    assert listed.found_release(tmp_path)
    train, test = listed.stored_release(tmp_path).read(4)
    assert train.labels is not None
    assert test.labels is not None
    assert train.labels.tolist() == [7, 5, 6]
    assert train.pixels[:, 0, 0, 0].tolist() == [2, 0, 1]
    assert test.labels.tolist() == [5, 6, 7]
    assert train.label_names == tuple("0123456789")

    (tmp_path / "mnist_m_test_labels.txt").write_text("00.png 5\n01.png 6\n02.png 10\n")
    with pytest.raises(RequestError, match=r"02\.png has the label '10', which is none of 0, 1"):
        listed.stored_release(tmp_path).read(4)
    (tmp_path / "mnist_m_test_labels.txt").write_text("00.png 5\n")
    with pytest.raises(RequestError, match=r"2 images without a row, the first is 01\.png"):
        listed.stored_release(tmp_path).read(4)
    (tmp_path / "mnist_m_test_labels.txt").write_text("00.png 5\n01.png\n")
    with pytest.raises(RequestError, match=r"01\.png has 0 labels, not 1"):
        listed.stored_release(tmp_path).read(4)


@pytest.mark.parametrize("packed", [False, True])
def test_one_csv_of_classes_is_split_by_hash(tmp_path: Path, packed: bool) -> None:
    root = tmp_path / "pets"
    names = pictures(root / "images", 30)
    rows = [f"{name},{('dog', 'cat', 'ox')[i % 3]}" for i, name in enumerate(names)]
    write_csv(root / "labels.csv", "image_name,label", rows)
    if packed:
        root = tmp_path / "pets.zip"
        with zipfile.ZipFile(root, "w") as archive:
            for path in sorted((tmp_path / "pets").rglob("*.*")):
                archive.write(path, path.relative_to(tmp_path))
    splits = listed.stored(root).read(4)
    for images, part in zip(
        splits, hash_split(names, root, {name: int(name[:2]) % 3 for name in names}), strict=True
    ):
        values = images.pixels[:, 0, 0, 0].tolist()
        assert values == [int(name[:2]) for name in part]
        assert images.labels is not None
        assert images.label_names == ("cat", "dog", "ox")
        assert images.labels.tolist() == [(1, 0, 2)[value % 3] for value in values]


def test_class_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    for split, classes in (("train", (10, 9, 2)), ("test", (9, 9, 2))):
        names = pictures(tmp_path / split, 3)
        rows = [f"{n},{c}" for n, c in zip(names, classes, strict=True)]
        write_csv(tmp_path / f"{split}.csv", "image_name,label", rows)
    train, test = listed.stored(tmp_path).read(4)
    assert train.labels is not None
    assert test.labels is not None
    assert train.label_names == test.label_names == ("2", "9", "10")
    assert train.labels.tolist() == [2, 1, 0]
    assert test.labels.tolist() == [1, 1, 0]


@pytest.mark.parametrize("no", ["0", "-1"])
def test_attributes_become_zeros_and_ones(tmp_path: Path, no: str) -> None:
    for split in ("train", "test"):
        a, b = pictures(tmp_path / split, 2)
        rows = [f"{a},1,{no}", f"{b},{no}, 1"]
        write_csv(tmp_path / f"{split}.csv", "image_name,Smiling,Male", rows)
    train, _ = listed.stored(tmp_path).read(4)
    assert train.labels is not None
    assert train.label_names == ("Smiling", "Male")
    assert torch.equal(train.labels, torch.tensor([[1, 0], [0, 1]]))


@pytest.mark.parametrize(
    ("header", "rows", "told"),
    [
        ("image_name,label", ["00.png,a", "00.png,b"], r"lists 00\.png twice"),
        ("image_name,label", ["00.png,a,b"], r"00\.png has 2 labels, not 1"),
        (
            "image_name,label",
            ["7.png,a", "8.png,b"],
            r"names images, such as .*00\.png, and labels",
        ),
        ("image_name", ["00.png", "01.png"], "names images, .* and a column .label. or columns"),
        ("image_name,A,A", ["00.png,1,1", "01.png,1,1"], "the names of attributes, each once"),
        (
            "image_name,A,B",
            ["00.png,1,2", "01.png,1,1"],
            r"'2' in the column 'B' is none of 0, 1, -1: mend it, or",
        ),
    ],
)
def test_lists_at_odds_with_the_images(
    tmp_path: Path, header: str, rows: list[str], told: str
) -> None:
    for split in ("train", "test"):
        pictures(tmp_path / split, 2)
        write_csv(tmp_path / f"{split}.csv", header, rows)
    with pytest.raises(RequestError, match=told):
        listed.stored(tmp_path).read(4)


def test_lists_with_different_columns(tmp_path: Path) -> None:
    for split, column in (("train", "Smiling"), ("test", "Male")):
        pictures(tmp_path / split, 1)
        write_csv(tmp_path / f"{split}.csv", f"image_name,{column}", ["00.png,1"])
    with pytest.raises(RequestError, match="different columns"):
        listed.stored(tmp_path).read(4)


def test_labels_of_undecodable_images_are_left_out(tmp_path: Path) -> None:
    for split in ("train", "test"):
        names = pictures(tmp_path / split, 100)
        rows = [f"{name},{i % 2}" for i, name in enumerate(names)]
        write_csv(tmp_path / f"{split}.csv", "image_name,label", rows)
    (tmp_path / "train" / "40.png").write_bytes(b"damaged")
    train, _ = listed.stored(tmp_path).read(4)
    assert train.labels is not None
    assert len(train) == len(train.labels) == 99
    assert torch.equal(train.labels, train.pixels[:, 0, 0, 0].long() % 2)


def test_names_are_composed_in_list_and_folder(tmp_path: Path) -> None:
    apart, together = "e\u0301", "\u00e9"
    for split in ("train", "test"):
        picture(tmp_path / split / f"{apart}.png", 1)
        picture(tmp_path / split / "b.png", 2)
        rows = [f"{together}.png,{apart}", "b.png,b"]
        write_csv(tmp_path / f"{split}.csv", "image_name,label", rows)
    train, _ = listed.stored(tmp_path).read(4)
    assert train.label_names == ("b", together)
