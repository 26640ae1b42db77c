"""`sparring report`: the page again, of what an output folder holds."""

from pathlib import Path


def report(out: Path, /) -> None:
    """Build report.html and results.json again from the run folders in OUT/runs.

    Args:
        out: Folder that `reproduce`, `claims` or `train` wrote.
    """
    from sparring.report import page
    from sparring.report.collect import read_plan
    from sparring.report2019 import sections

    general = read_plan(out).purpose == "training"
    print(page.build(out) if general else sections.build(out))
