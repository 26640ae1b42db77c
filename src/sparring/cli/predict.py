"""`sparring predict`: labels for images, from a trained classifier.

How a classifier comes to its answers is in `model`, the table in `runs.predictions`.
"""

from pathlib import Path
from typing import Annotated

import tyro

from sparring.cli.common import DeviceOptions, a_file
from sparring.errors import RequestError


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
    from sparring.runs import predictions

    a_file(out)
    classifier = load(model, machine.machine().device)
    if not isinstance(classifier, Classifier):
        raise RequestError(f"{model} is a generator: use `sparring sample` to draw with it")
    answers = classifier.answers(pictures_in(images))
    print(predictions.write(out, classifier.classes, answers, proba))
