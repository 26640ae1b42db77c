"""Disks that fail, folders that vanish, damaged checkpoints, two processes on one folder.

A failing disk is simulated by calls that fail, so that no root and no real disk is needed. After
each failure the same command must go on, and end like the uninterrupted training.
"""

import errno
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.endurance.evidence import locked, state
from tests.endurance.faults import Fault
from tests.endurance.kills import Reference, check_end, reference
from tests.endurance.subject import Child, Order, run, told
from tests.endurance.tiny import make_data
from tests.together import THOROUGH

pytestmark = pytest.mark.skipif(not THOROUGH, reason="takes minutes: THOROUGH=1 asks for it")

SHARES = (0.0, 0.2, 0.45, 0.9)
"""Where in a training's life the disk fails; `kills.py` takes random places instead."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Order, Reference]:
    home = tmp_path_factory.mktemp("storage")
    order = Order("dann", make_data(home / "data"), home / "dann")
    return order, reference(order)


@pytest.fixture
def order(whole: tuple[Order, Reference], tmp_path: Path) -> Order:
    return replace(whole[0], home=tmp_path)


def check_one_line(code: int, lines: list[str]) -> None:
    assert (code, len(told(lines))) == (2, 1), lines
    assert not any("Traceback" in line for line in lines)


def states(order: Order) -> list[Path]:
    """Saved states, oldest first: whatever ends in .pt and is no temporary file."""
    return sorted(path for path in order.out.rglob("*.pt") if not path.name.startswith("."))


def stopped(order: Order, whole: Reference, share: float = 0.5) -> Child:
    """A training that has stopped for a look around, before one of its renames."""
    number = int(whole.calls["rename"] * share) + 1
    child = Child(replace(order, fault=Fault("rename", number, signal=signal.SIGSTOP)))
    while state(child.pid) != "T":
        assert child.wait(0.01) is None, child.lines()
    return child


@pytest.mark.parametrize("share", SHARES)
def test_a_full_disk_is_told_in_one_line_and_no_work_is_lost(
    order: Order, whole: tuple[Order, Reference], share: float
) -> None:
    number = int(whole[1].calls["write"] * share) + 1
    code, lines = run(order, Fault("write", number, errno=errno.ENOSPC))
    check_one_line(code, lines)
    assert os.strerror(errno.ENOSPC) in told(lines)[0]
    if 0.3 < share < 0.6:  # in the middle of the training
        assert states(order)
    assert check_end(order, whole[1]) == []


@pytest.mark.parametrize(
    ("call", "share"), [("mkdir", 0.0), ("open", 0.0), ("open", 0.5), ("rename", 0.5)]
)
def test_a_file_system_that_turns_read_only_is_told_in_one_line(
    order: Order, whole: tuple[Order, Reference], call: str, share: float
) -> None:
    number = int(whole[1].calls[call] * share) + 1
    code, lines = run(order, Fault(call, number, errno=errno.EROFS))
    check_one_line(code, lines)
    assert os.strerror(errno.EROFS) in told(lines)[0]
    assert check_end(order, whole[1]) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_told_in_one_line(
    order: Order, whole: tuple[Order, Reference]
) -> None:
    child = stopped(order, whole[1])
    for folder in (order.out, *order.out.glob("runs/*"), *order.out.glob("runs/*/checkpoints")):
        folder.chmod(0o555)
    child.signal(signal.SIGCONT)
    check_one_line(child.end(), child.lines())
    for folder in (order.out, *order.out.glob("runs/*"), *order.out.glob("runs/*/checkpoints")):
        folder.chmod(0o755)
    assert check_end(order, whole[1]) == []


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_folder_that_vanishes_is_told_in_one_line(
    order: Order, whole: tuple[Order, Reference], share: float
) -> None:
    child = stopped(order, whole[1], share)
    away = order.out.rename(order.home / "away")
    child.signal(signal.SIGCONT)
    check_one_line(child.end(), child.lines())
    assert not order.out.exists(), "made again, beside the mount"
    away.rename(order.out)
    assert check_end(order, whole[1]) == []


def test_a_folder_that_is_removed_is_told_in_one_line(
    order: Order, whole: tuple[Order, Reference]
) -> None:
    child = stopped(order, whole[1])
    shutil.rmtree(order.out)
    child.signal(signal.SIGCONT)
    check_one_line(child.end(), child.lines())
    assert check_end(order, whole[1]) == []


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "one bit": flip,
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
}


# Two checkpoints are kept as checkpoints/state-*.pt; the newest is the last by name.
@pytest.mark.parametrize("damage", DAMAGES)
def test_the_checkpoint_before_a_damaged_one_is_used_with_a_warning(
    order: Order, whole: tuple[Order, Reference], damage: str
) -> None:
    child = stopped(order, whole[1])
    child.signal(signal.SIGKILL)
    child.end()
    kept = states(order)
    assert len(kept) == 2, kept
    newest = kept[-1]
    DAMAGES[damage](newest)
    code, lines = run(order, Fault("fsync", 5, signal=signal.SIGKILL))
    assert code == -signal.SIGKILL
    assert [newest.name in line for line in told(lines)] == [True], lines
    assert check_end(order, whole[1]) == []


def test_a_second_process_is_refused_until_the_first_is_killed(
    order: Order, whole: tuple[Order, Reference]
) -> None:
    first = stopped(order, whole[1])
    assert locked(order.out)
    code, lines = run(order)
    check_one_line(code, lines)
    assert "another process" in told(lines)[0]
    first.signal(signal.SIGKILL)
    first.end()
    assert locked(order.out) == []
    assert check_end(order, whole[1]) == []
