import errno
import gc
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from sparring.data.images import DataSet
from sparring.divergence import Event
from sparring.errors import ProcessDied, RequestError, Stopped, TrainingFailed
from sparring.game import Batch
from sparring.methods import DANN, DCGAN
from sparring.metrics import negative_transfer as transfer
from sparring.report.collect import collect
from sparring.runs import ClassifierRun, GeneratorRun, Job, Library
from sparring.runs.folder import Run, read_plan
from sparring.runs.processes import Outcome
from sparring.runs.progress import Screen
from sparring.runs.records import Events, Plan
from sparring.runs.schedule import check_output, play_all
from sparring.runs.scores import ClassifierScores
from sparring.runtime import Machine
from sparring.trainer import Scalars, Trainer, Training
from tests.conftest import CPU, dataset
from tests.data.doctor.maker import folder, picture

PLAN = Plan(command="sparring test", budget="smoke", purpose="training")
HERE = Machine(CPU, 1, 1)
GAN = GeneratorRun(DCGAN(width=4), "faces", "", 0, Training(2, 4), 2, 30)
ADAPTED = ClassifierRun(
    DANN(encoder="small"), "adapted", "left", "right", 0, Training(2, 4), per_class=2
)
GAN_NAME, ADAPTED_NAME = "dcgan-faces-0", "dann-left-right-adapted-0"


def play(library: Library, out: Path, *jobs: Job, plan: Plan = PLAN) -> None:
    play_all(jobs or (GAN, ADAPTED), library, out, plan, HERE, Screen())


def content(out: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (out / "runs").rglob("*") if path.is_file()}


def weights(out: Path, name: str) -> bytes:
    return (out / "runs" / name / "model/model.safetensors").read_bytes()


def test_a_session_writes_plan_and_runs_and_runs_nothing_twice(
    library: Library, tmp_path: Path
) -> None:
    play(library, tmp_path)
    plan = read_plan(tmp_path)
    assert plan.runs == [GAN_NAME, ADAPTED_NAME]
    assert plan.started.endswith("+00:00")
    before = content(tmp_path)
    play(library, tmp_path)
    assert content(tmp_path) == before


def in_folders(path: Path, *sets: DataSet) -> Library:
    """A library that has the sets under paths: folder k holds `digits`."""
    library = Library(None)
    for name, found in zip(("a", "b"), sets, strict=True):
        library.put(str(path / name / "digits"), found)
    return library


def test_sets_of_one_last_name_are_told_apart_in_either_order(tmp_path: Path) -> None:
    library = in_folders(tmp_path, dataset("digits", 1), dataset("digits", 2, shade=40))
    ends = [str(tmp_path / name / "digits") for name in "ab"]
    there = replace(ADAPTED, source=ends[0], target=ends[1])
    back = replace(ADAPTED, source=ends[1], target=ends[0])
    assert there.name != back.name
    for job in (there, back):
        play(library, tmp_path / "out", job)
    first, second = (Run(tmp_path / "out/runs" / job.name) for job in (there, back))
    assert first.config.sets == ("a/digits", "b/digits")
    assert second.config.sets == ("b/digits", "a/digits")
    source, target = (first.config.data[role].fingerprint for role in ("source", "target"))
    assert source != target
    assert second.config.data["source"].fingerprint == target
    assert weights(tmp_path / "out", there.name) != weights(tmp_path / "out", back.name)


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("change", ["pictures added", "labels mended"])
def test_a_run_of_other_data_is_refused_and_nothing_is_overwritten(
    library: Library, tmp_path: Path, change: str, finished: bool
) -> None:
    play(library, tmp_path, ADAPTED)
    if not finished:
        (tmp_path / "runs" / ADAPTED_NAME / "scores.json").unlink()
    before = content(tmp_path)
    right = library.get("right", 32)
    assert right.test.labels is not None
    if change == "pictures added":
        right = dataset("right", 2, shade=40, count=50)
    else:
        right = replace(right, test=replace(right.test, labels=right.test.labels.flip(0)))
    library.put("right", right)
    words = r"its target was right \(sha256:[0-9a-f]{8}…\), now it is right \(sha256:"
    with pytest.raises(RequestError, match=words):
        play(library, tmp_path, ADAPTED)
    assert content(tmp_path) == before


