import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from sparring.data import catalogue, standins
from sparring.data.images import DataSet, Images
from sparring.errors import RequestError


def images(names: tuple[str, ...] = ("A", "B", "C"), count: int = 4, size: int = 4) -> Images:
    labels = torch.arange(count * len(names)).reshape(count, -1) // 2 % 2
    return Images(torch.zeros(count, 3, size, size, dtype=torch.uint8), labels, names)


def faces() -> DataSet:
    return DataSet("faces", "real", images(), images(count=2), mirror=True)


def digits(name: str, names: tuple[str, ...]) -> DataSet:
    part = Images(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), torch.tensor([0]), names)
    return DataSet(name, "real", part, part)


def frame(value: int) -> np.ndarray:
    """A picture of many values whose first pixel is `value`."""
    made = np.arange(0, 240, 5, dtype=np.uint8).reshape(4, 4, 3)
    made[0, 0] = value
    return made


def pictures(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for i in range(count):
        Image.fromarray(frame(i)).save(folder / f"{i:02d}.png")


def write_svhn(data: Path) -> None:
    (data / "svhn").mkdir()
    for split in ("train", "test"):
        X, y = np.zeros((32, 32, 3, 2), np.uint8), np.array([[10], [3]])
        savemat(data / "svhn" / f"{split}_32x32.mat", {"X": X, "y": y})


def test_a_real_set_is_found_and_loaded(tmp_path: Path) -> None:
    assert not catalogue.find("svhn", tmp_path)
    write_svhn(tmp_path)
    assert catalogue.find("svhn", tmp_path)
    svhn = catalogue.load("svhn", tmp_path, size=32)
    assert (svhn.name, svhn.kind, svhn.mirror, svhn.train.size) == ("svhn", "real", False, 32)
    assert svhn.test.labels is not None
    assert svhn.test.labels.tolist() == [0, 3]


def test_a_real_set_that_is_not_there_tells_what_to_put_where(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        catalogue.load("svhn", None, size=32)
    assert str(caught.value) == (
        "svhn is a real set, and --data DIR is not given: put train_32x32.mat and test_32x32.mat, "
        "or train-*.parquet and test-*.parquet into DIR/svhn, or ask for its stand-in street-digits"
    )
    with pytest.raises(RequestError, match=f"not in {tmp_path}/mnist: put .*ubyte.gz into"):
        catalogue.load("mnist", tmp_path, size=32)


@pytest.mark.parametrize("name", list(catalogue.REAL))
def test_every_real_set_has_an_error_of_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(RequestError) as caught:
        catalogue.load(name, tmp_path, size=32)
    assert "\n" not in str(caught.value)


def test_unknown_names_are_met_with_the_nearest() -> None:
    with pytest.raises(RequestError, match="unknown data set 'mnst-m': did you mean 'mnist-m'"):
        catalogue.load("mnst-m", None, size=32)
    with pytest.raises(RequestError, match="no/such/folder does not exist"):
        catalogue.load("no/such/folder", None, size=32)


def test_places_that_cannot_be_are_one_line() -> None:
    for name in ("~stranger-there-is-none/x", "x" * 5000 + "/y"):
        with pytest.raises(RequestError):
            catalogue.load(name, None, size=32)


def test_stand_ins_are_loaded_at_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = DataSet("toy-faces", "stand-in", images(size=16), images(size=16), mirror=True)
    monkeypatch.setattr(standins, "load", lambda *asked: {("toy-faces", 16): drawn}[asked])
    assert catalogue.load("toy-faces", None, size=16) is drawn


def test_own_folders_are_told_by_their_content(tmp_path: Path) -> None:
    pictures(tmp_path / "flat", 20)
    flat = catalogue.load(str(tmp_path / "flat"), None, size=4)
    assert (flat.name, flat.train.labels, flat.mirror) == ("flat", None, False)

    pictures(tmp_path / "classes" / "a", 20)
    pictures(tmp_path / "classes" / "b", 20)
    assert catalogue.load(str(tmp_path / "classes"), None, size=4).train.label_names == ("a", "b")

    pictures(tmp_path / "listed" / "images", 20)
    rows = "".join(f"{i:02d}.png,{'x' if i % 2 else 'y'}\n" for i in range(20))
    (tmp_path / "listed" / "labels.csv").write_text("image_name,label\n" + rows)
    assert catalogue.load(str(tmp_path / "listed"), None, size=4).train.label_names == ("x", "y")

    pictures(tmp_path / "celeb" / "img_align_celeba", 20)
    attributes = "".join(f"{i:02d}.png -1\n" for i in range(20))
    (tmp_path / "celeb" / "list_attr_celeba.txt").write_text("20\nYoung\n" + attributes)
    celeb = catalogue.load(str(tmp_path / "celeb"), None, size=4)
    assert (celeb.train.label_names, celeb.mirror) == (("Young",), True)


def test_own_sets_are_called_after_their_whole_folder(tmp_path: Path) -> None:
    for name in ("v1.0", "v1.5"):
        pictures(tmp_path / name, 20)
        assert catalogue.load(str(tmp_path / name), None, size=4).name == name
    with zipfile.ZipFile(tmp_path / "v2.0.zip", "w") as archive:
        for path in (tmp_path / "v1.0").iterdir():
            archive.write(path, path.name)
    assert catalogue.load(str(tmp_path / "v2.0.zip"), None, size=4).name == "v2.0"


def test_names_in_records_never_collide(tmp_path: Path) -> None:
    def names(*asked: str) -> tuple[str, ...]:
        paths = [str(tmp_path / name) if "/" in name else name for name in asked]
        return catalogue.distinct_names(paths)

    assert names("a/digits", "b/digits") == ("a/digits", "b/digits")
    assert names("b/digits", "a/digits", "b/digits") == ("b/digits", "a/digits", "b/digits")
    assert names("x/v1.0", "x/v1.5", "mnist") == ("v1.0", "v1.5", "mnist")
    assert names("a/z/digits", "a/digits", "b/z/digits") == ("a/z/digits", "a/digits", "b/z/digits")
    assert names("own/mnist") == ("own/mnist",)
    assert len(set(names("a/digits", "a/digits.zip"))) == 2


def test_a_target_is_renumbered_to_the_sources_classes() -> None:
    source = digits("s", ("cat", "caf\u00e9", "ox"))
    part = Images(torch.zeros(3, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 1, 1]), ("x", "y"))
    part = replace(part, label_names=("ox", "cafe\u0301"))
    aligned = catalogue.align(source, DataSet("t", "real", part, part.unlabelled()))
    assert aligned.train.labels is not None
    assert aligned.train.labels.tolist() == [2, 1, 1]
    assert aligned.train.label_names == aligned.test.label_names == source.train.label_names
    assert aligned.test.labels is None


def test_a_target_without_labels_stays_and_one_of_other_classes_is_refused() -> None:
    source = digits("a", ("x", "y"))
    bare = digits("b", ()).unlabelled()
    assert catalogue.align(source, bare) is bare
    with pytest.raises(RequestError, match="b has classes that a lacks: z: name them alike"):
        catalogue.align(source, digits("b", ("y", "z", "x")))
    with pytest.raises(RequestError, match="faces has attributes"):
        catalogue.align(source, faces())


def test_a_flat_target_loads_without_labels_and_its_class_folders_serve_for_testing(
    tmp_path: Path,
) -> None:
    for split in ("train", "test"):
        pictures(tmp_path / "source" / split / "10", 1)
        pictures(tmp_path / "source" / split / "9", 2)
    pictures(tmp_path / "target" / "train", 3)
    pictures(tmp_path / "target" / "test" / "10", 1)
    pictures(tmp_path / "target" / "test" / "09", 1)
    (tmp_path / "target" / "test" / "09").rename(tmp_path / "target" / "test" / "9")
    source, target = (
        catalogue.load(str(tmp_path / name), None, size=4) for name in ("source", "target")
    )
    assert source.train.label_names == ("9", "10")
    aligned = catalogue.align(source, target)
    assert aligned.train.labels is None
    assert aligned.test.labels is not None
    assert aligned.test.labels.tolist() == [1, 0]


def test_attributes_are_picked_in_the_order_asked_for() -> None:
    whole = faces()
    assert catalogue.attributes(whole, "all") == whole
    picked = catalogue.attributes(whole, "C, A,C")
    assert whole.test.labels is not None
    assert picked.test.labels is not None
    assert picked.test.label_names == picked.train.label_names == ("C", "A")
    assert torch.equal(picked.test.labels, whole.test.labels[:, [2, 0]])
    assert picked.test.labels.ndim == 2


def test_all_stands_for_those_not_yet_named() -> None:
    whole = faces()
    assert whole.train.labels is not None
    first = catalogue.attributes(whole, "B,all").train
    assert first.label_names == ("B", "A", "C")
    assert first.labels is not None
    assert torch.equal(first.labels, whole.train.labels[:, [1, 0, 2]])
    assert catalogue.attributes(whole, "all,C").train.label_names == ("A", "B", "C")


def test_attributes_that_are_not_there() -> None:
    with pytest.raises(RequestError, match="unknown attribute or class 'a': "):
        catalogue.attributes(faces(), "A,a")
    bare = digits("d", ("x",))
    bare = replace(bare, train=bare.train.unlabelled(), test=bare.test.unlabelled())
    with pytest.raises(RequestError, match="d has no labels"):
        catalogue.attributes(bare, "x")


def test_exclusive_classes_stay_classes() -> None:
    labels = torch.tensor([2, 0, 1, 2])
    pixels = torch.arange(4, dtype=torch.uint8)[:, None, None, None].expand(4, 3, 4, 4)
    part = Images(pixels, labels, ("x", "y", "z"))
    whole = DataSet("d", "real", part, part)
    assert catalogue.attributes(whole, "all") is whole
    picked = catalogue.attributes(whole, "z, x").train
    assert picked.label_names == ("z", "x")
    assert picked.kind == "classes"
    assert picked.labels is not None
    assert picked.labels.tolist() == [0, 1, 0]
    assert picked.pixels[:, 0, 0, 0].tolist() == [0, 1, 3]


REAL_DATA = os.environ.get("SPARRING_DATA")


@pytest.mark.skipif(REAL_DATA is None, reason="SPARRING_DATA names no folder of real sets")
@pytest.mark.parametrize(
    ("name", "size", "train", "test"),
    [
        ("mnist", 32, 60_000, 10_000),
        ("meter-digits", 32, 11_732, 3_035),
        ("celeba", 64, 7_498, 1_000),
    ],
)
def test_real_sets(name: str, size: int, train: int, test: int) -> None:
    real = catalogue.load(name, Path(REAL_DATA or ""), size=size)
    assert (len(real.train), len(real.test)) == (train, test)
    assert real.train.labels is not None
    assert real.train.pixels.shape == (train, 3, size, size)
    if name == "celeba":
        young = real.train.label_names.index("Young")
        assert real.train.labels.shape == (train, 40)
        assert 0.7 < real.train.labels[:, young].float().mean() < 0.85
    else:
        assert real.train.labels.unique().tolist() == list(range(10))
