"""The short version of the fuzzing, for every run of the tests (`python -m tests.fuzz`: long)."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import KINDS, Damage, damaged
from tests.fuzz.subjects import SUBJECTS, Part, Subject
from tests.fuzz.trial import attempt, read

NUMBER = st.integers(0, 65535)
DAMAGE = st.builds(Damage, st.sampled_from(KINDS), NUMBER, NUMBER, NUMBER)
HARMS = st.lists(st.tuples(NUMBER, st.booleans(), DAMAGE), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def places() -> Iterator[dict[str, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        found = {name: Path(folder) / name for name in SUBJECTS}
        for name, subject in SUBJECTS.items():
            subject.write(found[name])
        yield found


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_damaged_file_is_refused_in_one_line_or_read(name: str, places: dict[str, Path]) -> None:
    subject, place = SUBJECTS[name], places[name]
    assert read(subject, place) == "read"

    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(HARMS)
    def holds(harms: list[tuple[int, bool, Damage]]) -> None:
        assert attempt(subject, place, harms) in ("read", "refused")

    holds()
    assert read(subject, place) == "read"  # what was damaged was mended


def test_readers_stay_within_their_memory() -> None:
    """In a child process with little memory, as in the long run."""
    ask = [sys.executable, "-m", "tests.fuzz", "--child", "parquet", "--cases", "25"]
    done = subprocess.run(ask, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    outcomes = [line.split(" ", 2)[2] for line in done.stdout.splitlines() if "done" in line]
    assert len(outcomes) == 25
    assert set(outcomes) == {"'read'", "'refused'"}


def test_what_breaks_the_rule_is_a_finding(tmp_path: Path) -> None:
    def careless(folder: Path) -> None:
        if (folder / "f").read_bytes() != b"good":
            raise KeyError("f")

    subject = Subject("careless", (Part("f", b"good"),), careless)
    subject.write(tmp_path)
    harm = (0, True, Damage("flip", 0, 0, 3))
    assert attempt(subject, tmp_path, [harm]) == "test_readers.py:careless: KeyError: 'f'"
    assert (tmp_path / "f").read_bytes() == b"good"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("truncate", 2, b"ab"),
        ("flip", 2, b"abgdef"),
        ("zeros", 2, b"ab\0\0ef"),
        ("ones", 2, b"ab\xff\xffef"),
        ("size", 2, b"ab\x02\0ef"),
        ("text", 2, b"ab=cmd|' /C calc'!A0def"),
    ],
)
def test_damage_of_bytes(kind: str, value: int, expected: bytes) -> None:
    assert damaged("f", b"abcdef", Damage(kind, 2 * 65536 // 6 + 1, 1, value)) == expected


def test_damage_of_json() -> None:
    found = {
        damaged("f.json", b'{"a": 1}', Damage("structure", 0, 1, value)) for value in range(30)
    }
    assert {b"{}", b'{"a": null}', b'{"a": NaN}', b'{"a": "<script>"}'} <= found
