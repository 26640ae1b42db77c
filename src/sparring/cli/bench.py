"""`sparring bench`: the speed of this machine. The loops are in benchmarks/ beside the source."""

import math
import sys
from pathlib import Path

import sparring
from sparring.cli.common import a_file
from sparring.errors import RequestError


def bench(json: Path | None = None, seconds: float = 45.0) -> None:
    """Measure this machine: images/s, memory, against the tutorials' loops and the limit.

    Args:
        json: File to write the rows to as well.
        seconds: Time for each of the six rows; more of it narrows the spread.
    """
    if not 0 < seconds < math.inf:
        raise RequestError(f"--seconds must be above 0, not {seconds}")
    if json is not None:
        a_file(json, "--json")
    tree = Path(sparring.__file__).parents[2]
    if not (tree / "benchmarks" / "speed").is_dir():
        raise RequestError("bench needs a clone of the source: its loops are not in the package")
    sys.path.insert(0, str(tree))
    from benchmarks.speed import table

    from sparring.runs.progress import Screen
    from sparring.storage import write_json

    rows, machine = table.run(seconds, Screen())
    table.show(rows, machine)
    if json is not None:
        write_json(json, table.as_json(rows, machine))
