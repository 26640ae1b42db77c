"""Requests that cannot be met, by command: exit code 2, one line, nothing printed or written."""

from pathlib import Path

import pytest
import torch

from sparring import defaults
from sparring.data import download
from sparring.game import Shape
from sparring.methods import ACGAN, DANN
from sparring.model_folder import save
from tests.cli.folders import class_folders, mixed, picture, sparring

NAMES = ("ant", "bee", "cow")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of pictures and of models, good and bad."""
    root = tmp_path_factory.mktemp("place")
    class_folders(root / "drawn", 8)
    class_folders(root / "mnist", 2)
    mixed(root / "photos", 4)
    for k in range(24):
        picture(root / "flat" / f"{k}.png", 0, k)
    (root / "empty").mkdir()
    (root / "broken").mkdir()
    (root / "broken" / "a.png").write_bytes(b"junk")
    (root / "notes.txt").write_text("no picture")
    (root / "torn.zip").write_bytes(b"PK\x03\x04 and no more")
    lists = {
        "truth.csv": "file_name,label\ncamera 0/0-0.png,wasp\n",
        "one.csv": "file_name\n0.png\n",
        "others.csv": "file_name,label\nelsewhere.png,ant\n",
        "latin.csv": "file_name,label\n\xe9.png,ant\n",
        "half.csv": "file_name,Smiling,Young\n0.png,0.5,1\n1.png,1,0\n",
    }
    for name, text in lists.items():
        (root / name).write_bytes(text.encode("latin-1"))
    torch.manual_seed(0)
    classifier, shape = DANN(encoder="small"), Shape(32, NAMES, "classes")
    classifier.build(shape)
    save(root / "classifier", classifier, shape, preset="report2019", data={}, card="")
    painter, shape = ACGAN(width=4), Shape(64, ("Male", "Smiling", "Young"), "attributes")
    painter.build(shape)
    save(root / "painter", painter, shape, preset="report2019", data={}, card="")
    classes = ACGAN(width=4)
    classes.build(Shape(64, NAMES, "classes"))
    save(root / "classes", classes, Shape(64, NAMES, "classes"), preset="x", data={}, card="")
    save(root / "damaged", painter, shape, preset="report2019", data={}, card="")
    (root / "damaged" / "model.safetensors").write_bytes(b"\x10")
    return root


ADAPT = (
    ("drawn photos --method dcgan", "unknown method 'dcgan'"),
    ("drawn photos --method dann --backbone x", "a backbone is left as it is"),
    ("drawn photos --size 0", "--size must be at least 1"),
    ("drawn photos --backbone x --size 0", "--size must be at least 1"),
    ("drawn photos --steps 0", "--steps must be at least 1"),
    ("drawn photos --batch-size 1", "--batch-size at least 2"),
    ("drawn photos --seed -1", "--seed must lie in 0.."),
    ("drawn photos --seed 4294967296", "--seed must lie in 0.."),
    ("drawn photos --threads 0", "--threads must be at least 1"),
    ("drawn photos --device tpu", "tpu"),
    ("drawn photos --data nowhere", "there is no such folder"),
    ("drawn photos --labelled-target nowhere.csv", "there is no such file"),
    ("drawn photos --labelled-target truth.csv", "has the label 'wasp', which is no class of"),
    ("drawn photos --labelled-target others.csv", "labels no image of photos"),
    ("drawn photos --labelled-target one.csv", "begin it 'file_name,label'"),
    ("drawn photos --labelled-target latin.csv", "is no UTF-8 text"),
    ("drawn photos --out drawn/x", "lies in drawn"),
    ("drawn photos --out photos/x", "lies in photos"),
    ("drawn photos --out flat", "holds something else"),
    ("drawn photos --out notes.txt", "is a file"),
    ("drawn", "TARGET"),
    ("drawn nowhere", "nowhere does not exist"),
    ("drawn empty", "holds no images"),
    ("drawn broken", "none of 1 images can be read; a.png: "),
    ("drawn notes.txt", "is neither a folder nor a zip"),
    ("drawn torn.zip", "torn.zip is damaged or incomplete"),
    ("drawn drawn", "is both source and target"),
    ("drawn ./drawn/", "is both source and target"),
    ("drawn svhn", "svhn is a set's name, and TARGET a folder or zip of images"),
    ("flat drawn", "has no class labels"),
    ("nowhere photos", "unknown data set 'nowhere'"),
    ("./nowhere photos", "nowhere does not exist"),
    ("torn.zip photos", "torn.zip is damaged or incomplete"),
    ("mnist photos", "--data DIR is not given: put"),
    ("mnist photos", "the folder mnist here is ./mnist"),
)
GENERATE = (
    ("drawn --method dann", "unknown method 'dann'"),
    ("drawn --labels Smiling", "unknown attribute or class 'Smiling'"),
    ("drawn --labels nowhere.csv", "nowhere.csv: there is no such file"),
    ("drawn --labels others.csv", "others.csv: no list there names images, such as"),
    ("drawn --labels latin.csv", "is no UTF-8 text"),
    ("flat --labels half.csv", "'0.5' in the column 'Smiling' is none of"),
    ("toy-faces --labels truth.csv", "toy-faces has labels of its own"),
    ("nowhere --labels truth.csv", "unknown data set 'nowhere'"),
    ("./nowhere --labels truth.csv", "nowhere does not exist"),
    ("flat --labels Smiling", "has no labels"),
    ("flat --method acgan", "acgan learns from labels"),
    ("drawn --size 0", "--size must be at least 1"),
    ("flat --size 2", "8, 16, 32, 64, ... pixels, not 2"),
    ("drawn --size 17", "17"),
    ("drawn --steps 0", "--steps must be at least 1"),
    ("drawn --steps many", "--steps"),
    ("drawn --out drawn/x", "lies in drawn"),
    ("photos/labels.csv", "photos/labels.csv: no list there names images, such as"),
    ("empty", "holds no images"),
    ("broken", "broken has too few images (1) to split"),
    ("mnist/ant", "has 2 images, and a generator needs 20"),
)
SAMPLE = (
    ("classifier", "use `sparring predict` to label images"),
    ("nowhere", "holds no trained model"),
    ("damaged", "damaged is incomplete or damaged"),
    ("painter --device tpu", "tpu"),
    ("painter --count 0", "--count must be at least 1"),
    ("painter --out no/such/x.png", "in a folder that exists"),
    ("painter --out x.jpg", "name a .png"),
    ("painter --out x.gif", "with --walk or --pairs a .gif"),
    ("painter --labels Smiling", "NAME=0, NAME=1 or a number between"),
    ("painter --labels Smiling=1.5", "NAME=0, NAME=1 or a number between"),
    ("painter --labels Smiling=nan", "NAME=0, NAME=1 or a number between"),
    ("painter --labels =1", "NAME=0, NAME=1 or a number between"),
    ("painter --labels Smilling=1", "did you mean 'Smiling'"),
    ("painter --class Male", "ask for such as Male=1 (--labels Male=1)"),
    ("classes --labels Male=1", "ask for a class with label=NAME (--class NAME)"),
    ("painter --seed 4294967296", "--seed must lie in 0.."),
    ("painter --pairs Yung", "did you mean 'Young'"),
    ("painter --pairs Young --labels Male=1", "leave out --labels"),
    ("painter --pairs Young --steps 1", "draw at least 2 steps, not 1"),
    ("painter --walk --pairs Young", "choose one of --walk, --pairs"),
    ("painter --walk --each x", "choose one of --walk, --pairs"),
    ("painter --walk --steps 0", "draw at least 2 steps, not 0"),
    ("painter --walk --count 1", "draw at least 2 noises, not 1"),
    ("painter --steps 3", "--steps are those of --pairs or --walk"),
    ("painter --out x.png --each x", "choose one of --walk, --pairs"),
    ("painter --each x{}.jpg", "such as drawn/{:05d}.png"),
    ("painter --each flat/{}/x.png", "such as drawn/{:05d}.png"),
    ("painter --each {}{}.png", "such as drawn/{:05d}.png"),
    ("painter --each {.x}.png", "such as drawn/{:05d}.png"),
    ("painter --each {{}}.png", "such as drawn/{:05d}.png"),
    ("painter --each no/such/folder", "such as drawn/{:05d}.png"),
)
PREDICT = (
    ("painter photos", "use `sparring sample` to draw with it"),
    ("photos photos", "holds no trained model"),
    ("damaged photos", "damaged is incomplete or damaged"),
    ("classifier nowhere", "nowhere does not exist"),
    ("classifier empty", "holds no images"),
    ("classifier notes.txt", "is neither a folder nor a zip"),
    ("classifier torn.zip", "torn.zip is damaged or incomplete"),
    ("classifier photos --out no/such/p.csv", "folder that exists"),
    ("classifier photos --out photos", "in a folder that exists"),
    ("classifier", "IMAGES"),
)
EXPORT = (
    ("classifier", "--to"),
    ("classifier --to tflite", "'tflite'"),
    ("nowhere --to pt2", "holds no trained model"),
    ("damaged --to pt2", "damaged is incomplete or damaged"),
    ("classifier --to pt2 --out no/such/x.pt2", "name a file in a folder that exists"),
    ("classifier --to pt2 --out flat", "name a file in a folder that exists"),
)
CHECK = (
    ("", "DIR"),
    ("nowhere", "unknown data set 'nowhere'"),
    ("./nowhere", "nowhere does not exist"),
    ("empty", "holds no images"),
    ("torn.zip", "torn.zip is damaged or incomplete"),
    ("mnist", "the folder mnist here is ./mnist"),
    ("drawn drawn/", "are one set"),
    ("drawn --size 0", "--size must be at least 1, not 0"),
    ("drawn --out no/such/page.html", "folder that exists"),
    ("drawn --out flat", "in a folder that exists"),
)
DATA = (
    ("", "Expected one of {get, build}"),
    ("get", "name the sets to fetch: mnist, "),
    ("get mnist emnist", "unknown published set 'emnist': did you mean 'mnist'?"),
    ("get mnist --out notes.txt", "notes.txt"),
    ("build mnist-m", "--mnist"),
    ("build mnist --mnist mnist --photos flat --out new", "'mnist'"),
    ("build mnist-m --mnist mnist --photos flat --out new", "mnist"),
    ("build mnist-m --mnist mnist --photos flat --out new --seed -1", "--seed must be at least 0"),
)
CASES = [
    (command, asked, told)
    for command, cases in {
        "adapt": ADAPT,
        "generate": GENERATE,
        "sample": SAMPLE,
        "predict": PREDICT,
        "export": EXPORT,
        "check": CHECK,
        "data": DATA,
    }.items()
    for asked, told in cases
]


def content(place: Path) -> dict[str, int]:
    """Every file and folder there, and when it was written."""
    return {str(path): path.stat().st_mtime_ns for path in place.rglob("*")}


@pytest.mark.parametrize(("command", "asked", "told"), CASES)
def test_a_request_that_cannot_be_met(
    command: str,
    asked: str,
    told: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setattr(defaults, "FEWEST", 20)
    monkeypatch.setattr(download.requests, "get", pytest.fail)
    before = content(place)
    ended = sparring(command, *asked.split())
    assert ended.code == 2, ended
    *earlier, line = ended.err
    assert line.startswith("sparring: ")
    assert told in line
    # What is told before is about the data that were found, never about the mistake.
    about_data = (" images", " train, ", ": left out: ", "; licence: ")
    told_before = filter(None, earlier)  # an old rich ends its progress with an empty line
    assert all(any(words in one for words in about_data) for one in told_before), earlier
    assert ended.out == []
    assert content(place) == before
