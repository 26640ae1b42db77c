"""Studies: what they train, the sets that they make, and a row of numbers from real runs."""

import json
import sys
from pathlib import Path

import pytest
import torch
from benchmarks import study
from benchmarks.made_sets import make
from benchmarks.study import STUDIES, Study

from sparring.data.images import DataSet
from sparring.methods import MeanTeacher
from sparring.runs import Library
from tests.conftest import digits


def test_the_digits_of_scikit_learn_are_real_and_split_apart() -> None:
    found = make("uci-digits", Library(None), 32)
    assert found is not None
    assert (len(found.train), len(found.test)) == (1437, 360)
    assert found.train.pixels.shape[1:] == (3, 32, 32)
    assert found.train.pixels.max() == 255
    assert make("photo-digits", Library(None), 32) is None


def test_other_shares_of_a_set_by_its_name() -> None:
    library = Library(None)
    library.put("some", DataSet("some", "real", digits(200, 1), digits(100, 2)))
    found = make("some-missing", library, 32)
    assert found is not None
    assert found.test.labels is not None
    assert torch.bincount(found.test.labels, minlength=10)[3] == 0


def test_no_setting_differs_between_the_pairs_of_a_study() -> None:
    for one in STUDIES.values():
        settings = {(job.arm, str(job.training), job.size) for job in one.jobs(0)}
        assert len(settings) == len(one.arms)
        names = [job.name for job in one.jobs(0)]
        assert len(set(names)) == len(names)


def test_a_study_goes_on_and_writes_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Study(2, (("some", "other"),), {"modern": MeanTeacher})
    monkeypatch.setitem(STUDIES, "small", small)
    sets = {name: DataSet(name, "real", digits(60, 1), digits(60, 2)) for name in small.pairs[0]}
    monkeypatch.setattr(study, "make", lambda name, library, size: sets[name])
    for seeds in ("1", "1"):  # the second time all is there
        monkeypatch.setattr(sys, "argv", ["study", "small", "nowhere", str(tmp_path), seeds])
        monkeypatch.setattr(study.Machine, "set_up", lambda self: None)
        study.main()
    found = json.loads((tmp_path / "small.json").read_text())
    assert [row["scenario"] for row in found["rows"]] == ["source-only", "adapted"]
    adapted = found["rows"][1]
    assert (adapted["steps"], adapted["seeds"], len(adapted["rings"])) == (2, [0], 1)
    assert adapted["labels_read"] == ["final evaluation"]
    assert 0 <= adapted["accuracy"][0] <= 1
