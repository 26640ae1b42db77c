"""What all drawings share. Knows runs; knows no plot."""

from matplotlib.figure import Figure

from sparring.report.runs import Run

Drawing = tuple[str, Figure, str, str, tuple[str, ...]]
"""Key, figure, title, caption, and the sets that it shows."""


def seed_note(run: Run, runs: tuple[Run, ...]) -> str:
    """Which of several seeds is drawn; empty where there is one."""
    return f" Seed {run.seed}, the first of {len(runs)}." if len(runs) > 1 else ""


def images_per_step(run: Run) -> float:
    """Images seen in each step; 0 where that is not known."""
    log = run.log
    return float(log.images[-1] / log.step[-1]) if log.step[-1] else 0.0
