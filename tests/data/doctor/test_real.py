"""On the real sets: nothing is told that is not so, and what is planted among them is found."""

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import catalogue
from sparring.data.doctor import Subject, domains, examine, read
from tests.data.doctor.maker import kinds

ROOT = Path(os.environ.get("SPARRING_DATA", ""))
pytestmark = pytest.mark.skipif(
    "SPARRING_DATA" not in os.environ, reason="SPARRING_DATA names no folder of real sets"
)


REPEATED = {
    "near-in-one-split": ("note", pytest.approx(760, abs=100)),
    "near-in-train-and-test": ("warning", pytest.approx(86, abs=25)),
}
"""Photographs of one meter, taken twice, are many in meter-digits: one sees it."""


@pytest.mark.parametrize("name", ["mnist", "mnist-m", "meter-digits", "celeba"])
def test_a_real_set_has_no_faults_but_those_it_has(name: str) -> None:
    found = examine(read(name, ROOT, 32))
    assert kinds(found) == (REPEATED if name == "meter-digits" else {})


def test_ones_look_alike_and_are_no_copies() -> None:
    digits = catalogue.load("mnist", ROOT, size=32)
    train, test = (
        part.take((part.labels == 1).nonzero()[:, 0])  # type: ignore[union-attr]
        for part in (digits.train, digits.test)
    )
    ones = Subject(replace(digits, train=train.unlabelled(), test=test.unlabelled()))
    assert examine(ones) == []


PAIRS = [("mnist", "mnist-m"), ("meter-digits", "mnist-m"), ("mnist", "meter-digits")]


@pytest.mark.parametrize("pair", PAIRS)
def test_real_domains_differ_but_are_encoded_alike(pair: tuple[str, str]) -> None:
    one, other = (Subject(catalogue.load(name, ROOT, size=32)) for name in pair)
    assert list(domains.check(one, other)) == []


def test_a_wrong_encoding_of_real_faces_is_told() -> None:
    faces = catalogue.load("celeba", ROOT, size=32)
    halves = faces.train.take(torch.arange(1000)), faces.train.take(torch.arange(1000, 2000))
    for undone, words in ((lambda p: p.flip(1), "swapped"), (lambda p: 255 - p, "inverted")):
        wrong = replace(halves[1], pixels=undone(halves[1].pixels))
        one, other = (Subject(replace(faces, train=half)) for half in (halves[0], wrong))
        (finding,) = domains.check(one, other)
        assert words in finding.what


@pytest.mark.parametrize("name", ["mnist", "mnist-m"])
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
    found = kinds(examine(read(str(tmp_path), None, 32)))
    assert found.pop("near-in-train-and-test") in [("warning", n) for n in (14, 15)]
    assert found == {
        "undecodable": ("warning", 15),
        "equal-in-one-split": ("warning", 15),
        "equal-two-labels": ("error", 15),
    }
