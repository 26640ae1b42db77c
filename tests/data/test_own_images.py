"""Images as they lie around: each kind of folder that people have, through the catalogue."""

import io
import json
import logging
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from sparring.data import catalogue
from sparring.data.decode import decode
from sparring.data.images import DataSet, summary
from sparring.data.pictures import decoded, pictures_in
from sparring.errors import RequestError

SIZE = 8


def pixels(seed: int, side: int = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def png(seed: int, side: int = SIZE) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels(seed, side)).save(buffer, "PNG")
    return buffer.getvalue()


PNGS = [png(k) for k in range(60)]


def fill(folder: Path, count: int, start: int = 0, suffix: str = ".png") -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{start + k:02d}{suffix}" for k in range(count)]
    for k, name in enumerate(names):
        (folder / name).write_bytes(PNGS[(start + k) % len(PNGS)])
    return names


def load(path: Path, size: int = SIZE) -> DataSet:
    return catalogue.load(str(path), None, size=size)


def seeds(images: torch.Tensor) -> list[int]:
    """Which of PNGS these images are."""
    known = {pixels(k).transpose(2, 0, 1).tobytes(): k for k in range(len(PNGS))}
    return [known[image.numpy().tobytes()] for image in images]


def labels(dataset: DataSet) -> dict[int, str]:
    """By which of PNGS, the class of each image of both splits."""
    found = {}
    for part in (dataset.train, dataset.test):
        assert part.labels is not None
        names = [part.label_names[k] for k in part.labels.tolist()]
        found |= dict(zip(seeds(part.pixels), names, strict=True))
    return found


# splits


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


# nothing is left out without a word


def test_linked_class_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    for k, kind in enumerate(("ant", "bee", "cow", "dog")):
        fill(tmp_path / "store" / kind, 5, 10 * k)
    root = tmp_path / "set"
    (root / "ant").mkdir(parents=True)
    for k in range(5):
        (root / "ant" / f"{k}.png").symlink_to(tmp_path / "store" / "ant" / f"{k:02d}.png")
    for kind in ("bee", "cow", "dog"):
        (root / kind).symlink_to(tmp_path / "store" / kind)
    (root / "dog" / "up").symlink_to(root)
    found = load(root)
    assert found.train.label_names == ("ant", "bee", "cow", "dog")
    assert len(found.train) + len(found.test) == 20


@pytest.mark.parametrize("kind", [".jfif", ".ppm", ".tga", ".jp2", ".pcx", ".dib", ".apng"])
def test_whatever_pillow_reads_is_read(tmp_path: Path, kind: str) -> None:
    fill(tmp_path / "bee", 6, 10)
    (tmp_path / "ant").mkdir()
    for k in range(6):
        Image.fromarray(pixels(k)).save(tmp_path / "ant" / f"{k}{kind}")
    found = load(tmp_path)
    assert found.train.label_names == ("ant", "bee")
    assert len(found.train) + len(found.test) == 12
    assert "left out" not in summary(found)


def test_what_is_left_out_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for kind, start in (("ant", 0), ("bee", 20), ("cow", 40)):
        fill(tmp_path / kind, 20, start)
        fill(tmp_path / kind, 7, suffix=".xyz")
    (tmp_path / "notes").write_text("x")
    (tmp_path / "ant" / "00.png").write_bytes(b"broken")
    (tmp_path / "loose.png").write_bytes(PNGS[0])
    found = load(tmp_path, 4)
    counts = f"{len(found.train)} train, {len(found.test)} test"
    assert len(found.train) + len(found.test) == 59
    assert summary(found) == (
        f"{tmp_path.name}: {counts}, 3 classes: ant, bee, cow; left out: 21 .xyz, "
        "1 without a suffix, 1 beside the class folders, 1 that do not decode; resized to 4 x 4"
    )
    assert len(caplog.records) == 1
    assert "(ant/00.png): left out" in caplog.records[0].getMessage()
    assert len(pictures_in(tmp_path)) == 61
    assert "left out: 21 .xyz, 1 without a suffix" in caplog.records[1].getMessage()


def test_rows_without_a_label_are_no_class(tmp_path: Path) -> None:
    names = fill(tmp_path, 20)
    rows = [f"{name},{'' if k < 3 else 'ab'[k % 2]}" for k, name in enumerate(names)]
    (tmp_path / "list.csv").write_text("\n".join(["image_name,label", *rows]))
    found = load(tmp_path)
    assert labels(found) == {k: "ab"[k % 2] for k in range(3, 20)}
    assert "left out: 3 rows without a label" in summary(found)


