from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.errors import RequestError
from sparring.report.collect import DataUse, collect
from sparring.report.runs import read_run
from sparring.runs.folder import RunFolder


def test_reads_the_plan_and_every_finished_run(built: Path) -> None:
    rep = collect(built)
    assert (rep.budget, rep.seeds, rep.missing) == ("quick", (0,), ())
    assert len(rep.runs) == 16
    run = rep.runs[0]
    assert (run.method, run.scenario, run.sets, run.seed) == (
        "dcgan",
        "generation",
        ("toy-faces",),
        0,
    )
    assert rep.runs[4].sets == ("mnist-m", "meter-digits")
    assert rep.sets == ["toy-faces", "mnist-m", "meter-digits"]


def test_the_log_comes_as_columns(built: Path) -> None:
    log = collect(built).runs[0].log
    assert len(log) == 60
    assert log.step[-1] == 600
    assert log.images[-1] == 600 * 128
    assert log.losses["generator"][0] == pytest.approx(1.2)
    assert log.losses["generator"][-1] == pytest.approx(3.2)


def test_a_term_that_some_rows_lack_is_nan_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    config = {"method": "dcgan", "scenario": "generation", "faces": "f", "seed": 0}
    training = {"steps": 2, "batch_size": 2, "precision": "float32"}
    folder.open({**config, "preset": "report2019", "settings": {}, "training": training})
    folder.write("env", {"device": "cpu", "cpu": "x"})
    folder.write("scores", {"metrics": {}, "seconds": 1, "images_per_second": 1})
    folder.append_log({"step": 1, "images": 2, "losses": {"a": 1.0}})
    folder.append_log({"step": 2, "images": 4, "losses": {"a": 2.0, "b": 3.0}})
    losses = read_run(folder).log.losses
    np.testing.assert_array_equal(losses["b"], [np.nan, 3.0])
    np.testing.assert_array_equal(losses["a"], [1.0, 2.0])


def test_names_the_runs_that_are_not_there(reproduce: Callable[..., Any], tmp_path: Path) -> None:
    maker = reproduce(tmp_path)
    maker.planned.append("dcgan-9")
    maker.plan()
    (tmp_path / "runs" / "dcgan-0" / "scores.json").unlink()
    rep = collect(tmp_path)
    assert rep.missing == (("dcgan-0", "not finished"), ("dcgan-9", "not run"))
    assert "dcgan" not in {run.method for run in rep.runs}


def test_the_methods_planned_are_known_before_they_run(
    reproduce: Callable[..., Any], tmp_path: Path
) -> None:
    maker = reproduce(tmp_path)
    maker.planned[:] = ["acgan-Smiling-0", "dcgan-0", "dsn-a-b-adapted-0"]
    maker.plan()
    # The configuration decides; only where there is none yet, the name does.
    path = tmp_path / "runs" / "dcgan-0"
    config = (path / "config.json").read_text().replace('"dcgan"', '"wgan"')
    (path / "config.json").write_text(config)
    rep = collect(tmp_path)
    assert list(rep.planned.values()) == ["acgan", "wgan", "dsn"]
    assert (rep.waits("dsn"), rep.waits("acgan")) == (True, False)


def test_a_run_made_before_methods_described_themselves_has_no_about(built: Path) -> None:
    assert {run.about for run in collect(built).runs} == {""}


@pytest.mark.parametrize(
    ("use", "label"),
    [
        (DataUse("celeba", "celeba", "real"), "celeba"),
        (DataUse("celeba", "toy-faces", "stand-in"), "toy-faces (stand-in for celeba)"),
        (DataUse("toy-faces", "toy-faces", "stand-in"), "toy-faces (stand-in)"),
        (DataUse("svhn", "meter-digits", "real"), "meter-digits (not svhn)"),
    ],
)
def test_a_set_that_is_not_the_one_asked_for_says_so(use: DataUse, label: str) -> None:
    assert use.label == label


def test_knows_what_was_asked_for(built: Path) -> None:
    rep = collect(built)
    assert rep.asked(("meter-digits", "mnist-m")) == ("svhn", "mnist-m")
    assert rep.faithful(("mnist-m",))
    assert not rep.faithful(("mnist-m", "meter-digits"))


def test_a_folder_without_a_plan_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"plan\.json"):
        collect(tmp_path)


def test_damaged_arrays_are_named(reproduce: Callable[..., Any], tmp_path: Path) -> None:
    reproduce(tmp_path)
    path = tmp_path / "runs" / "dcgan-0" / "samples.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RequestError, match=r"samples\.npz"):
        collect(tmp_path).runs[0].arrays("samples")


def test_pickled_arrays_are_refused(reproduce: Callable[..., Any], tmp_path: Path) -> None:
    reproduce(tmp_path)
    bad = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "runs" / "dcgan-0" / "samples.npz", samples=bad)
    with pytest.raises(RequestError, match="allow_pickle"):
        collect(tmp_path).runs[0].arrays("samples")
