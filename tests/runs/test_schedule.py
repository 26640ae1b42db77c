import errno
import gc
import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from sparring.errors import RequestError, TrainingFailed
from sparring.methods import DANN, DCGAN
from sparring.metrics import negative_transfer as transfer
from sparring.report2019.plan import Found
from sparring.runs import AdaptationJob, GenerationJob, Job, Library
from sparring.runs import schedule as session
from sparring.runs.folder import RunFolder
from sparring.runs.progress import Screen
from sparring.runs.schedule import Plan, check_output, check_room, play_all
from sparring.trainer import Trainer, Training

PLAN = Plan("sparring test", "smoke")


def jobs() -> list[Job]:
    return [
        GenerationJob(DCGAN(width=4), "faces", "", 0, Training(2, 4), 2, 30),
        AdaptationJob(DANN(), "adapted", "left", "right", 0, Training(1, 4), per_class=2),
    ]


def play(library: Library, out: Path) -> Path:
    return play_all(jobs(), library, out, PLAN, Screen())


def test_a_session_writes_plan_runs_and_report_and_runs_nothing_twice(
    library: Library, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    page = play(library, out)
    assert page == out / "report.html"
    assert "DCGAN" in page.read_text()
    plan = json.loads((out / "plan.json").read_text())
    assert plan["runs"] == ["dcgan-0", "dann-left-right-adapted-0"]
    results = json.loads((out / "results.json").read_text())
    assert results["schema"] == 1
    before = {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*")}
    play(library, out)
    assert {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*")} == before


def test_twins_are_compared_once_both_are_there_and_an_alarm_is_told(
    library: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(transfer, "VOTES", 0)  # no vote is needed: it always rings
    adapted = jobs()[1]
    for job in (adapted, replace(adapted, scenario="source-only")):
        assert "looks worse" not in capsys.readouterr().err
        play_all([job], library, tmp_path, PLAN, Screen())
    assert f"{adapted.name}: The adapted classifier looks worse" in capsys.readouterr().err
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["alarm"]["caught"] + results["alarm"]["false_alarms"] == 1
    assert results["target_labels"]["early"] == 0
    assert "Negative transfer?" in (tmp_path / "report.html").read_text()


def test_nothing_of_a_finished_run_stays_in_memory(library: Library, tmp_path: Path) -> None:
    gc.collect()
    gc.disable()  # only what the session itself does counts
    try:
        play(library, tmp_path)
        assert not any(type(thing) is Trainer for thing in gc.get_objects())
    finally:
        gc.enable()


def test_trainings_into_one_folder_share_one_page(library: Library, tmp_path: Path) -> None:
    for job in jobs():
        play_all([job], library, tmp_path, PLAN, Screen())
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert plan["runs"] == ["dcgan-0", "dann-left-right-adapted-0"]


def test_a_second_process_in_the_same_folder_is_refused_until_the_first_dies(
    library: Library, tmp_path: Path
) -> None:
    lock = tmp_path / ".lock"
    code = (
        "import fcntl, sys, time\n"
        "file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True); time.sleep(60)"
    )
    (tmp_path / "runs").mkdir()
    command = [sys.executable, "-c", code, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RequestError, match="another process is at work"):
            play(library, tmp_path)
        other.kill()
    assert list((tmp_path / "runs").iterdir()) == []
    assert play(library, tmp_path).is_file()


def test_a_half_done_session_goes_on(library: Library, tmp_path: Path) -> None:
    play(library, tmp_path / "out")
    run = tmp_path / "out/runs/dcgan-0"
    weights = (run / "weights.safetensors").read_bytes()
    for name in ("scores.json", "weights.safetensors", "samples.npz"):
        (run / name).unlink()
    play(library, tmp_path / "out")
    assert (run / "weights.safetensors").read_bytes() == weights


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match="holds something else"):
        check_output(tmp_path)
    with pytest.raises(RequestError, match="is a file"):
        check_output(tmp_path / "notes.txt")


def test_a_folder_in_which_claims_were_tested_takes_a_reproduction(tmp_path: Path) -> None:
    (tmp_path / "claims" / "runs").mkdir(parents=True)
    check_output(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match="holds something else"):
        check_output(tmp_path)


def test_a_disk_without_room_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**10, 10**10, 10**6))
    with pytest.raises(RequestError, match=r"0\.00 GB free"):
        check_room(tmp_path / "new", 1)
    assert list(tmp_path.iterdir()) == []


def test_every_job_is_checked_before_the_first_one_runs(library: Library, tmp_path: Path) -> None:
    out = tmp_path / "out"
    unlabelled = replace(
        library.get("right", 32), train=library.get("right", 32).train.unlabelled()
    )
    library.put("right", unlabelled)
    with pytest.raises(RequestError, match="the target right has no class labels"):
        play(library, out)
    assert not out.exists()


def test_a_finished_run_of_another_request_is_not_taken_for_this_one(
    library: Library, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    play(library, out)
    longer = [replace(job, training=Training(3, 4)) for job in jobs()]
    with pytest.raises(RequestError, match="dcgan-0 holds a run with another training"):
        play_all(longer, library, out, PLAN, Screen())


def test_a_disk_that_fills_up_is_told_in_one_line_and_the_session_goes_on_later(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for owner, name in ((RunFolder, "append_log"), (session, "build")):
        with monkeypatch.context() as broken:
            broken.setattr(owner, name, full)
            with pytest.raises(RequestError, match="No space left on device; mend that and start"):
                play(library, tmp_path / "out")
    assert play(library, tmp_path / "out").is_file()


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("config", {"seed": "<b>"}, r"config\.json.*seed"),
        ("scores", {"accuracy": 2.0}, r"scores\.json.*accuracy"),
    ],
)
def test_a_damaged_finished_run_in_the_folder_is_told_before_anything_is_trained(
    library: Library, tmp_path: Path, file: str, change: dict[str, object], words: str
) -> None:
    first, second = jobs()
    play_all([second], library, tmp_path, PLAN, Screen())
    path = tmp_path / "runs" / second.name / f"{file}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(RequestError, match=words):
        play_all([first], library, tmp_path, PLAN, Screen())
    assert not (tmp_path / "runs" / first.name).exists()


def test_a_run_whose_name_is_no_text_is_told(library: Library, tmp_path: Path) -> None:
    (tmp_path / "runs" / os.fsdecode(b"a\xff")).mkdir(parents=True)
    with pytest.raises(RequestError, match="is not UTF-8"):
        play(library, tmp_path)


def test_a_run_that_fails_is_reported_and_the_others_still_run(
    library: Library, tmp_path: Path
) -> None:
    wild = GenerationJob(DCGAN(width=4, learning_rate=1e30), "faces", "", 0, Training(30, 4), 2, 30)
    fine = jobs()[1]
    out = tmp_path / "out"
    with pytest.raises(TrainingFailed, match=r"^dcgan-0: .* after 3 rollbacks; the weights of"):
        play_all([wild, fine], library, out, PLAN, Screen())
    assert RunFolder(out / "runs" / fine.name).finished
    results = json.loads((out / "results.json").read_text())
    assert results["missing"] == ["dcgan-0"]
    assert [event["kind"] for event in results["events"]] == ["rollback"] * 3 + ["gave up"]
    page = (out / "report.html").read_text()
    assert "<code>dcgan-0</code> failed at step" in page
    assert "What happened while training" in page
    assert page.count("<b>rollback</b>") == 3


def test_what_a_killed_process_left_is_swept(library: Library, tmp_path: Path) -> None:
    play(library, tmp_path)
    run = tmp_path / "runs/dcgan-0"
    (run / "checkpoints").mkdir()
    for rest in (tmp_path / ".plan.json.1.tmp", run / "checkpoints/.state.1.tmp"):
        rest.write_bytes(b"half")
    play(library, tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
    assert not (run / "checkpoints").exists()


def test_experiments_of_one_folder_are_kept_together(library: Library, tmp_path: Path) -> None:
    found = [Found("celeba", "faces", "stand-in", "test")]
    for claim, job in zip(("C1", "C7"), jobs(), strict=True):
        plan = Plan("sparring claims", "smoke", found, {claim: {"arm": [job.name]}})
        play_all([job], library, tmp_path, plan, Screen())
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert plan["experiments"] == {
        "C1": {"arm": ["dcgan-0"]},
        "C7": {"arm": ["dann-left-right-adapted-0"]},
    }
    assert plan["runs"] == ["dcgan-0", "dann-left-right-adapted-0"]
