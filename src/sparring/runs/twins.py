"""Two domains in, an answer out: a source-only run and its adapted twin, which of them is kept, and
what it says of every image of the target.

Knows runs and their folders; knows no page. No label of the target is known but those to `measure`
by.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec import structs
from PIL import Image

from sparring.data.images import DataSet, Images
from sparring.data.unsorted import Unsorted
from sparring.errors import RequestError
from sparring.frozen import Frozen
from sparring.game import AdaptationMethod
from sparring.methods import adaptation
from sparring.metrics.outputs import predict
from sparring.model import Classifier, load
from sparring.runs import ClassifierRun, FrozenRun, predictions
from sparring.runs.classifier_evaluation import against_labels
from sparring.runs.folder import Run, publish
from sparring.runs.records import Answer, Called, Thumbnail, TransferAlarm
from sparring.runs.scores import ClassifierScores
from sparring.runs.target_labels import SealedTarget
from sparring.storage import write_json
from sparring.trainer import Training

PER_CLASS = 200
"""Images of each class and domain in the t-SNE map."""
ERROR = 0.115
"""How far an expected accuracy may lie from the truth: it erred by 6.0 ± 5.5 points over 19
trainings (docs/log.md); this is the mean and one sd, beyond which two of them lay."""
CLASSES, EACH = 20, 6
"""Classes of which images are shown, the most frequent, and images of either kind."""


def carrier(method: str, backbone: str | None) -> AdaptationMethod | Frozen:
    """What carries a classifier over: a method, or a backbone by name or folder.

    The method is then "auto". Raises RequestError.
    """
    if backbone is None:
        return adaptation(method)
    if method != "auto":
        raise RequestError(f"{method} trains a network, and a backbone is left as it is: name one")
    return Frozen.on(backbone)


def twins(
    method: AdaptationMethod | Frozen,
    pair: tuple[str, str],
    seed: int,
    training: Training,
    size: int,
) -> tuple[ClassifierRun, ClassifierRun]:
    """The source-only run and the adapted run of `method`. pair: source and target."""
    kind: Any = FrozenRun if isinstance(method, Frozen) else ClassifierRun
    plain, adapted = (
        kind(method, scenario, *pair, seed, training, PER_CLASS, size=size)
        for scenario in ("source-only", "adapted")
    )
    return plain, adapted


def verdict(alarm: TransferAlarm | None) -> tuple[bool, str]:
    """Whether adaptation helped, as far as can be told without labels, and why, in a sentence.

    It did where the alarm is silent and every validator prefers the adapted classifier.
    """
    if alarm is None:
        return False, "The two classifiers could not be compared."
    against = [name.replace("_", " ") for name, change in alarm.changes.items() if change <= 0]
    if alarm.rings:
        return False, alarm.words
    if against:
        words = f"{' and '.join(against)} would not choose the adapted classifier"
        return False, f"The {len(alarm.changes)} label-free validators disagree: {words}."
    return True, (
        f"All {len(alarm.changes)} label-free validators prefer the adapted classifier to its "
        "source-only twin, and the alarm for negative transfer is silent."
    )


def decide(adapted: Run) -> tuple[bool, str]:
    """`verdict` on the adapted run; where its training failed, it did not help."""
    if adapted.finished:
        return verdict(adapted.alarm)
    last = "".join(f": {event.what}" for event in adapted.events.events[-1:])
    return False, f"The adapted training failed{last}."


def expected(run: Run) -> tuple[float, float, float]:
    """Accuracy on the target as estimated without labels: the estimate, and from where to where."""
    assert isinstance(run.scores, ClassifierScores)
    middle = run.scores.expected
    return middle, max(0.0, middle - ERROR), min(1.0, middle + ERROR)


def measure(run: Run, known: Images, device: torch.device) -> None:
    """Judge a finished run on target images with labels: an opening of them, and on record.

    Its scores get accuracy, confusions and trust, which are of these images; the rest stays.
    """
    sealed = SealedTarget(DataSet(run.config.sets[1], "real", known, known), run)
    sealed.stage = "final evaluation"
    test, model, scores = sealed.open("test"), load(run.path / "model", device), run.scores
    assert isinstance(model, Classifier)
    assert isinstance(scores, ClassifierScores)
    assert test.labels is not None
    found, classes = predict(model.method, test, device), len(model.classes)
    against = against_labels(found, test.labels.numpy(), classes, scores.temperature)
    run.write(structs.replace(scores, **against))


def conclude(
    out: Path,
    jobs: tuple[ClassifierRun, ClassifierRun],
    target: Unsorted,
    known: Images | None,
    proba: bool,
    device: torch.device,
) -> tuple[Answer, str]:
    """Write what two twins answer: OUT/model/, predictions.csv and answer.json.

    The source-only one is finished; the other is too, or its training failed. known: images to
    measure both by, if any. Returns the answer, and what is in the table.
    """
    folders = [out / "runs" / job.name for job in jobs]
    for run in map(Run, folders):
        if known is not None and run.finished:
            measure(run, known, device)
    plain, adapted = map(Run, folders)
    helped, why = decide(adapted)
    kept, other = (adapted, plain) if helped else (plain, adapted)
    publish(kept, out)
    model = load(out / "model", device)
    assert isinstance(model, Classifier)
    chances = model.predict_proba(target.pixels)
    table = predictions.write(
        out / "predictions.csv", model.classes, target.answers(chances), proba
    )
    middle, low, high = expected(kept)
    answer = Answer(
        kept=kept.name,
        other=other.name,
        helped=helped,
        why=why,
        expected=middle,
        low=low,
        high=high,
        measured=0 if known is None else len(known),
        files=len(target.files),
        unreadable=len(target.files) - len(target.pixels),
        called=dict(_called(model.classes, chances)),
        shown=tuple(_shown(model.classes, chances, target)),
    )
    write_json(out / "answer.json", answer)
    return answer, table


def _called(classes: tuple[str, ...], chances: np.ndarray) -> Iterator[tuple[str, Called]]:
    label, confidence, doubt = chances.argmax(1), chances.max(1), predictions.unsure(chances)
    for number, name in enumerate(classes):
        here = label == number
        mean = float(confidence[here].mean()) if here.any() else None
        yield name, Called(images=int(here.sum()), confidence=mean, unsure=int(doubt[here].sum()))


def _shown(classes: tuple[str, ...], chances: np.ndarray, target: Unsorted) -> Iterator[Thumbnail]:
    """Of each class the surest images, most first, and the least sure ones, least first."""
    label, confidence, names = chances.argmax(1), chances.max(1), target.readable
    counts = np.bincount(label, minlength=len(classes))
    for number in np.sort(np.argsort(-counts, kind="stable")[:CLASSES]):
        order = np.flatnonzero(label == number)
        order = order[np.argsort(-confidence[order], kind="stable")]
        half = (len(order) + 1) // 2
        for sure, some in ((True, order[:half]), (False, order[half:][::-1])):
            for place in some[:EACH]:
                second = int(np.argsort(-chances[place], kind="stable")[1])
                yield Thumbnail(
                    file=names[place],
                    label=classes[number],
                    confidence=float(confidence[place]),
                    second=classes[second],
                    second_confidence=float(chances[place, second]),
                    sure=sure,
                    webp=_webp(target.pixels[place]),
                )


def _webp(pixels: torch.Tensor) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(data, "WEBP", quality=85)
    return data.getvalue()
