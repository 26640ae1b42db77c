"""The short version of kills.py: one kill of each kind, at fixed points, on one tiny training."""

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.endurance.evidence import differences, fingerprint
from tests.endurance.faults import POINTS, Fault
from tests.endurance.kills import Reference, check_end, reference, shares
from tests.endurance.subject import Child, Order, run, told
from tests.endurance.tiny import make_data
from tests.together import THOROUGH

pytestmark = pytest.mark.skipif(not THOROUGH, reason="takes minutes: THOROUGH=1 asks for it")

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


# In the first writes the judges are kept, a quarter on is a save, then scores, then figures.
@pytest.mark.parametrize(
    ("number", "share"),
    [
        (signal.SIGTERM, 0.02),
        (signal.SIGINT, 0.25),
        (signal.SIGTERM, 0.25),
        (signal.SIGINT, 0.8),
        (signal.SIGTERM, 0.97),
    ],
)
def test_a_signal_at_any_stage_stops_with_a_line_on_how_to_go_on(
    subject: Subject, tmp_path: Path, number: signal.Signals, share: float
) -> None:
    order, whole = replace(subject[0], home=tmp_path), subject[1]
    code, lines = run(
        order, Fault("write", max(1, int(whole.calls["write"] * share)), signal=number)
    )
    assert code == 128 + number
    assert len(told(lines)) == 1
    assert told(lines)[0].endswith(f"To go on: sparring {' '.join(order.arguments())}")
    assert check_end(order, whole) == []


def test_a_classifier_killed_while_it_is_judged_ends_equal(tmp_path: Path) -> None:
    """It opens the target's labels once more; its record is that of the uninterrupted run."""
    whole = Order("dann", make_data(tmp_path / "data"), tmp_path / "whole", steps=2)
    assert run(whole)[0] == 0
    calls = json.loads((whole.home / "census.json").read_text())["rename"]
    moments = sorted(path.stat().st_mtime_ns for path in whole.out.rglob("*") if path.is_file())
    scored = next(whole.out.rglob("scores.json")).stat().st_mtime_ns
    later = len(moments) - moments.index(scored)
    killed = replace(whole, home=tmp_path / "killed")
    for number in range(calls - later + 1, 0, -1):  # a file that was written twice counts once
        shutil.rmtree(killed.home, ignore_errors=True)
        assert run(killed, Fault("rename", number, signal=signal.SIGKILL))[0] == -signal.SIGKILL
        if not list(killed.out.rglob("scores.json")):
            break
    assert len(list(killed.out.rglob("labels.json"))) == 1
    assert run(killed)[0] == 0
    assert differences(fingerprint(*killed.kept), fingerprint(*whole.kept)) == []


def test_the_evidence_sees_one_changed_bit(subject: Subject, tmp_path: Path) -> None:
    order, whole = replace(subject[0], home=tmp_path), subject[1]
    assert run(order)[0] == 0
    weights = next(order.out.rglob("model.safetensors"))
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
