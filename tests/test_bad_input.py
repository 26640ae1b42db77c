"""Wrong requests through the command line: one line, exit code 2, and nothing left behind."""

import gzip
import io
import os
import shutil
import sys
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from scipy.io import savemat

from sparring import cli, runtime
from sparring.cli import train


def _png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


PNGS = [_png(seed) for seed in range(40)]


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def class_folders(root: Path, classes: tuple[str, ...] = ("a", "b"), count: int = 4) -> Path:
    for split in ("train", "test"):
        for name in classes:
            for k in range(count):
                put(root / split / name / f"{k}.png", PNGS[k])
    return root


def flat(root: Path, count: int) -> Path:
    for k in range(count):
        put(root / f"{k}.png", PNGS[k % len(PNGS)])
    return root


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def parquets(root: Path, first_label: int = 0) -> Path:
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": png, "path": str(k)} for k, png in enumerate(PNGS)]
    labels = [first_label + k % 10 for k in range(len(PNGS))]
    root.mkdir(parents=True)
    table = pa.table({"image": pa.array(rows, image), "label": pa.array(labels)})
    for split in ("train", "test"):
        pq.write_table(table, root / f"{split}.parquet")
    return root


def faces(root: Path, broken: int = 0, value: str = "1", count: int = 100) -> Path:
    names = [f"{k:06}.jpg" for k in range(count)]
    root.mkdir(parents=True)
    with zipfile.ZipFile(root / "img_align_celeba.zip", "w") as archive:
        for k, name in enumerate(names):
            archive.writestr(name, b"junk" if k < broken else PNGS[k % len(PNGS)])
    rows = "".join(f"{name} {value} -1\n" for name in names)
    (root / "list_attr_celeba.txt").write_text(f"{count}\nSmiling Male\n{rows}")
    return root


def listed(root: Path, header: str, row: str, rows: int) -> Path:
    flat(root, 20)
    lines = "".join(f"{k}.png,{row}\n" for k in range(rows))
    (root / "list.csv").write_text(f"{header}\n{lines}")
    return root


class Outcome(namedtuple("Outcome", "code lines")):
    code: int
    lines: list[str]


Cli = Callable[..., Outcome]


