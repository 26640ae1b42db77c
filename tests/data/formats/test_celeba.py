import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data.formats import celeba
from sparring.data.splits import hash_split
from sparring.errors import RequestError

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 12, 8, 3), np.uint8)
NAMES = [f"{i:06d}.jpg" for i in range(1, 31)]


def write(root: Path, *, zipped: bool = True) -> Path:
    """30 faces of 8x12 (PNG bytes, so that pixels are exact), ten in each part."""
    with zipfile.ZipFile(root / "img_align_celeba.zip", "w") as archive:
        for name, pixels in zip(NAMES, PIXELS, strict=True):
            buffer = BytesIO()
            Image.fromarray(pixels).save(buffer, "PNG")
            archive.writestr(f"img_align_celeba/{name}", buffer.getvalue())
    if not zipped:
        with zipfile.ZipFile(root / "img_align_celeba.zip") as archive:
            archive.extractall(root)
        (root / "img_align_celeba.zip").unlink()
    rows = [f"{n} {'1' if i % 2 else '-1'}  {'1' if i % 3 else '-1'}" for i, n in enumerate(NAMES)]
    (root / "list_attr_celeba.txt").write_text("\n".join(["30", "Male Smiling ", *rows, ""]))
    parts = "".join(f"{name} {i // 10}\n" for i, name in enumerate(NAMES))
    (root / "list_eval_partition.txt").write_text(parts)
    return root


@pytest.mark.parametrize("zipped", [False, True])
def test_the_official_layout(tmp_path: Path, zipped: bool) -> None:
    assert not celeba.found(tmp_path)
    assert celeba.found(write(tmp_path, zipped=zipped))
    train, test = celeba.stored(tmp_path).read(8)
    for images, start in ((train, 0), (test, 20)):  # 10 to 19 are the validation part
        central = PIXELS[start : start + 10, 2:10].transpose(0, 3, 1, 2).copy()
        assert torch.equal(images.pixels, torch.from_numpy(central))
        assert images.label_names == ("Male", "Smiling")
        assert images.labels is not None
        assert images.labels.dtype == torch.int64
        expected = [[i % 2, int(i % 3 > 0)] for i in range(start, start + 10)]
        assert images.labels.tolist() == expected


def test_without_a_partition_the_split_is_by_hash(tmp_path: Path) -> None:
    (write(tmp_path) / "list_eval_partition.txt").unlink()
    train, test = celeba.stored(tmp_path).read(8)
    assert [len(train), len(test)] == [len(part) for part in hash_split(NAMES, "")]


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("list_attr_celeba.txt", "000003.jpg -1", "000003.jpg 5", r"000003\.jpg has the label '5'"),
        ("list_attr_celeba.txt", "000003.jpg -1", "000003.jpg", r"000003\.jpg has 1 labels, not 2"),
        ("list_attr_celeba.txt", "Male Smiling", "", "has 2 labels, not 3"),
    ],
)
def test_lists_that_are_damaged(tmp_path: Path, file: str, old: str, new: str, told: str) -> None:
    path = write(tmp_path) / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RequestError, match=told):
        celeba.stored(tmp_path).read(8)


def test_an_empty_list_and_a_truncated_zip(tmp_path: Path) -> None:
    path = write(tmp_path) / "img_align_celeba.zip"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(RequestError, match=r"img_align_celeba\.zip is damaged"):
        celeba.stored(tmp_path).read(8)
    write(tmp_path)
    (tmp_path / "list_attr_celeba.txt").write_text("")
    with pytest.raises(
        RequestError, match=r"list_attr_celeba\.txt: none of its rows has a picture"
    ):
        celeba.stored(tmp_path).read(8)