def test_names_with_dots_are_whole(tmp_path: Path) -> None:
    names = [str(tmp_path / version) for version in ("v1.0", "v1.5")]
    job = replace(ADAPTED, source=names[0], target=names[1])
    assert job.domains == ("v1.0", "v1.5")


def test_more_steps_go_on_from_the_last_state_as_if_it_had_never_ended(
    library: Library, tmp_path: Path
) -> None:
    def of(steps: int, keep: bool = True) -> ClassifierRun:
        return replace(ADAPTED, training=Training(steps, 4, keep_state=keep))

    play(library, tmp_path / "on", of(3))
    play(library, tmp_path / "on", of(6))
    play(library, tmp_path / "once", of(6))
    assert weights(tmp_path / "on", ADAPTED_NAME) == weights(tmp_path / "once", ADAPTED_NAME)
    run = Run(tmp_path / "on/runs" / ADAPTED_NAME)
    assert run.config.training.steps == run.rows()[-1].step == 6
    with pytest.raises(RequestError, match="of 6 steps, which cannot have 3: it has done 6"):
        play(library, tmp_path / "on", of(3))
    play(library, tmp_path / "gone", of(3, keep=False))
    with pytest.raises(RequestError, match=r"3 steps, .* have 6: its last state was not kept"):
        play(library, tmp_path / "gone", of(6))


