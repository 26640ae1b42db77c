import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring import load
from sparring.cli.common import DeviceOptions
from sparring.cli.predict import predict
from sparring.data import pictures
from sparring.game import Shape
from sparring.methods import DANN
from sparring.model import Classifier
from sparring.model_folder import save

CPU = DeviceOptions(device="cpu", threads=1)
NAMES = ("cat", "dog", "shoe")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    method, shape = DANN(encoder="small"), Shape(32, NAMES, "classes")
    method.build(shape)
    folder = tmp_path_factory.mktemp("model")
    save(folder, method, shape, preset="report2019", data={}, card="")
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    for k, name in enumerate(("b/2.png", "a/1.jpg", "10.png", "9.png")):
        values = np.random.default_rng(k).integers(0, 256, (40, 30, 3), dtype=np.uint8)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(folder / name)
    (folder / "a" / "broken.png").write_bytes(b"no picture,\n")
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_row_a_file_in_order_with_its_two_likeliest_labels(
    model: Path, images: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "PART", 2)
    out = images / "metadata.csv"
    predict(model, images, CPU, out=out, proba=True)
    rows = table(out)
    names = ["10.png", "9.png", "a/1.jpg", "a/broken.png", "b/2.png"]
    assert [row["file_name"] for row in rows] == names
    broken = rows.pop(3)
    assert broken["error"]
    assert not any(value for key, value in broken.items() if key not in ("file_name", "error"))
    found = load(model)
    assert isinstance(found, Classifier)
    for row in rows:
        chances = found.predict_proba(images / row["file_name"])[0]
        order = chances.argsort()[::-1]
        assert [row["label"], row["second_label"]] == [NAMES[k] for k in order[:2]]
        assert float(row["confidence"]) == pytest.approx(chances.max(), abs=1e-4)
        assert float(row["second_confidence"]) == pytest.approx(chances[order[1]], abs=1e-4)
        assert row["unsure"] == str(chances[order[0]] < 2 * chances[order[1]]).lower()
        assert row["error"] == ""
        shares = [float(row[f"probability_{name}"]) for name in NAMES]
        assert shares == pytest.approx(chances, abs=1e-4)
    unsure = sum(row["unsure"] == "true" for row in rows)
    assert capsys.readouterr().out == (f"{out}: 5 images, {unsure} unsure, 1 that cannot be read\n")


def test_the_columns_without_probabilities(model: Path, images: Path, tmp_path: Path) -> None:
    predict(model, images, CPU, out=tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines()[0] == (
        "file_name,label,confidence,unsure,second_label,second_confidence,error"
    )