@pytest.fixture
def sparring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Cli:
    """Runs a command; gives its exit code and the lines on stderr but those on the data used."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runtime.Machine, "set_up", lambda machine: None)  # of this process
    monkeypatch.setattr(runtime, "busy", lambda threads: None)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["sparring", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        lines = capsys.readouterr().err.splitlines()
        assert isinstance(stopped.value.code, int)
        return Outcome(stopped.value.code, [line for line in lines if not _told(line)])

    return run


def _told(line: str) -> bool:
    """Whether a line is about the data that were found, not about a mistake."""
    data = ("(stand-in;", " test, ", "error: ", "warning: ", "to see the pictures: ")
    return any(words in line for words in data)


def refused(outcome: Outcome, *messages: str) -> None:
    assert outcome.code == 2
    assert len(outcome.lines) == 1, outcome.lines
    assert outcome.lines[0].startswith("sparring: ")
    for message in messages:
        assert message in outcome.lines[0]
    assert not Path("out").exists()


DANN = ("train", "dann", "--steps", "1", "--batch-size", "4", "--out", "out")
DCGAN = ("train", "dcgan", "--width", "4", "--steps", "1", "--batch-size", "4", "--out", "out")
ACGAN = ("train", "acgan", "--width", "4", "--steps", "1", "--batch-size", "4", "--out", "out")


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (
            ("train",),
            ("Expected one of {dcgan, acgan, dann, dsn, mean-teacher", "sparring train --help"),
        ),
        (("reproduce", "--budget", "huge"), ("invalid choice 'huge'", "'quick'")),
        (("reproduce", "--seeds", "x"), ("Error parsing --seeds", "'x'")),
        (("report",), ("Missing from sparring report: PATH",)),
        ((*DANN, "--target", "b"), ("Missing from sparring train dann: --source STR",)),
        ((*DANN, "--source", "./a", "--target", "a/"), ("a/ is both source and target",)),
        ((*DANN, "--source"), ("Missing value for argument '--source'",)),
        ((*DANN, "--source", "a", "--target", "b", "--stepz", "1"), ("meant: --steps", "--help")),
        (("train", "dcgan", "--images", "a", "--steps", "abc"), ("--steps", "'abc'", "--help")),
        (("a\nb",), (r"unknown command 'a\nb'",)),
        ((*DCGAN, "--images", "a\udcff"), (r"'a\udcff' is not UTF-8",)),
        ((*DCGAN, "--images", ""), ("unknown data set ''",)),
        ((*DCGAN, "--images", "x" * 300), ("File name too long",)),
        ((*DCGAN, "--images", "~no-such-user/x"), ("there can be no data set at ~no-such-user/x",)),
        ((*DCGAN, "--images", "./no\nwhere"), (r"no\nwhere does not exist",)),
        (
            (*DANN, "--source", "mnist", "--target", "svhn", "--data", "no"),
            ("there is no such folder",),
        ),
    ],
)
def test_a_command_line_that_cannot_be_meant(
    arguments: tuple[str, ...], messages: tuple[str, ...], sparring: Cli
) -> None:
    refused(sparring(*arguments), *messages)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--steps", "0"), "--steps must be at least 1"),
        (("--batch-size", "1"), "--batch-size at least 2"),
        (("--seed", "-1"), "--seed must lie in 0..4294967295"),
        (("--seed", "4294967296"), "--seed must lie in 0..4294967295"),
        (("--width", "0"), "--width must be at least 1, not 0"),
        (("--noise-size", "-3"), "--noise-size must be at least 1"),
        (("--learning-rate", "nan"), "--learning-rate must be a number from 0 up"),
        (("--learning-rate", "-1"), "--learning-rate must be a number from 0 up"),
        (("--betas", "0.5", "1"), "--betas must be at least 0 and less than 1"),
    ],
)
def test_a_setting_out_of_range(options: tuple[str, ...], message: str, sparring: Cli) -> None:
    refused(sparring("train", "dcgan", "--images", "toy-faces", "--out", "out", *options), message)


def test_an_out_that_cannot_be_used(
    tmp_path: Path, sparring: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = class_folders(tmp_path / "images")
    put(tmp_path / "other/notes.txt", b"mine")
    ask = ("train", "dcgan", "--images", images, "--out")
    refused(sparring(*ask, "other"), "other holds something else")
    refused(sparring(*ask, "other/notes.txt"), "notes.txt is a file")
    refused(sparring(*ask, "other/notes.txt/deep/out"), "notes.txt is a file")
    refused(sparring(*ask, "x" * 300), "File name too long")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=10))
    refused(sparring(*ask, "out"), "free")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "other"]


def test_damaged_files_are_named(tmp_path: Path, sparring: Cli) -> None:
    mnist, svhn, usps = (tmp_path / name for name in ("mnist", "svhn", "usps"))
    for split in ("train", "t10k"):
        put(mnist / f"{split}-images-idx3-ubyte.gz", gzip.compress(os.urandom(500))[:200])
        put(mnist / f"{split}-labels-idx1-ubyte.gz", gzip.compress(bytes(9)))
    svhn.mkdir()
    for split in ("train", "test"):
        pixels = np.zeros((32, 32, 3, 20), np.uint8)
        savemat(svhn / f"{split}_32x32.mat", {"X": pixels, "y": np.ones((20, 1), np.uint8)})
    usps.mkdir()
    with h5py.File(usps / "usps.h5", "w") as file:
        file["train/data"] = np.zeros((20, 256), np.float32)
    parquets(tmp_path / "mnist_m")
    faces(tmp_path / "celeba")
    for name in ("svhn/test_32x32.mat", "usps/usps.h5", "mnist_m/test.parquet"):
        cut(tmp_path / name)
    cut(tmp_path / "celeba/img_align_celeba.zip")
    for name, file_name in (
        ("mnist", "train-images-idx3-ubyte.gz"),
        ("svhn", "test_32x32.mat"),
        ("usps", "usps.h5"),
        ("mnist-m", "test.parquet"),
    ):
        outcome = sparring(*DANN, "--source", name, "--target", "photo-digits", "--data", ".")
        refused(outcome, file_name, "damaged")
    refused(sparring(*DCGAN, "--images", "celeba", "--data", "."), "celeba.zip is damaged")


def test_labels_and_lists_that_do_not_fit(tmp_path: Path, sparring: Cli) -> None:
    parquets(tmp_path / "mnist_m", first_label=1)
    digits = (*DANN, "--source", "mnist-m", "--target", "photo-digits", "--data", ".")
    refused(sparring(*digits), "label 10 of image 9 is not in 0..9")
    faces(tmp_path / "celeba", value="2")
    refused(sparring(*DCGAN, "--images", "celeba", "--data", "."), "has the label '2'")
    faces(tmp_path / "more/celeba", broken=6)
    broken = sparring(*DCGAN, "--images", "celeba", "--data", "more")
    refused(broken, "do not decode (000001.jpg, ", "repair or remove them")
    for header, row, rows, message in (
        ("image_name,label", "a,b", 20, "0.png has 2 labels, not 1"),
        (
            "image_name,A,B",
            "0,7",
            20,
            "'7' in the column 'B' is none of 0, 1, -1: mend it, or call",
        ),
        ("image_name,A,A", "0,1", 20, "the names of attributes, each once"),
        ("image_name,A,B", "0,1", 20, "unknown attribute or class 'C'"),
    ):
        own = listed(tmp_path / "listed", header, row, rows)
        refused(sparring(*ACGAN, "--images", own, "--labels", "C"), message)
    refused(sparring(*ACGAN, "--images", own, "--labels", ""), "learns from labels: name some")


def test_folders_that_are_no_set(tmp_path: Path, sparring: Cli) -> None:
    left = class_folders(tmp_path / "left")
    other = class_folders(tmp_path / "other", ("a", "c"))
    bare = flat(tmp_path / "bare", 20)
    (tmp_path / "empty").mkdir()
    ask = (*DANN, "--source", left, "--target")
    refused(sparring(*ask, other), "other has classes that left lacks: c")
    refused(sparring(*ask, tmp_path / "empty"), "empty holds no images")
    refused(sparring(*ACGAN, "--images", bare), "bare has no labels")
    put(bare / "labels.csv", b"image,label\nother.jpg,a\n")
    lists = (
        "no class labels on its train images",
        "(labels.csv labels no image there: it is not used)",
    )
    refused(sparring(*DANN, "--source", bare, "--target", left), *lists)
    refused(sparring(*DCGAN, "--images", flat(tmp_path / "one", 1)), "too few images (1)")


def test_odd_names(tmp_path: Path, sparring: Cli) -> None:
    odd = class_folders(tmp_path / "odd", ('it\'s "one"', "two\nlines"))
    plain = class_folders(tmp_path / "plain")
    refused(sparring(*DANN, "--source", plain, "--target", odd), r"two\nlines")
    put(tmp_path / "bytes" / os.fsdecode(b"a\xff.png"), PNGS[0])
    refused(sparring(*DCGAN, "--images", "./bytes"), r"the name 'a\udcff.png' is not UTF-8")
    # Each warning, too, is one line: the name of this one broken image has a line break.
    for k in range(250):
        put(tmp_path / f"warned/train/{k}.png", PNGS[k % 40])
    put(tmp_path / "warned/train/bro\nken.png", b"junk")
    put(tmp_path / "warned/test/0.png", PNGS[0])
    outcome = sparring(*ACGAN, "--images", "./warned")
    assert outcome.code == 2
    assert len(outcome.lines) == 2
    assert (
        r"1 of 251 images in warned do not decode (train/bro\nken.png): left out"
        in outcome.lines[0]
    )


def test_a_zip_cannot_reach_out_of_its_folder(tmp_path: Path, sparring: Cli) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with zipfile.ZipFile(place / "evil.zip", "w") as archive:
        for k in range(20):
            archive.writestr(f"../evil{k}.png", PNGS[k])
    refused(sparring(*DCGAN, "--images", "place/evil.zip"), "../evil0.png, which leads out")
    assert list(tmp_path.rglob("*")) == [place, place / "evil.zip"]


def test_sets_smaller_than_a_batch_and_pictures_of_any_mode_are_used_and_a_run_stays_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runtime.Machine, "set_up", lambda machine: None)
    monkeypatch.setattr(runtime, "busy", lambda threads: None)
    picture = Image.open(io.BytesIO(PNGS[0]))
    for split in ("train", "test"):
        place = tmp_path / "modes" / split
        place.mkdir(parents=True)
        for mode in ("L", "RGBA", "P", "1", "LA"):
            picture.convert(mode).save(place / f"{mode}.png")
        picture.convert("CMYK").save(place / "cmyk.jpg")
        picture.save(place / "moving.gif", save_all=True, append_images=[picture.rotate(90)])
        Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 999).save(place / "16.png")
    ask = [*DCGAN, "--images", "./modes", "--batch-size", "16"]
    monkeypatch.setattr(train, "build", lambda out: out / "report.html")
    monkeypatch.setattr(sys, "argv", ["sparring", *ask])
    cli.main()
    (run,) = (tmp_path / "out/runs").iterdir()
    weights = (run / "model" / "model.safetensors").read_bytes()
    capsys.readouterr()

    def again(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", ["sparring", *ask, *options])
        with pytest.raises(SystemExit, match="2"):
            cli.main()
        *_, line = capsys.readouterr().err.splitlines()
        return line

    assert "holds another run" in again("--batch-size", "8")
    assert "width" in again("--width", "5")
    before = (run / "config.json").read_bytes()
    for damage in (b'{"half', b"[]", b"\xff"):
        (run / "config.json").write_bytes(damage)
        assert "config.json" in again()
    (run / "config.json").write_bytes(before)
    (run / "scores.json").unlink()
    put(run / "log.jsonl", b'{"step": 1, \x00\n')
    assert "log.jsonl: a row is damaged" in again()
    assert (run / "model" / "model.safetensors").read_bytes() == weights