def test_a_stopped_training_may_end_sooner_as_if_no_more_had_been_asked(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of(steps: int) -> GeneratorRun:
        return replace(GAN, training=Training(steps, 4))

    def stopping(trainer: Trainer, batch: Batch) -> Scalars:
        if trainer.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return whole(trainer, batch)

    whole = Trainer._play
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_play", stopping)
        with pytest.raises(Stopped):
            play(library, tmp_path / "on", of(60))
    with pytest.raises(RequestError, match="of 60 steps, which cannot have 4: it has done 4"):
        play(library, tmp_path / "on", of(4))
    play(library, tmp_path / "on", of(5))
    play(library, tmp_path / "once", of(5))
    assert weights(tmp_path / "on", GAN_NAME) == weights(tmp_path / "once", GAN_NAME)
    run = Run(tmp_path / "on/runs" / GAN_NAME)
    assert run.arrays("pictures")["progress_steps"][-1] == run.rows()[-1].step == 5


def test_a_training_that_depends_on_its_length_is_not_prolonged(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(ADAPTED, training=Training(2, 4, keep_state=True))
    play(library, tmp_path, job)
    monkeypatch.setattr(DANN, "scheduled", True)
    with pytest.raises(RequestError, match="depends on the length of its training; name another"):
        play(library, tmp_path, replace(job, training=Training(4, 4, keep_state=True)))


def test_twins_are_compared_once_both_are_there_and_an_alarm_is_told(
    library: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(transfer, "VOTES", 0)  # no vote is needed: it always rings
    for job in (ADAPTED, replace(ADAPTED, scenario="source-only")):
        assert "looks worse" not in capsys.readouterr().err
        play(library, tmp_path, job)
    assert f"{ADAPTED_NAME}: The adapted classifier looks worse" in capsys.readouterr().err


def test_nothing_of_a_finished_run_stays_in_memory(library: Library, tmp_path: Path) -> None:
    gc.collect()
    gc.disable()  # only what the session itself does counts
    try:
        play(library, tmp_path)
        assert not any(type(thing) is Trainer for thing in gc.get_objects())
    finally:
        gc.enable()


def test_what_a_folder_held_before_stays_in_the_plan_but_for_a_reproduction(
    library: Library, tmp_path: Path
) -> None:
    for job in (GAN, ADAPTED):
        play(library, tmp_path, job)
    assert set(read_plan(tmp_path).runs) == {GAN_NAME, ADAPTED_NAME}
    for claim, job in (("C1", GAN), ("C7", ADAPTED)):
        experiments = {claim: {"arm": [job.name]}}
        plan = structs.replace(PLAN, purpose="claims", experiments=experiments)
        play(library, tmp_path, job, plan=plan)
    assert read_plan(tmp_path).experiments == {
        "C1": {"arm": [GAN_NAME]},
        "C7": {"arm": [ADAPTED_NAME]},
    }
    play(library, tmp_path, GAN, plan=structs.replace(PLAN, purpose="reproduction"))
    assert read_plan(tmp_path).runs == [GAN_NAME]


def test_a_run_that_gave_up_counts_when_another_claim_is_tested_later(
    library: Library, tmp_path: Path
) -> None:
    def test(claim: str, job: Job) -> int:
        plan = structs.replace(
            PLAN, purpose="claims", experiments={claim: {"arm": [job.name, "never-begun"]}}
        )
        play(library, tmp_path, job, plan=plan)
        return collect(tmp_path).experiments["C1"]["arm"].gave_up

    assert test("C1", GAN) == 0
    run = Run(tmp_path / "runs" / GAN_NAME)
    (run.path / "scores.json").unlink()
    run.write(Events((Event(2, "gave up", "the loss has exploded"),)))
    assert test("C7", ADAPTED) == 1
    assert collect(tmp_path).missing["never-begun"] == "not run"


def test_a_second_process_in_the_same_folder_is_refused_until_the_first_dies(
    library: Library, tmp_path: Path
) -> None:
    code = (
        "import fcntl, sys, time\n"
        "file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True); time.sleep(60)"
    )
    (tmp_path / "runs").mkdir()
    command = [sys.executable, "-c", code, str(tmp_path / ".lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RequestError, match="another process is at work"):
            play(library, tmp_path, GAN)
        other.kill()
    assert list((tmp_path / "runs").iterdir()) == []
    play(library, tmp_path, GAN)


def test_a_half_done_session_goes_on(library: Library, tmp_path: Path) -> None:
    play(library, tmp_path, GAN)
    before = weights(tmp_path, GAN_NAME)
    for name in ("scores.json", "model/model.safetensors", "pictures.safetensors"):
        (tmp_path / "runs" / GAN_NAME / name).unlink()
    play(library, tmp_path, GAN)
    assert weights(tmp_path, GAN_NAME) == before


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inner" / "runs").mkdir(parents=True)
    check_output(tmp_path)  # it holds nothing but an output folder
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match="holds something else"):
        check_output(tmp_path)
    with pytest.raises(RequestError, match="is a file"):
        check_output(tmp_path / "notes.txt")


def test_the_room_that_is_needed_follows_from_the_networks(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**10, 10**10, 2 * 10**8))
    play(library, tmp_path / "out", GAN)  # a small network, on a full disk
    with pytest.raises(RequestError, match=r"0\.20 GB free, 1\.\d\d GB needed"):
        play(library, tmp_path / "out", replace(ADAPTED, method=DANN()))
    assert not Run(tmp_path / "out/runs" / ADAPTED_NAME).begun


def test_every_job_is_checked_before_the_first_one_runs(library: Library, tmp_path: Path) -> None:
    left = library.get("left", 32)
    library.put("left", left.unlabelled())
    with pytest.raises(RequestError, match="the source left has no class labels"):
        play(library, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_is_told_in_one_line_and_the_session_goes_on_later(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Run, "write_arrays", full)
        with pytest.raises(RequestError, match="No space left on device; mend that and start"):
            play(library, tmp_path / "out", GAN)
    play(library, tmp_path / "out", GAN)


@pytest.mark.parametrize("file", ["config", "scores"])
def test_a_damaged_old_run_is_told_and_blocks_no_new_training(
    library: Library, tmp_path: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    play(library, tmp_path, ADAPTED)
    (tmp_path / "runs" / ADAPTED_NAME / f"{file}.json").write_text('{"seed": "<b>"}')
    play(library, tmp_path, GAN)
    assert f"{file}.json" in capsys.readouterr().err.replace("\n", "")
    assert read_plan(tmp_path).runs == [GAN_NAME]
    if file == "config":
        with pytest.raises(RequestError, match=r"config\.json"):
            play(library, tmp_path, ADAPTED)


def test_a_run_that_fails_is_told_and_the_others_still_run(
    library: Library, tmp_path: Path
) -> None:
    wild = replace(GAN, method=DCGAN(width=4, learning_rate=1e30), training=Training(30, 4))
    with pytest.raises(TrainingFailed, match="dcgan-faces-0"):
        play(library, tmp_path, wild, ADAPTED)
    assert not Run(tmp_path / "runs" / GAN_NAME).finished
    assert Run(tmp_path / "runs" / ADAPTED_NAME).finished
    kinds = [event.kind for event in Run(tmp_path / "runs" / GAN_NAME).events.events]
    assert kinds == ["rollback"] * 3 + ["gave up"]


def test_a_process_that_died_is_told_apart_from_a_training_that_failed(
    library: Library, tmp_path: Path
) -> None:
    def player(*_: object) -> Generator[Outcome]:
        yield Outcome(GAN, 1.0, "it diverged")
        yield Outcome(ADAPTED, 1.0, "its process died", died=True)

    with pytest.raises(ProcessDied, match=r"^its process died \(and 1 other runs failed\)$"):
        play_all((GAN, ADAPTED), library, tmp_path, PLAN, HERE, Screen(), player)


def test_what_a_killed_process_left_is_swept(library: Library, tmp_path: Path) -> None:
    play(library, tmp_path, GAN)
    run = tmp_path / "runs" / GAN_NAME
    (run / "checkpoints").mkdir()
    for rest in (tmp_path / ".plan.json.1.tmp", run / "checkpoints/.state.1.tmp"):
        rest.write_bytes(b"half")
    play(library, tmp_path, GAN)
    assert not list(tmp_path.rglob("*.tmp"))
    assert not (run / "checkpoints").exists()


def test_a_session_without_target_labels_says_what_it_estimates(
    library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library.put("right", library.get("right", 32).unlabelled())
    play(library, tmp_path, ADAPTED)
    scores = Run(tmp_path / "runs" / ADAPTED_NAME).scores
    assert isinstance(scores, ClassifierScores)
    assert scores.accuracy is None
    said = capsys.readouterr().err
    assert "right on the target, as estimated without labels" in said


def test_before_a_training_on_own_images_the_doctor_tells_the_worst(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = (folder(tmp_path / name, 12, k) for name, k in (("left", 0), ("right", 500)))
    job = replace(ADAPTED, source=str(left), target=str(right))
    play(Library(None), tmp_path / "clean", job)
    assert "sparring check" not in capsys.readouterr().err
    for split, name in (("train", "copy"), ("test", "leak")):
        picture(1).save(left / split / "ant" / f"{name}.png")
    picture(501).save(right / "train" / "bee" / "moved.png")  # its labels are not looked at
    picture(3).save(left / "train" / "ant" / "03.jpg", quality=90)  # a note, and not told
    out = tmp_path / "ill"
    play(Library(None), out, job)
    lines = [line for line in capsys.readouterr().err.splitlines() if "equal" in line]
    alike = "1 picture equal to another of the"
    assert lines == [
        f"error: left: {alike} other split (train image 1 = test image 12): keep them out of test: "
        "what was trained on tests nothing",
        f"warning: left: {alike} same split (train image 1 = train image 13): keep one of each",
        f"warning: right: {alike} same split (train image 1 = train image 24): keep one of each",
    ]
    monkeypatch.setattr("sparring.runs.schedule.TOLD", 1)
    play(Library(None), tmp_path / "short", job)
    *_, last = [one for one in capsys.readouterr().err.splitlines() if "sparring check" in one]
    assert last == f"2 more such findings; to see the pictures: sparring check {left} {right}"


def test_the_catalogue_is_not_examined(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparring.data.doctor.examine", lambda *subjects: pytest.fail("examined"))
    library.put("toy-faces", library.get("faces", 64))
    play(library, tmp_path, replace(GAN, images="toy-faces"))


def test_how_each_set_was_read_is_said_once_before_anything_is_trained(
    library: Library,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sparring.runs.schedule._play", lambda *_: [])
    whole = library.get("right", 32)
    part = whole.train.take((whole.train.labels != 9).nonzero()[:, 0])  # type: ignore[union-attr]
    fewer = replace(part, label_names=part.label_names[:9])
    library.put("right", replace(whole, train=fewer, test=fewer))
    play(library, tmp_path, GAN, ADAPTED, replace(ADAPTED, scenario="source-only"))
    assert capsys.readouterr().err.splitlines() == [
        "faces: 24 train, 16 test, labels set aside",
        "left: 40 train, 30 test, 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        "right: 36 train, 36 test, labels set aside; it lacks of left: 9",
    ]
