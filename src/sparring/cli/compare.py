"""`sparring compare RUN RUN ...`: what differs between runs, in lines of text or as a page.

Knows how it is shown; what differs is found in `report.compare`.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import tyro

from sparring.cli import command_line
from sparring.cli.common import a_file
from sparring.errors import RequestError, one_line
from sparring.storage import write_atomically

if TYPE_CHECKING:
    from sparring.report.compare import Comparison, Rows


def compare(
    run: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="RUN")], /, out: Path | None = None
) -> None:
    """Tell what differs between runs: settings, data, machine, scores, and where they part.

    Runs are called 1, 2, ... in the order given. Two runs part at the first row of their logs in
    which any number but the time differs.

    Args:
        run: Two or more folders of runs, such as OUT/runs/NAME.
        out: Page to write: the same, with their losses in one figure, in one HTML file.
    """
    from sparring.report import compare as found
    from sparring.runs.folder import Run

    if len(run) < 2:
        raise RequestError("name two runs or more, such as OUT/runs/NAME")
    if out is not None:
        a_file(out)
    comparison = found.compare([Run(path) for path in run])
    if out is not None:
        write_atomically(out, _page(comparison).encode())
    print("\n".join(map(one_line, _lines(comparison))))
    if out is not None:
        print(out)


def _lines(found: "Comparison") -> list[str]:
    lines = [f"{number}: {run.path}" for number, run in enumerate(found.runs, 1)]
    for title, rows in _tables(found).items():
        lines += ["", title, *_columns(rows)]
    return [*lines, "", *_partings(found)]


def _tables(found: "Comparison") -> "dict[str, Rows]":
    """By title what stands in each; where nothing differs the title says it."""
    named = {"settings and data": found.asked, "machine": found.machine}
    tables = {title if rows else f"{title}: the same": rows for title, rows in named.items()}
    return tables | {"scores": found.scores}


def _partings(found: "Comparison") -> list[str]:
    return [f"1 and {number} {words}" for number, words in enumerate(found.parted, 2)]


def _columns(rows: "Rows") -> list[str]:
    """Rows with their cells below each other."""
    cells = [(name, *values) for name, values in rows.items()]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = (map(str.ljust, row, widths) for row in cells)
    return [f"  {'  '.join(row)}".rstrip() for row in padded]


def _page(found: "Comparison") -> str:
    from sparring.report.compare import overlaid
    from sparring.report.figures import Drawing, save
    from sparring.report.page import embed
    from sparring.report.plots import Panel, curves
    from sparring.report.templates import templates

    steps, losses = overlaid(found.runs)
    title = f"Losses of {len(found.runs)} runs"
    with TemporaryDirectory() as room:
        panels = [Panel(f"{name} loss", lines) for name, lines in losses.items()]
        drawn = (Drawing("losses", curves(steps, panels, title), title, ()) for _ in panels[:1])
        images = [embed(Path(room), picture) for picture in save(Path(room), drawn).values()]
    return (
        templates(Path(__file__).parent)
        .get_template("compare.html.jinja")
        .render(
            command=command_line(),
            runs=found.runs,
            tables=_tables(found),
            partings=_partings(found),
            images=images,
            title=title,
        )
    )
