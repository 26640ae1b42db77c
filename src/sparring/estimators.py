"""Training in Python, by scikit-learn's conventions: parameters, `fit`, fitted attributes `name_`.

Knows how data in memory becomes a set of the library, and calls the same runs as the command line.
What is trained is an object of `sparring.model`, in `model_`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from sparring import defaults, model
from sparring.data import unsorted
from sparring.data.images import Account, DataSet, Images
from sparring.data.pictures import Pictures, files_of, in_parts, of_files, scale
from sparring.errors import RequestError, TrainingFailed
from sparring.frozen import Frozen
from sparring.runs import GeneratorRun, Job, Library
from sparring.runs.common import length
from sparring.runs.folder import Run
from sparring.runs.generator import run_of
from sparring.runs.progress import Screen
from sparring.runs.records import Plan
from sparring.runs.schedule import play_all
from sparring.runs.scores import GeneratorScores
from sparring.runs.twins import carrier, decide, expected, twins
from sparring.runtime import Machine

Source = str | Path | tuple[Pictures, ArrayLike]
"""A labelled set: a path, or images with a label for each."""


class Adapter(ClassifierMixin, TransformerMixin, BaseEstimator):
    """A classifier, carried from labelled images to images of another kind without labels.

    Trains a source-only model and an adapted one, and keeps the second only where every check
    without labels prefers it; `sparring adapt` does the same.

    Parameters: `method`: "auto", the best general one, or a name such as "dann". `backbone`: a name
    on the model hub or a folder; its features are classified as they are, and no network is
    trained. `size`: height and width in pixels that images are taken at, their central square;
    None: 32, or what the backbone asks for. `steps`: batches to train on, of `batch_size` images of
    each domain. `seed`: the same gives the same weights on the same machine.
    `device`: "auto", "cpu", "cuda", ... `folder`: where the runs are written, and from where an
    equal fit goes on; by default they are thrown away.

    Fitted: `model_`, a `sparring.model.Classifier`. `classes_`: their names, or the values of the
    labels that were given. `helped_`: whether it is the adapted model; `why_`: in a sentence.
    `expected_accuracy_`: on the target, as estimated without labels, and from where to where.

    >>> import numpy as np
    >>> import sparring
    >>> images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    >>> adapter = sparring.Adapter(steps=2, batch_size=4, device="cpu")
    >>> adapter = adapter.fit((images, np.arange(40) % 2), 255 - images)
    >>> adapter.predict(images[:3]).shape, adapter.predict_proba(images[:3]).shape
    ((3,), (3, 2))
    >>> adapter.classes_
    array([0, 1])
    """

    def __init__(
        self,
        method: str = "auto",
        *,
        backbone: str | None = None,
        size: int | None = None,
        steps: int = defaults.ADAPT_STEPS,
        batch_size: int = defaults.BATCH,
        seed: int = 0,
        device: str = "auto",
        folder: str | Path | None = None,
    ) -> None:
        self.method = method
        self.backbone = backbone
        self.size = size
        self.steps = steps
        self.batch_size = batch_size
        self.seed = seed
        self.device = device
        self.folder = folder

    def fit(self, source: Source, target: Pictures) -> Self:
        """Train on both. Raises RequestError for what cannot be used, and TrainingFailed.

        source: a path (class folders, images with a list, a zip), or images and their labels, [N],
        as a pair: so the source always brings its labels, and the target is always second.
        target: a path, or images; labels that lie there are not read.
        """
        library, classes = Library(None), None
        training = length(self.steps, self.batch_size, self.seed)
        chosen = carrier(self.method, self.backbone)
        asked = chosen.preparation.edge if isinstance(chosen, Frozen) else defaults.ADAPT_SIZE
        size = int(self.size or asked)
        if isinstance(source, tuple):
            pictures, labels = source
            library.put("source", _in_memory("source", pictures, size, *_numbered(labels)))
            classes = np.unique(np.asarray(labels))
        elif not isinstance(source, str | Path):
            raise RequestError("the source must be a path, or (images, labels) as a pair")
        pair = (str(source) if classes is None else "source", "target")
        white = library.get(pair[0], size).account.white
        if isinstance(target, str | Path):
            library.put("target", unsorted.read(Path(target), size, white).dataset)
        else:
            pixels, account = _read(target, size, white)
            images = Images(pixels, None, ())
            library.put("target", DataSet("target", "real", images, images, account=account))
        jobs = twins(chosen, pair, int(self.seed), training, size)
        with _played(self, jobs, library) as (plain, adapted):
            self.helped_, self.why_ = decide(adapted)
            kept = adapted if self.helped_ else plain
            found = model.load(kept.path / "model", Machine.of(self.device).device)
            assert isinstance(found, model.Classifier)
            self.model_ = found
            self.expected_accuracy_ = expected(kept)
        self.classes_ = np.array(self.model_.classes) if classes is None else classes
        return self

    def predict(self, images: Pictures) -> np.ndarray:
        """The likeliest of `classes_` for each image: [N]. Raises RequestError."""
        best = self.predict_proba(images).argmax(1)
        return self.classes_[best]

    def predict_proba(self, images: Pictures) -> np.ndarray:
        """The probability of each of `classes_`: float32 [N, K]. Raises RequestError."""
        check_is_fitted(self)
        return self.model_.predict_proba(images)

    def transform(self, images: Pictures) -> np.ndarray:
        """What the last layer sees of each image: float32 [N, F]. Raises RequestError."""
        check_is_fitted(self)
        return self.model_.features(images)

    def save(self, folder: str | Path) -> None:
        """Write the model for `sparring.load` and the commands. Raises RequestError."""
        check_is_fitted(self)
        self.model_.save(folder)


class Generator(BaseEstimator):
    """Learns to draw images like those that it is shown; `sparring generate` does the same.

    Parameters: those of `Adapter`, of which `size` is of the images drawn: 16, 32, 64, ... and
    `judge_steps`: of the training of the networks that judge what is drawn.

    Fitted: `model_`, a `sparring.model.Generator`. `labels_`: names of the classes or attributes
    that it can be asked for. `scores_`: numbers by name, as in the report.

    >>> import numpy as np
    >>> import sparring
    >>> images = np.random.default_rng(0).integers(0, 256, (200, 16, 16), dtype=np.uint8)
    >>> smiling = np.arange(200) % 2
    >>> faces = sparring.Generator(size=16, steps=2, batch_size=4, judge_steps=2, device="cpu")
    >>> faces.fit(images, {"Smiling": smiling}).sample(3, Smiling=1).shape
    (3, 16, 16, 3)
    """

    def __init__(
        self,
        method: str = "auto",
        *,
        size: int = defaults.GENERATE_SIZE,
        steps: int = defaults.GENERATE_STEPS,
        batch_size: int = defaults.BATCH,
        judge_steps: int = defaults.JUDGE_STEPS,
        seed: int = 0,
        device: str = "auto",
        folder: str | Path | None = None,
    ) -> None:
        self.method = method
        self.size = size
        self.steps = steps
        self.batch_size = batch_size
        self.judge_steps = judge_steps
        self.seed = seed
        self.device = device
        self.folder = folder

    def fit(
        self, images: Pictures, labels: str | ArrayLike | Mapping[str, ArrayLike] | None = None
    ) -> Self:
        """Train. Raises RequestError for what cannot be used, and TrainingFailed.

        images: at least 200. labels: of a path "all" that it has (the default), "none", names with
        commas, or the path of a CSV of file names and labels; of images a class for each, [N], or
        by name of an attribute 0 or 1 for each.
        """
        training = length(self.steps, self.batch_size, self.seed)
        library, name = Library(None), str(images)
        asked: Any = "all" if labels is None else labels
        if not isinstance(images, str | Path):
            name, asked = "images", "all"
            library.put(name, _in_memory(name, images, self.size, *_numbered(labels)))
        elif not isinstance(asked, str):
            raise RequestError(f"labels of {images} lie there: ask for their names, or name a CSV")
        rest = int(self.seed), training, int(self.size), int(self.judge_steps)
        job: GeneratorRun = run_of(library, self.method, name, asked, *rest)
        with _played(self, (job,), library) as (run,):
            found = model.load(run.path / "model", Machine.of(self.device).device)
            assert isinstance(found, model.Generator)
            assert isinstance(run.scores, GeneratorScores)
            self.model_, self.scores_ = found, dict(run.scores.metrics)
        self.labels_ = self.model_.labels
        return self

    def sample(self, n: int, seed: int = 0, **labels: int | str) -> np.ndarray:
        """Draw `n` images, uint8 [n, S, S, 3]: `sparring.model.Generator.sample`."""
        check_is_fitted(self)
        return self.model_.sample(n, seed, **labels)

    def pairs(self, n: int, label: str, seed: int = 0) -> np.ndarray:
        """Draw pairs that differ in `label` alone: `sparring.model.Generator.pairs`."""
        check_is_fitted(self)
        return self.model_.pairs(n, label, seed)

    def save(self, folder: str | Path) -> None:
        """Write the model for `sparring.load` and the commands. Raises RequestError."""
        check_is_fitted(self)
        self.model_.save(folder)


@contextmanager
def _played(estimator: Any, jobs: Sequence[Job], library: Library) -> Iterator[list[Run]]:
    """The runs, of which the first is finished; gone afterwards where there is no folder for them.

    Raises RequestError, and TrainingFailed.
    """
    with TemporaryDirectory() as temporary:
        out = Path(estimator.folder or temporary)
        plan = Plan(
            command=repr(estimator), budget=f"{estimator.steps:,} steps", purpose="training"
        )
        runs = [Run(out / "runs" / job.name) for job in jobs]
        try:
            play_all(jobs, library, out, plan, Machine.of(estimator.device, 1), Screen())
        except TrainingFailed:
            if not runs[0].finished:
                raise
        yield runs


def _read(images: Pictures, size: int, white: float | None = None) -> tuple[Tensor, Account]:
    """The pixels, and how they were read. white: of the source, if the images are the target's."""
    files = files_of(images)
    own = scale(files, [white] if white else [])
    parts = of_files(files, size, own) if files else in_parts(images, size)
    return torch.cat(list(parts)), Account(white=own or None)


