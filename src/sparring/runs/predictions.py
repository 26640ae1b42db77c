"""predictions.csv: a row a file, which is a valid metadata.csv of the hub's imagefolder layout.

Knows probabilities and names; knows no model and no picture.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from sparring.errors import one_line
from sparring.storage import write_atomically

COLUMNS = ["file_name", "label", "confidence", "unsure", "second_label", "second_confidence"]


def unsure(chances: np.ndarray) -> np.ndarray:
    """Where the likeliest class is not twice as likely as the second: [..., K] to bool [...]."""
    second, first = np.moveaxis(np.sort(chances, axis=-1)[..., -2:], -1, 0)
    return np.asarray(first < 2 * second)


def write(
    out: Path,
    classes: Sequence[str],
    answers: Iterable[tuple[str, np.ndarray | str]],
    proba: bool = False,
) -> str:
    """Write the table `out`, and say in a line what is in it.

    answers: each file's name, and its probabilities float32 [K] or what is wrong with it.
    proba: whether to add a column for each class.
    """
    extra = [f"probability_{name}" for name in classes] if proba else []
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*COLUMNS, *extra, "error"])
    files = doubtful = failed = 0
    for file, chances in answers:
        files += 1
        if isinstance(chances, str):
            failed += 1
            table.writerow([file, *[""] * (len(COLUMNS) - 1 + len(extra)), one_line(chances)])
            continue
        first, second = (-chances).argsort(kind="stable")[:2]
        doubt = bool(unsure(chances))
        doubtful += doubt
        shares = [f"{chance:.4f}" for chance in chances]
        row = [file, classes[first], shares[first], str(doubt).lower()]
        row += [classes[second], shares[second]]
        table.writerow([*row, *(shares if proba else ()), ""])
    write_atomically(out, text.getvalue().encode())
    return f"{out}: {files:,} images, {doubtful:,} unsure, {failed:,} that cannot be read"
