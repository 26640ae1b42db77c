import subprocess
import sys
from pathlib import Path

import pytest

from sparring import cli


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sparring", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


WRONG = [
    (("train", "dan", "--source", "a", "--target", "b"), "unknown method 'dan': did you mean"),
    (("train", "dann", "--source", "mnistm", "--target", "mnist"), "did you mean 'mnist-m'?"),
    (("train", "dann", "--source", "mnist", "--target", "mnist-m"), "--data"),
    (("train", "acgan", "--faces", "toy-faces", "--attributes", "Smirking"), "unknown attribute"),
    (("train", "dcgan", "--faces", "toy-faces", "--steps", "0"), "--steps must be at least 1"),
    (("reproduce", "--data", "nowhere"), "there is no such folder"),
    (("reproduce", "--seeds", "0"), "--seeds must be at least 1"),
    (("report", "nowhere"), "was not written by"),
    (("bench", "--seconds", "0"), "--seconds must be above 0"),
    (("bench", "--json", "nowhere/rows.json"), "name a file in a folder that exists"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_a_wrong_request_gets_one_line_and_code_2_and_leaves_nothing(
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "stand-in" not in line]
    assert len(lines) == 1
    assert lines[0].startswith("sparring: ")
    assert message in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_option_is_refused_with_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "train", "dann", "--sauce", "x") == 2
    assert run(monkeypatch, "reproduce", "--budget", "huge") == 2


def test_a_methods_settings_are_its_flags(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train", "dsn", "--help") == 0
    text = capsys.readouterr().out
    for flag in ("--alpha", "--beta", "--gamma", "--stem", "--source", "--scenario"):
        assert flag in text


def test_help_does_not_import_torch() -> None:
    code = (
        "import sys; sys.argv = ['sparring', '--help']\n"
        "from sparring import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "False"
    assert "reproduce" in result.stdout
