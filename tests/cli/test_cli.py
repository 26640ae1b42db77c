import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sparring
from sparring import __version__, cli, runtime
from sparring.cli.common import DeviceOptions
from sparring.methods.mean_teacher import SOURCE_STEPS


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sparring", *arguments])
    monkeypatch.setattr(runtime.Machine, "set_up", lambda machine: None)  # of this process
    monkeypatch.setattr(runtime, "busy", lambda threads: None)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


WRONG = [
    ((), "name a command: reproduce, claims, train"),
    (("trian",), "unknown command 'trian': did you mean 'train'?"),
    (("train", "dan"), "Available subcommands: dcgan, acgan, dann, dsn"),
    (("train", "dann", "--source", "mnistm", "--target", "mnist"), "did you mean 'mnist-m'?"),
    (("train", "dann", "--source", "mnist", "--target", "mnist-m"), "--data"),
    (("train", "acgan", "--images", "toy-faces", "--labels", "Smirking"), "Smirking"),
    (("train", "dcgan", "--images", "toy-faces", "--steps", "0"), "--steps must be at least 1"),
    (("train", "dcgan", "--images", "toy-faces", "--device", "cuda:99"), "no device 'cuda:99'"),
    (("train", "dcgan", "--images", "toy-faces", "--threads", "0"), "--threads must be at least 1"),
    (("reproduce", "--data", "nowhere"), "there is no such folder"),
    (("reproduce", "--seeds", "0"), "--seeds must be at least 1"),
    (("reproduce", "--jobs", "0"), "--jobs must be at least 1"),
    (("reproduce", "--address", "a:1"), "--address is of a Ray cluster: say --on ray"),
    (("reproduce", "--on", "ray", "--jobs", "2"), "--jobs is for this machine"),
    (("claims", "C1", "--jobs", "two"), "invalid literal for int() with base 10: 'two'"),
    (("claims", "C11"), "unknown claim 'C11'"),
    (("report", "nowhere"), "cannot read nowhere/plan.json"),
    (("watch", "nowhere"), "cannot read nowhere/plan.json"),
    (("compare", "nowhere", "here"), "nowhere is no run: name folders such as OUT/runs/NAME"),
    (("compare", "nowhere"), "name two runs or more"),
    (("bench", "--seconds", "0"), "--seconds must be above 0"),
    (("bench", "--json", "nowhere/rows.json"), "name a file in a folder that exists"),
    (("data", "build", "mnist"), "mnist-m"),
    (("data", "fetch"), "get, build"),
    (("data", "get"), "name the sets to fetch: mnist, mnist-m, svhn, usps, celeba, bsds500"),
    (("data", "get", "mnist", "mnistm"), "unknown published set 'mnistm': did you mean 'mnist-m'?"),
    (("export", "nowhere"), "--to"),
    (("export", "nowhere", "--to", "onnx"), "nowhere holds no trained model"),
    (("export", "nowhere", "--to", "tflite"), "tflite"),
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
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("sparring: ")
    assert message in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_option_is_refused_with_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "train", "dann", "--sauce", "x") == 2
    assert run(monkeypatch, "reproduce", "--budget", "huge") == 2


def shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> str:
    """The help that a command prints."""
    assert run(monkeypatch, *arguments, "--help") == 0
    return capsys.readouterr().out


def test_a_methods_settings_are_its_flags(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(monkeypatch, capsys, "train", "dsn")
    for flag in ("--alpha", "--beta", "--gamma", "--encoder", "--source", "--scenario"):
        assert flag in text


@pytest.mark.parametrize(
    "command", ["reproduce", "claims", "adapt", "generate", "train dann", "train acgan", "bench"]
)
def test_the_help_speaks_of_paths_and_numbers_alone(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(monkeypatch, capsys, *command.split())
    assert "PATH" in text
    assert "{None}" not in text
    if command != "bench":
        assert all(flag in text for flag in ("--device", "--threads"))


def test_the_help_of_a_setting_says_whose_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(method: str) -> str:
        return " ".join(shown(monkeypatch, capsys, "train", method).replace("│", " ").split())

    drawing = told("projection-gan")
    assert "Step size of the generator's Adam. (default: 0.0002)" in drawing
    assert "of the generator's last hidden layer. (default: 24)" in drawing
    assert f"{SOURCE_STEPS} steps of it at most. (default: 0.25)" in told("mean-teacher")


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_the_help_begins_with_what_the_command_itself_says(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function = getattr(importlib.import_module(f"sparring.cli.{command}"), command)
    first = function.__doc__.partition("\n")[0]
    assert first in " ".join(shown(monkeypatch, capsys, command).split())


def test_a_chosen_device_and_threads_are_the_machine() -> None:
    machine = DeviceOptions(device="cpu", threads=1).machine(3)
    assert (machine.device.type, machine.jobs, machine.threads) == ("cpu", 3, 1)


def test_bench_says_that_it_needs_a_clone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sparring, "__file__", str(tmp_path / "lib/site/sparring/__init__.py"))
    assert run(monkeypatch, "bench") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "needs a clone" in line


def test_a_plan_decides_which_page_is_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sparring.report.page.build", lambda out: "general")
    monkeypatch.setattr("sparring.report2019.sections.build", lambda out: "of 2019")
    for purpose, page in (("training", "general"), ("claims", "of 2019")):
        plan = {"command": "x", "budget": "quick", "purpose": purpose}
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        monkeypatch.setattr(sys, "argv", ["sparring", "report", str(tmp_path)])
        cli.main()
        assert capsys.readouterr().out.strip() == page


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_and_version_need_no_torch(arguments: tuple[str, ...]) -> None:
    code = (
        f"import sys; sys.argv = ['sparring', *{arguments}]\n"
        "from sparring import cli\n"
        "cli.main()\n"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "False"
    assert "reproduce" in result.stdout or result.stdout.startswith(f"sparring {__version__}\n")


NO_TORCH = [
    "reproduce",
    "claims",
    "adapt",
    "generate",
    "predict",
    "sample",
    "export",
    "data",
    "bench",
]


def test_without_ray_one_line_tells_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "sparring.runs.on_ray", raising=False)
    assert run(monkeypatch, "reproduce", "--on", "ray") == 2
    assert "pip install 'sparring[ray]'" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("command", NO_TORCH)
def test_the_help_of_a_command_needs_no_torch(command: str) -> None:
    code = (
        "import sys\nfrom sparring import cli\n"
        f"sys.argv = ['sparring', '{command}', '--help']\n"
        "try: cli.main()\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "False"