def _numbered(labels: Any) -> tuple[tuple[str, ...], np.ndarray | None]:
    """Names of classes or attributes, and their numbers [N] or values [N, A]; None without."""
    if labels is None:
        return (), None
    if isinstance(labels, Mapping):
        columns = [np.asarray(column) for column in labels.values()]
        if not columns or any(c.ndim != 1 or len(c) != len(columns[0]) for c in columns):
            raise RequestError("attributes must be [N] each, of the same N, one or more")
        values = np.stack(columns, 1)
        if not np.isin(values, (0, 1)).all():
            raise RequestError("the values of an attribute must be 0 or 1: mend them")
        return tuple(labels), values.astype(np.int64)  # of pandas they may be objects
    given = np.asarray(labels)
    try:
        classes, numbers = np.unique(given, return_inverse=True)
    except TypeError as error:  # None or NaN among names
        raise RequestError(f"labels must be of one kind, and none missing: {error}") from error
    if given.ndim != 1 or (classes != classes).any():  # NaN alone is not itself
        raise RequestError(f"labels must be [N], and no NaN among them, not {list(given.shape)}")
    return tuple(map(str, classes)), numbers


def _in_memory(
    name: str, images: Pictures, size: int, names: tuple[str, ...], labels: np.ndarray | None
) -> DataSet:
    """A set of images in memory; every fifth of each class, in random order, is for testing."""
    pixels, account = _read(images, size)
    if labels is not None and len(labels) != len(pixels):
        raise RequestError(f"{len(pixels)} images but {len(labels)} labels: give one for each")
    whole = Images(pixels, None if labels is None else torch.from_numpy(labels).long(), names)
    order = np.random.default_rng(0).permutation(len(pixels))
    if labels is not None and labels.ndim == 1:
        order = order[np.argsort(labels[order], kind="stable")]
    test = np.arange(len(order)) % 5 == 2
    train, unseen = (whole.take(torch.from_numpy(np.sort(order[side]))) for side in (~test, test))
    return DataSet(name, "real", train, unseen, account=account)
