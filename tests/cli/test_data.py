"""`sparring data`; the downloads themselves are tested in tests/data/test_download.py."""

import hashlib
import sys
from pathlib import Path

import pytest

from sparring import cli
from sparring.data.published import SETS, File, Published
from tests.data.test_download import BODY, PAGE, Site, site

__all__ = ["site"]  # a fixture


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["sparring", *arguments])
    try:
        cli.main()
    except SystemExit as stopped:
        return int(str(stopped.code))
    return 0


def publish(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    known = "md5:" + hashlib.md5(BODY).hexdigest()
    places = ((File("a.bin", f"{site.address}/a.bin", known),),)
    for name in ("mnist", "usps"):
        monkeypatch.setitem(SETS, name, Published(name, 3, "for tests only", PAGE, places))


def test_sets_are_fetched_into_their_folders(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    publish(site, monkeypatch)
    assert run(monkeypatch, "data", "get", "mnist", "usps", "--out", str(tmp_path)) == 0
    assert (tmp_path / "mnist" / "a.bin").read_bytes() == BODY
    assert (tmp_path / "usps" / "a.bin").read_bytes() == BODY
    shown = capsys.readouterr()
    assert shown.out == f"{tmp_path}\n"
    lines = [line for line in shown.err.splitlines() if line]  # some versions of rich end with one
    assert lines[0] == f"mnist: 3 MB into {tmp_path}/mnist; licence: for tests only ({PAGE})"
    assert len(lines) == 4


def test_a_network_that_fails_is_one_line_and_code_1(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    publish(site, monkeypatch)
    del site.files["/a.bin"]
    assert run(monkeypatch, "data", "get", "mnist", "--out", str(tmp_path)) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("sparring: mnist could not be fetched: http://127.0.0.1:")
    assert "404 Not Found; start again to go on, or fetch a.bin by hand from" in last


def test_mnist_m_is_built_of_what_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple] = []
    monkeypatch.setattr("sparring.data.mnist_m.build", lambda *of: asked.append(of))
    paths = [str(tmp_path / name) for name in ("mnist", "photos", "out")]
    flags = [
        part for pair in zip(("--mnist", "--photos", "--out"), paths, strict=True) for part in pair
    ]
    assert run(monkeypatch, "data", "build", "mnist-m", *flags, "--seed", "4") == 0
    assert asked == [(*map(Path, paths), 4)]
