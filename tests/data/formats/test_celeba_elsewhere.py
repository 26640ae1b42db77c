import zipfile
from pathlib import Path

import pytest

from sparring.data import catalogue
from sparring.data.images import summary
from tests.data.own import PNGS, SIZE, load, seeds

ATTRIBUTES = [[(k >> bit) % 2 * 2 - 1 for bit in (0, 1)] for k in range(30)]


def celeba_lists(official: bool, attributes: Path, partition: Path, suffix: str = ".jpg") -> None:
    gap = " " if official else ","
    rows = [gap.join(map(str, (f"{k:06d}{suffix}", *row))) for k, row in enumerate(ATTRIBUTES)]
    head = ["30", "Male Smiling "] if official else ["image_id,Male,Smiling"]
    parts = [f"{k:06d}{suffix}{gap}{k // 10}" for k in range(30)]
    for path, lines in (
        (attributes, [*head, *rows]),
        (partition, [*([] if official else ["image_id,partition"]), *parts]),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")


def faces(folder: Path, numbers: range = range(30), suffix: str = ".jpg") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k in numbers:
        (folder / f"{k:06d}{suffix}").write_bytes(PNGS[k])


def kaggle(root: Path) -> None:
    faces(root / "img_align_celeba" / "img_align_celeba")
    celeba_lists(False, root / "list_attr_celeba.csv", root / "list_eval_partition.csv")


def drive(root: Path) -> None:
    faces(root / "Img" / "img_align_celeba")
    lists = root / "Anno" / "list_attr_celeba.txt", root / "Eval" / "list_eval_partition.txt"
    celeba_lists(True, *lists)


def as_png(root: Path) -> None:
    faces(root / "img_align_celeba_png", suffix=".png")
    celeba_lists(True, root / "list_attr_celeba.txt", root / "list_eval_partition.txt")


@pytest.mark.parametrize("layout", [kaggle, drive, as_png])
@pytest.mark.parametrize("named", [True, False])
def test_celeba_as_people_have_it(tmp_path: Path, layout: object, named: bool) -> None:
    layout(tmp_path / "celeba")  # type: ignore[operator]
    place = "celeba" if named else str(tmp_path / "celeba")
    found = catalogue.load(place, tmp_path, size=SIZE)
    assert catalogue.find("celeba", tmp_path)
    assert found.mirror
    assert found.train.label_names == ("Male", "Smiling")
    for part, first in ((found.train, 0), (found.test, 20)):
        assert seeds(part.pixels) == list(range(first, first + 10))
        assert part.labels is not None
        assert part.labels.tolist() == [[k % 2, k // 2 % 2] for k in range(first, first + 10)]
    assert "left out: 10 for validation" in summary(found)


def test_a_zip_of_kaggles_celeba(tmp_path: Path) -> None:
    kaggle(tmp_path / "set")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path / "set"))
    assert catalogue.proposed_size(str(tmp_path / "archive.zip"), None, 64) == 16
    found = load(tmp_path / "archive.zip")
    assert (found.mirror, len(found.train), len(found.test)) == (True, 10, 10)


def test_a_part_of_celeba_and_celeba_without_lists(tmp_path: Path) -> None:
    root = tmp_path / "celeba"
    faces(root / "img_align_celeba", range(5, 35))
    lists = root / "list_attr_celeba.txt", root / "list_eval_partition.txt"
    celeba_lists(True, *lists)
    found = catalogue.load("celeba", tmp_path, size=SIZE)
    assert (len(found.train), len(found.test)) == (5, 10)
    assert summary(found).startswith("celeba: 5 train, 10 test, 2 attributes: Male, Smiling; ")
    assert "5 rows without a picture, 5 pictures without a row, 10 for validation" in summary(found)
    faces(tmp_path / "few/celeba/img_align_celeba", range(20))
    celeba_lists(True, *(tmp_path / "few/celeba" / path.name for path in lists))
    few = catalogue.load("celeba", tmp_path / "few", size=SIZE)
    assert (len(few.train), len(few.test)) == (10, 10)
    assert "the validation split serves for testing" in summary(few)
    for path in lists:
        path.unlink()
    bare = catalogue.load("celeba", tmp_path, size=SIZE)
    assert len(bare.train) + len(bare.test) == 30
    assert bare.train.labels is None
    assert bare.mirror
    assert not catalogue.find("celeba", tmp_path)  # whoever wants its labels goes without
