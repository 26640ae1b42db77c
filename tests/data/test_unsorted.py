import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import unsorted
from sparring.errors import RequestError
from sparring.runs import predictions
from tests.cli.folders import CLASSES, mixed, picture


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> unsorted.Unsorted:
    return unsorted.read(mixed(tmp_path_factory.mktemp("mixed") / "photos", each=2), 16)


def test_every_picture_counts_whatever_folder_it_lies_in(target: unsorted.Unsorted) -> None:
    names = [f"camera {c}/{number}-{c}.png" for c in (0, 1) for number in range(3)]
    assert target.readable == names
    assert list(target.files) == sorted([*names, "camera 0/1-x.png"])
    assert target.pixels.shape == (6, 3, 16, 16)
    dataset = target.dataset
    assert dataset.train is dataset.test
    assert (dataset.train.labels, dataset.train.label_names) == (None, ())
    assert "6 images in 2 folder(s), 1 that cannot be read" in target.told


def test_pixels_are_those_of_their_file(target: unsorted.Unsorted) -> None:
    one = unsorted.read(target.place / "camera 1" / "2-1.png", 16)
    assert (one.pixels[0] == target.pixels[-1]).all()


def test_answers_stand_at_their_files(target: unsorted.Unsorted) -> None:
    chances = np.arange(12.0).reshape(6, 2)
    found = dict(target.answers(chances))
    assert isinstance(found.pop("camera 0/1-x.png"), str)
    assert np.array_equal(np.stack(list(found.values())), chances)


def test_a_list_labels_what_it_names(target: unsorted.Unsorted, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "\ufefffile,note,label\ncamera 1/2-1.png,x,cow\ncamera 0/0-0.png,y, ant \n"
        "camera 0/1-0.png,,\ncamera 0/1-x.png,z,bee\nother.png,,ant\n"
    )
    found = unsorted.labelled(target, path, CLASSES)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 2]
    assert (found.pixels == target.pixels[[0, 5]]).all()
    path.write_text("file_name,what\ncamera 0/1-0.png,bee\n")
    found = unsorted.labelled(target, path, CLASSES)
    assert found.labels is not None
    assert found.labels.tolist() == [1]


def test_a_name_may_have_what_breaks_lines_elsewhere(tmp_path: Path) -> None:
    names = ["a\nb.png", "a\u2028c.png", 'a,"d".png']
    for number, name in enumerate(names):
        picture(tmp_path / "odd" / name, 1, number)
    path, image = tmp_path / "predictions.csv", np.array([0.25, 0.75, 0.0], np.float32)
    predictions.write(path, CLASSES, [(name, image) for name in names])
    found = unsorted.labelled(unsorted.read(tmp_path / "odd", 8), path, CLASSES)
    assert found.labels is not None
    assert found.labels.tolist() == [1, 1, 1]


def test_labels_that_do_not_count_are_told(
    target: unsorted.Unsorted, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("file_name;label\ncamera 0/0-0.png;ant\n0-1.png;bee\ncamera 0/1-x.png;ant\n")
    assert len(unsorted.labelled(target, path, CLASSES)) == 1
    assert "2 of 3 labels do not count" in caplog.text
    assert "(0-1.png)" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "begins ''"),
        ("camera 0/0-0.png,ant\ncamera 0/1-0.png,bee\n", "begin it 'file_name,label'"),
        ("f,label\ncamera 0/0-0.png,ant\ncamera 0/0-0.png,bee\n", "the labels 'ant' and 'bee'"),
        ("file_name\na.png\n", "begin it 'file_name,label'"),
        ("file_name,label\na.png,ant\n", "labels no image of .* such as camera 0/0-0.png"),
        ("file_name,label\ncamera 0/0-0.png,\n", "labels no image"),
        ("file_name,label\ncamera 0/0-0.png,wasp\n", "'wasp', which is no class of the source"),
    ],
)
def test_a_list_that_cannot_be_used(
    target: unsorted.Unsorted, text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(RequestError, match=message):
        unsorted.labelled(target, tmp_path / "list.csv", CLASSES)


def test_what_is_found_in_a_single_folder(tmp_path: Path) -> None:
    picture(tmp_path / "flat" / "a.png", 1, 0)
    assert "1 images in 1 folder(s), 0 that cannot" in unsorted.read(tmp_path / "flat", 8).told


def test_a_zip_is_read_as_the_folder_is(target: unsorted.Unsorted, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", target.place))
    found = unsorted.read(packed, 16)
    assert found.files.keys() == target.files.keys()
    assert found.readable == target.readable
    assert (found.pixels == target.pixels).all()


def test_the_set_knows_what_was_white_in_it(tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16)
    for name, values in (("bright", grey * 16), ("dark", grey)):
        Image.fromarray(values).save(tmp_path / f"{name}.png")
    found = unsorted.read(tmp_path, 16)
    assert found.dataset.account.white == 4095
    assert torch.equal(found.pixels[1, 0], torch.from_numpy(grey // 16).byte())
    assert unsorted.read(tmp_path, 16, white=65535).dataset.account.white == 65535
