"""The short version of kills.py: one kill of each kind, at fixed points, on one tiny training."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.endurance.evidence import differences, fingerprint
from tests.endurance.faults import POINTS, Fault
from tests.endurance.kills import Reference, check_end, reference, shares
from tests.endurance.subject import Child, Order, run, told
from tests.endurance.tiny import make_data

Subject = tuple[Order, Reference]


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    home = tmp_path_factory.mktemp("kills")
    order = Order("dcgan", make_data(home / "data"), home / "dcgan", steps=6)
    return order, reference(order)


@pytest.mark.parametrize("points", [POINTS[:3], POINTS[3:6], POINTS[6:7], POINTS[7:]], ids=str)
def test_killed_at_calls_that_change_files_it_ends_equal(
    subject: Subject, tmp_path: Path, points: tuple[tuple[str, bool], ...]
) -> None:
    order, whole = replace(subject[0], home=tmp_path), subject[1]
    for call, after in reversed(points):
        fault = Fault(call, whole.calls[call] // 5 + 1, after, signal.SIGKILL)
        assert run(order, fault)[0] == -signal.SIGKILL, fault
    assert check_end(order, whole) == []


def test_killed_in_four_writes_in_a_row_it_ends_equal(subject: Subject, tmp_path: Path) -> None:
    order, whole = replace(subject[0], home=tmp_path), subject[1]
    first = whole.calls["write"] // 4
    for number in range(first, first + 4):  # one of them at least is a checkpoint's
        assert run(order, Fault("write", number, signal=signal.SIGKILL))[0] == -signal.SIGKILL
    assert check_end(order, whole) == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_killed_while_it_makes_its_folders_it_ends_equal(
    subject: Subject, tmp_path: Path, number: int
) -> None:
    order, whole = replace(subject[0], home=tmp_path), subject[1]
    assert run(order, Fault("open", number, True, signal.SIGKILL))[0] == -signal.SIGKILL
    assert check_end(order, whole) == []


def test_a_fresh_process_killed_at_some_moment_ends_equal(subject: Subject, tmp_path: Path) -> None:
    order, whole = replace(subject[0], home=tmp_path), subject[1]
    child = Child(order, fresh=True)
    child.until_begun()
    child.wait(0.5)
    child.signal(signal.SIGKILL)
    assert child.end() in (-signal.SIGKILL, 0)
    assert check_end(order, whole) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_a_save_stops_with_a_line_on_how_to_go_on(
    subject: Subject, tmp_path: Path, number: signal.Signals
) -> None:
    order, whole = replace(subject[0], home=tmp_path), subject[1]
    code, lines = run(order, Fault("write", whole.calls["write"] // 4, signal=number))
    assert code == 128 + number
    assert len(told(lines)) == 1
    assert told(lines)[0].endswith(f"To go on: sparring {' '.join(order.arguments())}")
    assert check_end(order, whole) == []


def test_the_evidence_sees_one_changed_bit(subject: Subject, tmp_path: Path) -> None:
    order, whole = replace(subject[0], home=tmp_path), subject[1]
    assert run(order)[0] == 0
    weights = next(order.out.rglob("weights.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + bytes([weights.read_bytes()[-1] ^ 1]))
    (weights.parent / "half").touch()
    changed = weights.relative_to(order.out).as_posix()
    assert differences(fingerprint(*order.kept), whole.fingerprint) == [changed]
    (order.home / "tmp" / "left").touch()
    wrong = check_end(order, whole)
    assert wrong == [
        f"differs: {changed}",
        f"left behind: {Path(changed).parent}/half",
        "temporary file: left",
    ]


def test_the_kills_are_spread_over_the_methods() -> None:
    parts = [shares(50, number) for number in range(4)]
    kills = [part.count("random") + part.count("fault point") for part in parts]
    assert kills == [13, 13, 12, 12]
    assert [part.count("fault point") for part in parts] == [6, 6, 6, 6]
    assert [part.count("signal") for part in parts] == [5, 5, 4, 4]
