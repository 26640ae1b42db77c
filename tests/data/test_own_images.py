import logging
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.data import catalogue
from sparring.data.decode import decode
from sparring.data.images import summary
from sparring.data.pictures import decoded, pictures_in
from sparring.errors import RequestError
from tests.data.own import PNGS, fill, labels, load, parquet, pixels, png


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
