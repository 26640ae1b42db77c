"""On the real sets: nothing is wrong with them, and what is planted among them is found."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.data import catalogue
from sparring.data.doctor import Subject, examine, read
from tests.data.doctor.maker import kinds

ROOT = Path(os.environ.get("SPARRING_DATA", ""))
pytestmark = pytest.mark.skipif(
    "SPARRING_DATA" not in os.environ, reason="SPARRING_DATA names no folder of real sets"
)


@pytest.mark.parametrize("name", ["mnist", "mnist-m", "meter-digits", "celeba"])
def test_a_real_set_has_no_faults(name: str) -> None:
    assert [found.line() for found in examine(read(name, ROOT, 32))] == []


@pytest.mark.parametrize(
    "pair", [("mnist", "mnist-m"), ("meter-digits", "mnist-m"), ("mnist", "meter-digits")]
)
def test_real_domains_have_no_faults(pair: tuple[str, str]) -> None:
    sets = (Subject(catalogue.load(name, ROOT, size=32)) for name in pair)
    assert [found.line() for found in examine(*sets)] == []


@pytest.mark.parametrize("name", ["mnist", "meter-digits", "mnist-m"])
def test_all_that_is_planted_among_real_digits_is_found(name: str, tmp_path: Path) -> None:
    digits = catalogue.load(name, ROOT, size=32).train
    assert digits.labels is not None
    picked = np.random.default_rng(0).permutation(len(digits))[:1500].tolist()
    files = []
    for k in picked:
        file = tmp_path / "train" / str(int(digits.labels[k])) / f"{k:05}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.pixels[k].permute(1, 2, 0).numpy()).save(file)
        files.append(file)
    for file in files[1200:]:  # the others stay in train
        moved = tmp_path / "test" / file.parent.name / file.name
        moved.parent.mkdir(parents=True, exist_ok=True)
        file.rename(moved)
    assert examine(read(str(tmp_path), None, 32)) == []
    for file in files[:15]:
        file.write_bytes(file.read_bytes()[:100])
    for k, file in enumerate(files[20:35]):
        file.with_name(f"copy{k}.png").write_bytes(file.read_bytes())
    for file in files[40:55]:
        other = tmp_path / "train" / str((int(file.parent.name) + 1) % 10) / file.name
        other.write_bytes(file.read_bytes())
    for file in files[60:75]:
        other = tmp_path / "test" / file.parent.name / file.name
        jpeg = io.BytesIO()
        Image.open(file).save(jpeg, "jpeg", quality=90)
        other.with_suffix(".jpg").write_bytes(jpeg.getvalue())
    assert kinds(examine(read(str(tmp_path), None, 32))) == {
        "undecodable": ("error", 15),
        "equal-in-one-split": ("warning", 15),
        "equal-two-labels": ("error", 15),
        "near-in-train-and-test": ("warning", 15),
    }