# pixel depth


def deep(folder: Path, values: np.ndarray, kind: str) -> None:
    """One picture of these values [N, H, W] a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, picture in enumerate(values):
        Image.fromarray(picture).save(folder / f"{k:02d}.{kind}")


GREY = np.stack([pixels(k)[:, :, 0] for k in range(12)])
GREY[0] //= 9  # a dark picture stays one
FLOATS = (GREY / np.float32(255)).astype(np.float32)


@pytest.mark.parametrize(
    ("values", "kind", "white"),
    [
        (FLOATS, "tiff", 1),
        (GREY.astype(np.float32), "tiff", 255),
        (GREY.astype(np.int32), "tiff", 255),
        (GREY.astype(np.int32) * 257, "tiff", 65535),
        (GREY.astype(np.uint16) * 16 + 5, "png", 4095),
        (GREY.astype(np.uint16) * 4 + 1, "png", 1023),
        (GREY.astype(np.uint16) * 256 + 77, "png", 65535),
    ],
)
def test_one_scale_for_the_whole_set(
    tmp_path: Path, values: np.ndarray, kind: str, white: float
) -> None:
    deep(tmp_path, values, kind)
    found = load(tmp_path)
    both = torch.cat([found.train.pixels, found.test.pixels])
    expected = {grey.tobytes() for grey in GREY}
    assert {image[0].numpy().tobytes() for image in both} == expected
    assert found.account.white == white
    assert f"white is {white} in pictures of more than 8 bits" in summary(found)
    # Shown to the model that was trained on it, a dark picture is as dark as in training.
    part = next(decoded([("dark", tmp_path / f"00.{kind}")], SIZE, found.account.white))
    assert np.array_equal(part[0][1], np.stack([GREY[0]] * 3))
    # And without a word of the scale, all that are shown together have one.
    shown = [picture for _, picture in next(decoded(pictures_in(tmp_path).items(), SIZE))]
    assert np.array_equal(np.stack(shown)[:, 0], GREY)


def test_values_that_are_no_brightness_are_refused(tmp_path: Path) -> None:
    deep(tmp_path / "signed", FLOATS * 2 - 1, "tiff")
    with pytest.raises(RequestError, match=r"its values go from -1 to .* and black should be 0"):
        load(tmp_path / "signed")


def test_pictures_that_come_out_nearly_one_value_are_refused(tmp_path: Path) -> None:
    for k in range(12):
        mask = (pixels(k) // 26).astype(np.uint8)  # ten classes, as numbers
        Image.fromarray(mask).save(tmp_path / f"{k}.png")
    with pytest.raises(RequestError, match="nearly one value, about 9 of 255: stretch"):
        load(tmp_path)


# CelebA

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


# lists


@pytest.mark.parametrize("image", ["image_name", "file_name", "filename", "image", "Image Path"])
@pytest.mark.parametrize("label", ["label", "Class", "target", "class_name"])
def test_common_headers(tmp_path: Path, image: str, label: str) -> None:
    names = fill(tmp_path / "images", 20)
    rows = [f"{name},{k},{'xy'[k % 2]}" for k, name in enumerate(names)]
    (tmp_path / "list.csv").write_text("\n".join([f"{image},width,{label}", *rows]))
    found = load(tmp_path)
    assert labels(found) == {k: "xy"[k % 2] for k in range(20)}


@pytest.mark.parametrize(
    "row",
    [
        "{k},{k:02d}.png,{c}",
        "{k};{k:02d}.png;{c}",
        "{k}\t{k:02d}.png\t{c}",
        "{k},images/{k:02d}.png,{c}",
        "{k},../images/{k:02d}.png,{c}",
        "{k},/home/me/set/images/{k:02d}.png,{c}",
        "{k},.\\images\\{k:02d}.png,{c}",
        "{k},{k:02d},{c}",
        "{k},{k:02d}.jpg,{c}",
        '{k},"{k:02d}.png","{c}"',
        "{k},{k:02d}.png,{c}.0",
    ],
)
def test_common_ways_to_write_a_row(tmp_path: Path, row: str) -> None:
    fill(tmp_path / "images", 20)
    lines = [row.format(k=k, c=k % 3) for k in range(20)]
    gap = next(gap for gap in ",;\t" if gap in row)
    (tmp_path / "lists").mkdir()
    path = tmp_path / "lists" / "list.csv"
    path.write_text("\r\n".join([gap.join(("", "image_name", "label")), *lines]), "utf-8-sig")
    found = load(tmp_path)
    assert labels(found) == {k: str(k % 3) for k in range(20)}
    assert found.train.fingerprint() == load(path).train.fingerprint()


def test_the_number_of_a_row_is_not_taken_for_the_name_of_an_image(tmp_path: Path) -> None:
    for k in range(20):
        (tmp_path / f"{k}.png").write_bytes(PNGS[k])
    rows = [f"{k},{(7 * k) % 20},{(7 * k) % 20 % 2}" for k in range(20)]
    (tmp_path / "list.csv").write_text("\n".join([",id,label", *rows]))
    assert labels(load(tmp_path)) == {k: str(k % 2) for k in range(20)}


@pytest.mark.parametrize("yes", ["True", "1.0", "1", "true"])
def test_attributes_in_any_spelling(tmp_path: Path, yes: str) -> None:
    names = fill(tmp_path, 20)
    no = {"True": "False", "1.0": "0.0", "1": "-1", "true": "false"}[yes]
    rows = [f"{no if k % 2 else yes},{name},{yes}" for k, name in enumerate(names)]
    (tmp_path / "list.csv").write_text("\n".join(["Smiling,file_name,Male", *rows]))
    found = load(tmp_path)
    assert found.train.label_names == ("Smiling", "Male")
    assert found.train.labels is not None
    assert found.train.labels.tolist() == [[1 - k % 2, 1] for k in seeds(found.train.pixels)]


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
@pytest.mark.parametrize("splits", [("",), ("train/", "test/")])
def test_the_hubs_image_folder(tmp_path: Path, name: str, splits: tuple[str, ...]) -> None:
    for start, split in enumerate(splits):
        names = fill(tmp_path / split, 20, 20 * start)
        rows = [{"file_name": n, "label": "ab"[k % 2], "box": [1]} for k, n in enumerate(names)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        if name.endswith("csv"):
            lines = [f"{row['file_name']},{row['label']}" for row in rows]
            text = "\n".join(["file_name,label", *lines])
        (tmp_path / split / name).write_text(text)
    found = load(tmp_path)
    assert labels(found) == {k: "ab"[k % 2] for k in range(20 * len(splits))}
    if len(splits) == 2:
        assert seeds(found.test.pixels) == list(range(20, 40))


def test_a_column_of_splits_is_obeyed(tmp_path: Path) -> None:
    names = fill(tmp_path, 20)
    splits = ["train"] * 12 + ["valid"] * 3 + ["test"] * 5
    rows = [f"{n},{s},{k % 2}" for k, (n, s) in enumerate(zip(names, splits, strict=True))]
    (tmp_path / "list.csv").write_text("\n".join(["filepath,data set,label", *rows]))
    found = load(tmp_path)
    assert seeds(found.test.pixels) == list(range(15, 20))
    assert len(found.train) == 12
    assert "3 for validation" in summary(found)


def test_a_stray_list_never_wins_over_class_folders_unless_it_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "ant", 10)
    fill(tmp_path / "bee", 10, 10)
    path = tmp_path / "notes.csv"
    path.write_text("date,comment\n1,none\n")
    found = load(tmp_path)
    assert found.train.label_names == ("ant", "bee")
    rows = [f"{k:02d}.png,{'xyz'[k % 3]}" for k in range(20)]
    path.write_text("\n".join(["image,label", *rows]))
    found = load(tmp_path)
    assert found.train.label_names == ("ant", "bee")
    assert f"the folders are the classes; to take notes.csv, name it: {path}" in summary(found)
    assert labels(load(path)) == {k: "xyz"[k % 3] for k in range(20)}


def test_of_several_lists_it_is_said_which_was_taken(tmp_path: Path) -> None:
    names = fill(tmp_path, 20)
    for list_name, count in (("a.csv", 15), ("b.csv", 20)):
        rows = [f"{name},{list_name[0]}{k % 2}" for k, name in enumerate(names[:count])]
        (tmp_path / list_name).write_text("\n".join(["image_name,label", *rows]))
    found = load(tmp_path)
    assert found.train.label_names == ("b0", "b1")
    assert f"labels from b.csv; to take a.csv, name it: {tmp_path / 'a.csv'}" in summary(found)
    other = load(tmp_path / "a.csv")
    assert other.train.label_names == ("a0", "a1")
    assert "5 images without a row" in summary(other)


def test_kaggles_train_and_test_of_which_one_has_labels(tmp_path: Path) -> None:
    fill(tmp_path / "train", 20)
    fill(tmp_path / "test", 8, 20)
    rows = [f"{k:02d},{'ab'[k % 2]}" for k in range(20)]
    (tmp_path / "trainLabels.csv").write_text("\n".join(["id,label", *rows]))
    (tmp_path / "test.csv").write_text("\n".join(["id", *(f"{k}" for k in range(20, 28))]))
    found = load(tmp_path)
    assert labels(found) == {k: "ab"[k % 2] for k in range(20)}
    assert "8 images without a row" in summary(found)


def test_a_list_that_names_nothing_is_told(tmp_path: Path) -> None:
    fill(tmp_path, 20)
    path = tmp_path / "list.csv"
    path.write_text("image_name,label\n" + "".join(f"x{k}.png,a\n" for k in range(20)))
    assert "list.csv labels no image there: it is not used" in summary(load(tmp_path))
    with pytest.raises(RequestError, match=r"no list there names images, such as 00\.png, and"):
        load(path)
    path.write_bytes("image_name,label\n00.png,caf\u00e9\n".encode("latin-1"))
    with pytest.raises(RequestError, match=r"is no UTF-8 text .*: save it as UTF-8"):
        load(tmp_path)
    path.write_text("image_name,label\n" + "".join(f"{k:02d}.png,a,b\n" for k in range(20)))
    with pytest.raises(RequestError, match=r"00\.png has 2 labels, not 1: mend it"):
        load(tmp_path)


# parquet


def parquet(path: Path, rows: range, image: str = "image", **columns: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": PNGS[k], "path": f"{k}.png"} for k in rows], kind)
    pq.write_table(pa.table({image: images} | columns), path)


def test_a_train_split_alone_is_split_and_validation_serves(tmp_path: Path) -> None:
    numbers = [k % 3 for k in range(30)]
    parquet(tmp_path / "a" / "train-00000-of-00001.parquet", range(30), "img", label=numbers)
    found = load(tmp_path / "a")
    assert len(found.train) + len(found.test) == 30
    assert labels(found) == {k: str(k % 3) for k in range(30)}
    parquet(
        tmp_path / "a" / "validation-00000-of-00001.parquet", range(30, 36), "img", label=[0] * 6
    )
    found = load(tmp_path / "a")
    assert seeds(found.test.pixels) == list(range(30, 36))
    assert "no image for testing of 1, 2" in summary(found)
    alone = load(tmp_path / "a" / "train-00000-of-00001.parquet")
    assert len(alone.train) + len(alone.test) == 30


def test_text_labels_and_bool_attributes(tmp_path: Path) -> None:
    words = ["cat" if k % 2 else "dog" for k in range(20)]
    ids = list(range(20))
    parquet(tmp_path / "words" / "train" / "0000.parquet", range(20), label=words, id=ids)
    parquet(tmp_path / "words" / "test" / "0000.parquet", range(20, 40), label=words, id=ids)
    found = load(tmp_path / "words")
    assert labels(found) == {k: "cat" if k % 2 else "dog" for k in range(40)}
    assert seeds(found.test.pixels) == list(range(20, 40))
    smiling, male = [k % 2 == 0 for k in range(20)], [k % 3 == 0 for k in range(20)]
    parquet(tmp_path / "bools" / "data.parquet", range(20), Smiling=smiling, Male=male, id=ids)
    found = load(tmp_path / "bools")
    assert found.train.label_names == ("Smiling", "Male")
    assert found.train.labels is not None
    expected = [[int(k % 2 == 0), int(k % 3 == 0)] for k in seeds(found.train.pixels)]
    assert found.train.labels.tolist() == expected


def test_configurations_and_other_columns_are_named_in_the_refusal(tmp_path: Path) -> None:
    for place in ("full", "small"):
        parquet(
            tmp_path / "set" / place / "train.parquet", range(20), label=[k % 2 for k in range(20)]
        )
    with pytest.raises(
        RequestError, match=r"has the configurations full, small: name one, as .*full"
    ):
        load(tmp_path / "set")
    assert len(load(tmp_path / "set" / "small").train.label_names) == 2
    (tmp_path / "odd").mkdir()
    pq.write_table(
        pa.table({"picture": [b"x"], "score": [0.5]}), tmp_path / "odd" / "train.parquet"
    )
    with pytest.raises(RequestError, match=r"but picture \(binary\), score \(double\): write"):
        load(tmp_path / "odd")
    parquet(tmp_path / "rows" / "train.parquet", range(20), label=[None, *[0, 1] * 9, 0])
    assert "1 rows without a label" in summary(load(tmp_path / "rows"))


# official folders by path


def test_torchvisions_folders_are_known_by_path(tmp_path: Path) -> None:
    from tests.data.formats import test_idx, test_mat, test_usps

    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    test_idx.write(raw, "")
    for place in (raw, tmp_path / "MNIST"):
        found = load(place, 32)
        assert (len(found.train), len(found.test)) == (4, 2)
        assert "padded to 32 x 32" in summary(found)
    (tmp_path / "SVHN").mkdir()
    test_mat.write(tmp_path / "SVHN")
    assert load(tmp_path / "SVHN", 32).train.label_names == tuple("0123456789")
    (tmp_path / "USPS").mkdir()
    test_usps.write_libsvm(tmp_path / "USPS", test_usps.LABELS + 1)
    assert "resized to 32 x 32" in summary(load(tmp_path / "USPS", 32))


def test_a_refusal_names_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "svhn").mkdir()
    for name in ("train_32x32.mat", "readme.txt", "other.mat"):
        (tmp_path / "svhn" / name).write_bytes(b"x")
    with pytest.raises(RequestError, match=r"holds no images \(found: 2 \.mat, 1 \.txt\): put jpg"):
        load(tmp_path / "svhn")
    (tmp_path / "set.tar.gz").write_bytes(b"x")
    with pytest.raises(RequestError, match="is neither a folder nor a zip: name what holds the"):
        load(tmp_path / "set.tar.gz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match=r"holds no images \(it is empty\)"):
        load(tmp_path / "empty")


# small and uneven sets


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


# advice, size


def test_only_a_published_set_can_be_downloaded_again(tmp_path: Path) -> None:
    fill(tmp_path / "set", 20)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in (tmp_path / "set").iterdir():
            archive.write(path, path.name)
    (tmp_path / "set.zip").write_bytes((tmp_path / "set.zip").read_bytes()[:-30])
    with pytest.raises(RequestError, match=r"damaged .* replace it by a whole copy"):
        load(tmp_path / "set.zip")


def test_what_was_done_to_the_shape_is_told(tmp_path: Path) -> None:
    for k in range(20):
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (9, 12, 3), np.uint8)).save(
            tmp_path / f"{k}.png"
        )
    assert summary(load(tmp_path)).endswith(
        "no labels; cropped to the central square; resized to 8 x 8"
    )
    assert summary(load(tmp_path, 9)).endswith("no labels; cropped to the central square")


def test_a_size_is_proposed_from_the_data(tmp_path: Path) -> None:
    for k, side in enumerate((28, 30, 90)):
        for n in range(3):
            (tmp_path / "small").mkdir(exist_ok=True)
            (tmp_path / "small" / f"{k}{n}.png").write_bytes(png(k, side))
            (tmp_path / "large").mkdir(exist_ok=True)
            (tmp_path / "large" / f"{k}{n}.png").write_bytes(png(k, 5 * side))
    (tmp_path / "small" / "broken.png").write_bytes(b"x")
    for name, largest, size in (("small", 64, 32), ("large", 256, 128), ("large", 64, 64)):
        assert catalogue.proposed_size(str(tmp_path / name), None, largest) == size
    fill(tmp_path / "tiny", 9)
    assert catalogue.proposed_size(str(tmp_path / "tiny"), None, 64) == 16
    parquet(tmp_path / "rows" / "train.parquet", range(20))
    assert catalogue.proposed_size(str(tmp_path / "rows"), None, 64) == 16
    kaggle(tmp_path / "celeba")
    assert catalogue.proposed_size("celeba", tmp_path, 64) == 16
    assert catalogue.proposed_size("toy-faces", None, 128) == 64
    assert catalogue.proposed_size("toy-faces", None, 32) == 32


def test_a_picture_is_decoded_alike_in_training_and_prediction(tmp_path: Path) -> None:
    fill(tmp_path, 20)
    found = load(tmp_path, 5)
    shown = dict(next(decoded(pictures_in(tmp_path).items(), 5)))
    both = {image.numpy().tobytes() for image in (*found.train.pixels, *found.test.pixels)}
    assert both == {np.asarray(picture).tobytes() for picture in shown.values()}
    assert np.array_equal(shown["00.png"], decode(PNGS[0], 5))


def test_a_link_that_leads_nowhere_is_a_broken_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, 20)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with caplog.at_level(logging.WARNING, "sparring"):
        assert "1 that do not decode" in summary(load(tmp_path))
    assert "gone.png" in caplog.text
