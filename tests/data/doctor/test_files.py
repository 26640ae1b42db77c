from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from sparring.data import catalogue, mnist_m
from sparring.data.doctor import examine, facts, read
from sparring.errors import RequestError
from tests.data.doctor.maker import bare, folder, images, kinds, picture


def test_a_set_without_faults_has_none_and_its_facts_are_told(tmp_path: Path) -> None:
    subject = read(str(folder(tmp_path / "photos")), None, 32)
    assert examine(subject) == []
    told = facts(subject)
    assert (told.set, told.train, told.test) == ("photos", 80, 80)
    assert told.classes == {"ant": (40, 40), "bee": (40, 40)}
    assert (told.formats, told.sizes) == ({"PNG RGB": 160}, {"48x48": 160})
    assert 0 <= told.lowest < 20
    assert 235 < told.highest <= 255
    assert np.allclose(told.mean, 127, atol=8)
    assert "ant 80, bee 80" in told.line()


def test_files_that_do_not_decode_are_counted_and_named(tmp_path: Path) -> None:
    root = folder(tmp_path / "photos")
    whole = root / "train" / "ant" / "07.png"
    whole.write_bytes(whole.read_bytes()[:-900])
    (root / "train" / "bee" / "00.png").write_text("no picture")
    subject = read(str(root), None, 32)
    found = examine(subject)
    assert [(one.kind, one.count) for one in found] == [("undecodable", 2)]
    shown = [one for (one,) in found[0].examples]
    assert [(bare(one.file), one.split, one.index) for one in shown] == [
        ("ant/07.png", "train", None),
        ("bee/00.png", "train", None),
    ]
    assert "truncated" in shown[0].why
    assert "2 files of 160 cannot be decoded" in found[0].line()
    assert "ant/07.png, " in found[0].line()
    # The names of those that do decode still fit.
    assert bare(subject.shown("train", 7).file) == "ant/08.png"
    assert bare(subject.shown("train", 39).file) == "bee/01.png"
    assert subject.shown("train", 39).label == "bee"
    pixels = np.asarray(picture(10_001).resize((32, 32), Image.Resampling.BILINEAR))
    assert np.array_equal(subject.data.train.pixels[39].permute(1, 2, 0), pixels)


def test_many_broken_files_are_an_error(tmp_path: Path) -> None:
    root = folder(tmp_path / "photos", 20)
    for k in range(10):
        (root / "train" / "bee" / f"{k:02}.png").write_bytes(b"")
    assert kinds(examine(read(str(root), None, 32))) == {"undecodable": ("error", 10)}


def test_few_broken_files_are_a_warning(tmp_path: Path) -> None:
    root = folder(tmp_path / "photos", 50)
    (root / "test" / "bee" / "00.png").write_bytes(b"")
    assert kinds(examine(read(str(root), None, 32))) == {"undecodable": ("warning", 1)}


def test_reading_for_training_still_refuses_afterwards(tmp_path: Path) -> None:
    root = folder(tmp_path / "photos", 4)
    for k in range(2):
        (root / "test" / "bee" / f"{k:02}.png").write_bytes(b"")
    read(str(root), None, 32)
    with pytest.raises(RequestError, match="do not decode"):
        catalogue.load(str(root), None, size=32)


@pytest.mark.parametrize(
    ("mode", "kind", "severity"),
    [("I;16", "mixed-depth", "warning"), ("L", "mixed-colour", "note")],
)
def test_files_of_another_mode_are_told(
    mode: str, kind: str, severity: str, tmp_path: Path
) -> None:
    root = folder(tmp_path / "photos", 12)
    place = root / "train" / "ant" / "03.png"
    grey = np.asarray(picture(3).convert("L"))
    wide = grey.astype(np.uint16) * 257 if mode == "I;16" else grey
    Image.fromarray(wide).save(place)
    (finding,) = examine(read(str(root), None, 32))
    assert (finding.kind, finding.severity, finding.count) == (kind, severity, 1)
    ((shown,),) = finding.examples
    assert (bare(shown.file), shown.index, shown.why) == ("ant/03.png", 3, f"PNG {mode}")


def test_a_zip_and_parquet_have_names_too(tmp_path: Path) -> None:
    root = folder(tmp_path / "photos", 4)
    with ZipFile(tmp_path / "packed.zip", "w") as archive:
        for path in sorted(root.rglob("*.png")):
            archive.write(path, path.relative_to(root))
    packed = read(str(tmp_path / "packed.zip"), None, 32)
    assert bare(packed.shown("test", 4).file) == "bee/00.png"
    part = images([picture(k) for k in range(4)], [0, 1, 0, 1])
    for split in ("train", "test"):
        mnist_m.write_parquet(tmp_path / "rows" / f"{split}.parquet", part)
    assert read(str(tmp_path / "rows"), None, 32).shown("test", 2).file == "test.parquet row 2"
