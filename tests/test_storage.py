import errno
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from sparring.divergence import Event
from sparring.errors import RequestError
from sparring.storage import RowLog, sweep, write_atomically, write_json


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
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


def test_json_is_indented_and_has_no_nan(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"ü": [math.nan, -math.inf, 0.1], "n": np.float64(2.5), "i": np.int64(3)})
    assert json.loads(path.read_text()) == {"ü": [None, None, 0.1], "n": 2.5, "i": 3}
    write_json(path, {"events": [Event(3, "alarm", "bad")]})
    assert path.read_text().startswith('{\n  "events": [\n    {\n      "step": 3,\n')


def test_a_log_skips_a_torn_line_and_can_be_cut(tmp_path: Path) -> None:
    log = RowLog(tmp_path / "log.jsonl")
    log.sync()
    assert log.rows() == []
    for step in (1, 2, 3):
        log.append({"step": step, "loss": step / 10})
    with log.path.open("a") as file:
        file.write('{"step": 4, "los')
    assert log.rows() == [{"step": step, "loss": step / 10} for step in (1, 2, 3)]
    log.cut(2)
    assert log.path.read_text() == '{"step":1,"loss":0.1}\n{"step":2,"loss":0.2}\n'


@pytest.mark.parametrize("damage", ["[1]", "{", "\0" * 9, "\udcff"])
def test_a_damaged_row_is_told(damage: str, tmp_path: Path) -> None:
    log = RowLog(tmp_path / "log.jsonl")
    log.path.write_text(damage + "\n", errors="surrogateescape")
    with pytest.raises(RequestError, match=r"cannot read .*log\.jsonl: a row is damaged"):
        log.rows()


def test_files_of_killed_processes_are_swept_and_those_of_running_ones_may_stay(
    tmp_path: Path,
) -> None:
    (tmp_path / "deep").mkdir()
    dead, alive = tmp_path / "deep/.x.999999999.tmp", tmp_path / f".y.{os.getppid()}.tmp"
    for path in (dead, alive, tmp_path / "kept.tmp"):
        path.touch()
    sweep(tmp_path, shared=True)
    assert not dead.exists()
    assert alive.exists()
    (half := tmp_path / ".model.tmp").mkdir()  # a model that was being put into its place
    (half / "config.json").touch()
    sweep(tmp_path)
    assert not half.exists()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["kept.tmp"]
