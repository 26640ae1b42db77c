"""`sparring predict`: labels for images, from a trained classifier.

Knows the table that it writes; how a classifier comes to its answers is in `model`.
"""

import csv
import io
from pathlib import Path
from typing import Annotated

import tyro

from sparring.cli.common import DeviceOptions
from sparring.errors import RequestError, one_line
from sparring.storage import write_atomically

COLUMNS = ["file_name", "label", "confidence", "unsure", "second_label", "second_confidence"]


def predict(
    model: Annotated[Path, tyro.conf.arg(metavar="MODEL")],
    images: Annotated[Path, tyro.conf.arg(metavar="IMAGES")],
    /,
    machine: DeviceOptions,
    out: Path = Path("predictions.csv"),
    proba: bool = False,
) -> None:
    """Label images with a trained classifier.

    Writes one row a file, in the order of their names: the label, its probability (confidence), and
    the second likeliest label. A label is unsure where it is not twice as likely as the second. A
    file that cannot be read has its error instead.

    Args:
        model: Folder of a model, of a run, or of a report with a single run.
        images: Folder or zip of images, or one image.
        machine: Where it is computed.
        out: Table to write. Beside the images, as metadata.csv, it makes them a labelled set.
        proba: Whether to add a column for the probability of each class.
    """
    from sparring.data.pictures import pictures_in
    from sparring.model import Classifier, load

    classifier = load(model, machine.machine().device)
    if not isinstance(classifier, Classifier):
        raise RequestError(f"{model} is a generator: use `sparring sample` to draw with it")
    if not out.absolute().parent.is_dir():
        raise RequestError(f"--out {out}: name a file in a folder that exists")
    names, files = classifier.classes, pictures_in(images)
    extra = [f"probability_{name}" for name in names] if proba else []
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*COLUMNS, *extra, "error"])
    unsure = failed = 0
    for file, chances in classifier.answers(files):
        if isinstance(chances, str):
            failed += 1
            table.writerow([file, *[""] * (len(COLUMNS) - 1 + len(extra)), one_line(chances)])
            continue
        first, second = (-chances).argsort(kind="stable")[:2]
        doubt = bool(chances[first] < 2 * chances[second])
        unsure += doubt
        shares = [f"{chance:.4f}" for chance in chances]
        row = [file, names[first], shares[first], str(doubt).lower(), names[second], shares[second]]
        table.writerow([*row, *(shares if proba else ()), ""])
    write_atomically(out, text.getvalue().encode())
    print(f"{out}: {len(files):,} images, {unsure:,} unsure, {failed:,} that cannot be read")
