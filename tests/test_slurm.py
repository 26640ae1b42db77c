"""The recipe for Slurm in the docs, with submitit's executor of one machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sparring.runs.folder import Run
from tests.endurance.tiny import make_data

pytest.importorskip("submitit")
PAGE = Path(__file__).parents[1] / "docs/slurm.md"
PLAN = 'source_report(find_data(data), "full", 5, SYSTEMS["all"])'
TINY = """[
        ClassifierRun(DANN(encoder="small"), "adapted", *pair, seed, Training(2, 4), 2)
        for seed in range(1)
        for pair in [[str(data / name) for name in ("left", "right")]]
    ]"""
IMPORTS = """
from sparring.methods import DANN
from sparring.runs import ClassifierRun
from sparring.trainer import Training
"""


def test_the_recipe_plays_its_runs_and_none_twice(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(code.splitlines()) < 40
    assert PLAN in code
    script = tmp_path / "slurm.py"
    code = code.replace("threads=4", "threads=1")
    script.write_text(
        code.replace(PLAN, TINY).replace("import submitit\n", f"import submitit\n{IMPORTS}")
    )
    place = [str(make_data(tmp_path / "data")), str(tmp_path / "out"), "local"]

    def told() -> list[str]:
        command = [sys.executable, str(script), *place]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split(
            "\n"
        )

    names = [f"dann-left-right-adapted-{seed}" for seed in range(1)]
    assert told() == [*(f"{name}: done" for name in names), ""]
    assert all(Run(tmp_path / "out/runs" / name).finished for name in names)
    assert told() == [""]
