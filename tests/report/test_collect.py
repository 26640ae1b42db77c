from pathlib import Path

import pytest

from sparring.errors import RequestError
from sparring.report.collect import Arm, badge, collect
from sparring.report.page import build
from sparring.runs.records import Use
from tests.report.conftest import text
from tests.report.maker import Maker, happened


def test_reads_the_plan_and_every_finished_run(built: Path) -> None:
    report = collect(built)
    assert (report.plan.budget, report.seeds, report.missing) == ("quick", (0, 1, 2), {})
    assert len(report.runs) == 22
    assert report.methods == ("dcgan", "acgan", "dann", "dsn")
    assert report.sets == ["faces", "here", "there", "bare"]
    assert report.label("faces") == "faces (stand-in)"


def test_names_the_runs_that_are_not_there(maker: Maker) -> None:
    stopped, failed = maker.generator("wgan"), maker.generator("wgan", seed=1)
    happened(failed, kind="gave up")
    for folder in (stopped, failed):
        (folder.path / "scores.json").unlink()
    maker.planned.append("mcd-a-b-0")
    report = collect(maker.plan())
    assert list(report.missing.values()) == [
        "not finished",
        "failed at step 300: collapse: the diversity has fallen to 0.10",
        "not run",
    ]
    assert report.methods == ("wgan", "mcd")


@pytest.mark.parametrize("name", ["scores.json", "config.json", "log.jsonl", "events.json"])
def test_one_damaged_run_is_told_and_left_out(name: str, maker: Maker) -> None:
    damaged, whole = maker.generator("dcgan"), maker.generator("dcgan", seed=1)
    (damaged.path / name).write_text('{"half": \n')
    report = collect(maker.plan())
    assert [run.name for run in report.runs] == [whole.name]
    assert name in report.missing[damaged.name]
    words = text(build(maker.out).read_text())
    assert "1 of 2 finished" in words
    assert f"{damaged.name} damaged (cannot read" in words


def test_damaged_arrays_cost_their_figures_alone(maker: Maker) -> None:
    folder = maker.generator("dcgan")
    path = folder.path / "pictures.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    words = text(build(maker.plan()).read_text())
    assert "A figure is left out: cannot read" in words
    assert "DCGAN: losses over training" in words
    assert "random samples" not in words


@pytest.mark.parametrize(
    ("use", "found"),
    [
        (Use(asked="celeba", used="celeba", kind="real", why=""), ""),
        (Use(asked="celeba", used="drawn", kind="stand-in", why=""), "stand-in for celeba"),
        (Use(asked="drawn", used="drawn", kind="stand-in", why=""), "stand-in"),
        (Use(asked="svhn", used="digits", kind="real", why=""), "not svhn"),
    ],
)
def test_a_set_that_is_not_the_one_asked_for_says_so(use: Use, found: str) -> None:
    assert badge(use) == found


def test_knows_what_was_asked_for(maker: Maker) -> None:
    maker.classifier("dann")
    uses = [Use(asked="svhn", used="there", kind="real", why="svhn/ was not found")]
    report = collect(maker.plan(uses=uses))
    assert report.asked(("here", "there")) == ("here", "svhn")
    assert (report.faithful(("here",)), report.faithful(("here", "there"))) == (True, False)


def test_arms_have_their_runs_by_seed(maker: Maker) -> None:
    runs = [maker.generator("dcgan", seed=seed, arm="plain") for seed in (1, 0)]
    failed = maker.generator("dcgan", seed=2, arm="plain")
    (failed.path / "scores.json").unlink()
    happened(failed, kind="gave up")
    report = collect(maker.plan(experiments={"C1": {"plain": maker.planned}}))
    arm = report.experiments["C1"]["plain"]
    assert [run.name for run in arm.runs] == [run.name for run in runs[::-1]]
    assert arm.gave_up == 1
    assert Arm(()).gave_up == 0


def test_experiments_inside_the_folder_are_read_too(maker: Maker) -> None:
    maker.classifier("dann")
    inside = Maker(maker.plan() / "claims")
    inside.classifier("dsn")
    inside.plan()
    assert [run.config.method for run in collect(maker.out).every_run] == ["dann", "dsn"]


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"runs": 3}', b"\xff"])
def test_a_folder_without_a_plan_is_a_wrong_request(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(RequestError, match=r"plan\.json"):
        collect(tmp_path)
