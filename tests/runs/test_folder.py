import errno
import os
from pathlib import Path

import pytest

from sparring.errors import RequestError
from sparring.runs.folder import RunFolder, run_name
from sparring.storage import write_atomically


def test_a_run_goes_on_only_with_the_same_configuration(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a/run")
    folder.open({"seed": 1, "betas": (0.5, 0.9)})
    folder.open({"seed": 1, "betas": (0.5, 0.9)})
    with pytest.raises(RequestError, match="another seed"):
        folder.open({"seed": 2, "betas": (0.5, 0.9)})


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(RequestError, match="no run"):
        RunFolder(tmp_path).open({})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_finished_means_scores(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.open({})
    assert not folder.finished
    folder.write("scores", {"accuracy": 0.5})
    assert folder.finished
    assert folder.read("scores") == {"accuracy": 0.5}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text('{"accuracy": 0.')
    with pytest.raises(RequestError, match=r"scores\.json"):
        RunFolder(tmp_path).read("scores")


def test_the_log_skips_a_torn_line_and_can_be_cut(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert list(folder.log()) == []
    for step in (1, 2, 3):
        folder.append_log({"step": step})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 4, "los')
    assert [row["step"] for row in folder.log()] == [1, 2, 3]
    folder.cut_log(2)
    assert [row["step"] for row in folder.log()] == [1, 2]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    path.unlink()
    path.mkdir()  # a folder cannot be replaced by a file
    with pytest.raises(RequestError, match="cannot write"):
        write_atomically(path, b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_without_room_is_told_in_one_line_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RequestError, match="No space left on device; mend that and start again"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_request_is_checked_against_what_it_names_alone(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.check({"seed": 1})
    assert not folder.path.exists()
    folder.open({"seed": 1, "betas": (0.5, 0.9), "attributes": ["Smiling"]})
    folder.check({"seed": 1, "betas": (0.5, 0.9)})
    with pytest.raises(RequestError, match="another betas;"):
        folder.check({"seed": 1, "betas": (0.4, 0.9)})
    (folder.path / "scores.json").write_text('{"accuracy": 0.')
    with pytest.raises(RequestError, match=r"scores\.json"):
        folder.check({"seed": 1})


@pytest.mark.parametrize("row", ["{", "3", "[]", "{}", '{"images": 1}', '{"step": "1"}'])
def test_a_damaged_row_of_the_log_is_told(row: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append_log({"step": 1})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(RequestError, match=r"log\.jsonl: a row is damaged"):
        folder.cut_log(2)


def test_any_name_makes_one_folder_of_its_own() -> None:
    assert run_name("dann", "my set", "adapted", 0) == "dann-my set-adapted-0"
    odd = ["a/../../b", "a_.._.._b", "a\n", "a_", "é" * 300, "é" * 301, "x" * 300, "a\\"]
    names = [run_name("acgan", name, 0) for name in odd]
    assert len(set(names)) == len(odd)
    for name in names:
        assert "/" not in name
        assert name.isprintable()
        assert len(name.encode()) < 240


def test_events_are_kept_and_none_leave_no_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.events() == []
    folder.write_events([{"step": 3, "kind": "alarm", "what": "words"}])
    assert folder.events() == [{"step": 3, "kind": "alarm", "what": "words"}]
    folder.write_events([])
    assert list(tmp_path.iterdir()) == []


def test_a_new_name_is_on_the_disk_after_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real, rename = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        seen.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    def replace(self: Path, target: Path) -> Path:
        seen.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomically(tmp_path / "file", b"new")
    assert seen == [f".file.{os.getpid()}.tmp", "rename", tmp_path.name]


def test_a_number_that_is_not_finite_is_null_in_every_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.open({"method": "x"})
    folder.write("scores", {"a": [float("nan"), 1.5], "b": {"c": (float("inf"), "text")}})
    assert folder.read("scores") == {"a": [None, 1.5], "b": {"c": [None, "text"]}}
    folder.append_log({"step": 1, "terms": {"task": float("nan")}})
    assert (tmp_path / "run/log.jsonl").read_text() == '{"step": 1, "terms": {"task": null}}\n'
