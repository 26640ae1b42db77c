import errno
import hashlib
import logging
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.checkpoints import Checkpoints
from sparring.errors import RequestError

CPU = torch.device("cpu")


def state(step: int) -> dict[str, Any]:
    return {"step": step, "weights": torch.full((3, 4), float(step))}


@pytest.fixture
def saved(tmp_path: Path) -> Checkpoints:
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for step in (9, 10, 100):
        checkpoints.save(state(step), 0, step)
    return checkpoints


def steps(checkpoints: Checkpoints) -> list[int]:
    return [int(path.name.split("-")[2]) for path in sorted(checkpoints.folder.iterdir())]


def loaded_step(checkpoints: Checkpoints) -> int:
    found = checkpoints.load(CPU)
    assert found is not None
    assert torch.equal(found["weights"], state(found["step"])["weights"])
    return int(found["step"])


def test_nothing_was_saved(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "none").load(CPU) is None


def test_the_newest_two_are_kept_and_the_newest_is_read(saved: Checkpoints) -> None:
    assert steps(saved) == [10, 100]
    assert loaded_step(saved) == 100


def test_what_follows_a_rollback_is_newer(saved: Checkpoints) -> None:
    saved.save(state(50), 1, 50)
    assert steps(saved) == [100, 50]
    assert loaded_step(saved) == 50


def test_the_name_holds_the_hash(saved: Checkpoints) -> None:
    for path in saved.folder.iterdir():
        assert path.stem.split("-")[3] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "zeros"])
def test_damage_is_seen_and_the_state_before_is_used(
    saved: Checkpoints, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    newest = max(saved.folder.iterdir())
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    changed = {"flip": data, "cut": data[:-1], "empty": b"", "zeros": bytes(len(data))}
    newest.write_bytes(changed[damage])
    with caplog.at_level(logging.WARNING):
        assert loaded_step(saved) == 10
    assert caplog.messages == [f"{newest} is damaged; going on from the state before it"]


def test_a_file_that_holds_code_is_not_run(saved: Checkpoints, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "was here",)

    evil = saved.folder / "evil"
    torch.save({"step": Evil()}, evil)
    digest = hashlib.sha256(evil.read_bytes()).hexdigest()
    evil.rename(saved.folder / f"state-9-000000001-{digest}.pt")
    assert loaded_step(saved) == 100
    assert not (tmp_path / "was here").exists()


def test_all_damaged_is_told(saved: Checkpoints) -> None:
    for path in saved.folder.iterdir():
        path.write_bytes(b"")
    with pytest.raises(RequestError, match="is damaged; remove that folder"):
        saved.load(CPU)


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_older_states_and_no_rest(
    saved: Checkpoints, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    owner, name = {
        "write": (Path, "write_bytes"),
        "fsync": (os, "fsync"),
        "replace": (Path, "replace"),
    }[call]
    monkeypatch.setattr(owner, name, full)
    with pytest.raises(RequestError, match="No space left on device; mend that"):
        saved.save(state(200), 0, 200)
    assert steps(saved) == [10, 100]
    assert loaded_step(saved) == 100
