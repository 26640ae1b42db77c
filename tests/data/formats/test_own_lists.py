import json
from pathlib import Path

import pytest

from sparring.data.images import summary
from sparring.errors import RequestError
from tests.data.own import PNGS, fill, labels, load, seeds


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
    assert found.train.fingerprint == load(path).train.fingerprint


def test_the_number_of_a_row_is_not_taken_for_the_name_of_an_image(tmp_path: Path) -> None:
    for k in range(20):
        (tmp_path / f"{k}.png").write_bytes(PNGS[k])
    rows = [f"{k},{(7 * k) % 20},{(7 * k) % 20 % 3}" for k in range(20)]
    (tmp_path / "list.csv").write_text("\n".join([",id,label", *rows]))
    assert labels(load(tmp_path)) == {k: str(k % 3) for k in range(20)}


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


@pytest.mark.parametrize("name", ["train_test_split.csv", "train.csv"])
def test_a_column_of_splits_counts_more_than_the_name_of_the_list(
    tmp_path: Path, name: str
) -> None:
    paths = [f"train/{n}" for n in fill(tmp_path / "train", 15)]
    paths += [f"test/{n}" for n in fill(tmp_path / "test", 5, 15)]
    rows = [f"{n},{k % 2},{'test' if k < 5 else 'train'}" for k, n in enumerate(paths)]
    (tmp_path / name).write_text("\n".join(["file,label,split", *rows]))
    found = load(tmp_path)
    assert seeds(found.test.pixels) == list(range(5))
    whole = name == "train_test_split.csv"  # else it is for the images in train/
    assert seeds(found.train.pixels) == list(range(5, 20 if whole else 15))


def test_a_line_of_json_ends_where_its_file_says(tmp_path: Path) -> None:
    names = fill(tmp_path, 20)
    rows = [{"file_name": n, "label": "ab"[k % 2], "text": "x\u2028"} for k, n in enumerate(names)]
    text = "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "metadata.jsonl").write_text(text, "utf-8", newline="")
    assert labels(load(tmp_path)) == {k: "ab"[k % 2] for k in range(20)}


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


def test_the_hubs_list_counts_beside_class_folders_too(tmp_path: Path) -> None:
    for folder, start in (("part_1", 0), ("part_2", 10)):
        fill(tmp_path / folder, 10, start)
    rows = [f"part_{1 + k // 10}/{k:02d}.png,{'xy'[k % 2]}" for k in range(20)]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    assert labels(load(tmp_path)) == {k: "xy"[k % 2] for k in range(20)}


def test_a_column_of_captions_is_no_class(tmp_path: Path) -> None:
    names = fill(tmp_path, 20)
    rows = [f"{name},picture {k} of many" for k, name in enumerate(names)]
    (tmp_path / "metadata.csv").write_text("\n".join(["file_name,text", *rows]))
    found = load(tmp_path)
    assert found.train.labels is None
    assert "metadata.csv labels no image there: it is not used" in summary(found)


def test_an_image_in_two_lists_is_refused(tmp_path: Path) -> None:
    names = fill(tmp_path, 20)
    for split in ("train", "test"):
        rows = [f"{name},{k % 2}" for k, name in enumerate(names)]
        (tmp_path / f"{split}.csv").write_text("\n".join(["image_name,label", *rows]))
    with pytest.raises(RequestError, match="there are images in more than one list"):
        load(tmp_path)


def test_a_list_without_a_header_is_refused(tmp_path: Path) -> None:
    names = fill(tmp_path, 20)
    (tmp_path / "list.csv").write_text("\n".join(f"{n},{k % 2}" for k, n in enumerate(names)))
    with pytest.raises(RequestError, match=r"list\.csv has no header: begin it 'image_name,label'"):
        load(tmp_path)


def test_one_column_for_each_class_in_each_split(tmp_path: Path) -> None:
    for start, split in enumerate(("train", "valid", "test")):
        names = fill(tmp_path / split, 10, 10 * start)
        rows = [f"{name}, {k % 2}, {1 - k % 2}" for k, name in enumerate(names)]
        (tmp_path / split / "_classes.csv").write_text("\n".join(["filename, Ant, Bee", *rows]))
    found = load(tmp_path)
    assert found.train.label_names == ("Ant", "Bee")
    assert (seeds(found.train.pixels), seeds(found.test.pixels)) == (
        list(range(10)),
        list(range(20, 30)),
    )
    assert found.test.labels is not None
    assert found.test.labels.tolist() == [[k % 2, 1 - k % 2] for k in range(10)]


def test_where_no_column_is_called_label_it_is_asked_for(tmp_path: Path) -> None:
    names = fill(tmp_path, 20)
    rows = [f"{name},20,{'xy'[k % 2]}" for k, name in enumerate(names)]
    (tmp_path / "list.csv").write_text("\n".join(["image,width,species", *rows]))
    with pytest.raises(RequestError, match="'20' in the column 'width' is none of 0, 1, -1: mend"):
        load(tmp_path)
    rows = [row.replace(",20", "") for row in rows]
    (tmp_path / "list.csv").write_text("\n".join(["image,species", *rows]))
    assert load(tmp_path).train.label_names == ("x", "y")
