"""`sparring report`: the page again, of what an output folder holds."""

from pathlib import Path


def report(out: Path, /) -> None:
    """Build report.html and results.json again from the run folders in OUT/runs.

    Args:
        out: Folder that `reproduce`, `claims` or `train` wrote.
    """
    print(build(out))


def build(out: Path) -> Path:
    """Build the page that suits what the folder is for; its path."""
    from sparring.report import page
    from sparring.report2019 import sections
    from sparring.runs.folder import read_plan

    general = read_plan(out).purpose == "training"
    return page.build(out) if general else sections.build(out)
