"""Studies: what they train, the sets that they make, and a row of numbers from real runs."""

import json
from pathlib import Path

import pytest
import torch
from benchmarks import study
from benchmarks.made_sets import MadeSets, make
from benchmarks.studies import STUDIES, Adaptation, Arm, Generation

from sparring.data.images import DataSet
from sparring.methods import DCGAN, MeanTeacher
from sparring.runs import Library
from tests.conftest import digits, faces


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


def test_made_sets_reach_other_processes() -> None:
    assert len(MadeSets(None).empty().get("uci-digits", 32).train) == 1437


def test_no_setting_differs_between_the_pairs_of_a_study() -> None:
    for one in STUDIES.values():
        jobs = list(one.jobs(0))
        assert len({(job.arm, str(job.training), job.size) for job in jobs}) == len(one.arms)
        assert len({job.name for job in jobs}) == len(jobs)


def played(
    name: str, sets: list[DataSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, object]]:
    """The rows of a study, after one session; a second one has nothing to do."""
    monkeypatch.setattr(study.Machine, "set_up", lambda self: None)
    by_name = {one.name: one for one in sets}
    monkeypatch.setattr(MadeSets, "get", lambda self, name, size: by_name[name])
    study.main(name, Path("nowhere"), tmp_path, seeds=1)
    file = tmp_path / f"{name}.json"
    before = file.read_text()
    study.main(name, Path("nowhere"), tmp_path, seeds=1)
    assert file.read_text() == before
    return list(json.loads(before)["rows"])


def test_a_study_goes_on_and_writes_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Adaptation(2, (("some", "other"),), {"modern": MeanTeacher})
    monkeypatch.setitem(STUDIES, "small", small)
    sets = [DataSet(name, "real", digits(60, 1), digits(60, 2)) for name in small.pairs[0]]
    twin, adapted = played("small", sets, tmp_path, monkeypatch)
    assert (twin["scenario"], adapted["scenario"]) == ("source-only", "adapted")
    assert (adapted["steps"], adapted["seeds"], twin["rings"]) == (2, [0], [None])
    assert adapted["rings"] in ([False], [True])
    assert adapted["labels_read"] == [["final evaluation"]]
    assert 0 <= adapted["accuracy"][0] <= 1


def test_a_study_of_generators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparring.defaults.JUDGE_STEPS", 2)
    monkeypatch.setattr("sparring.defaults.JUDGED", 20)
    small = Generation("faces", {"plain": Arm(lambda: DCGAN(width=4), "", 2, 8)})
    monkeypatch.setitem(STUDIES, "small", small)
    (row,) = played("small", [faces()], tmp_path, monkeypatch)
    assert (row["method"], row["arm"], row["batch_size"]) == ("dcgan", "plain", 8)
    assert row["metrics"][0]["diversity"] > 0
    assert row["averaged"][0].keys() <= row["metrics"][0].keys()
    assert row["events"] == [0]
