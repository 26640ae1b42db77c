"""One command, two processes: from the command line to the report."""

import subprocess
import sys
from pathlib import Path

from tests.endurance.tiny import make_data
from tests.training import rows


def test_two_processes_adapt_as_one_does_and_speak_with_one_voice(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data")
    command = [sys.executable, "-m", "sparring", "adapt", str(data / "left"), str(data / "right")]
    command += ["--steps", "4", "--batch-size", "5", "--threads", "1", "--size", "16"]
    command += ["--out", str(tmp_path / "out"), "--processes", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("report.html\n") == 1
    assert "Traceback" not in done.stderr
    runs = sorted((tmp_path / "out/runs").iterdir())
    assert [len(rows(run)) for run in runs] == [4, 4]
    assert (tmp_path / "out/model/model.safetensors").is_file()
