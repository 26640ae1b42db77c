"""Train a generator and keep what it draws."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from msgspec import structs
from safetensors.numpy import load_file, save

from sparring import defaults
from sparring.data import catalogue
from sparring.data.feed import Stream
from sparring.data.files import is_list
from sparring.data.images import DataSet
from sparring.divergence import LogIntervals
from sparring.errors import RequestError, TrainingFailed
from sparring.game import Batch, GenerativeMethod, Labelled, Shape, Unlabelled
from sparring.methods import generation, name_of
from sparring.metrics.scorecard import mean_distance
from sparring.runs import common, evaluators
from sparring.runs.evaluators import Evaluators
from sparring.runs.folder import Run, run_name
from sparring.runs.generator_evaluation import VARIED, Arrays, evaluate, spread
from sparring.runs.library import Library
from sparring.runs.progress import Screen
from sparring.runs.records import Config, ExtractorName, Judging, LogRow
from sparring.runs.sampler import Sampler
from sparring.runs.scores import GeneratorScores
from sparring.storage import write_atomically
from sparring.trainer import Trainer, Training

SNAPSHOT_IMAGES, SNAPSHOTS = 8, 6
COMPARED = 8
"""Samples that are shown beside those of a running mean."""
WATCHED = 16
"""Images that the diversity is measured on while training."""


@dataclass(frozen=True)
class Trained:
    """A generator after its training, what draws with it, and what it drew on the way."""

    trainer: Trainer
    shape: Shape
    sampler: Sampler
    progress: Arrays


@dataclass(frozen=True)
class GeneratorRun:
    """One generator, as it is asked for.

    labels: names of attributes or classes with commas, or "all"; "": none are used.
        The first one is shown first.
    judge_steps: of the training of extractor and judge. judged: images drawn for the scores.
    extractor: of the features that fidelity is measured on: "own" learns from the same data.
    size: height and width of the images in pixels.
    arm: of an experiment, what makes this run differ from the method's plain form.
    """

    method: GenerativeMethod
    images: str
    labels: str
    seed: int
    training: Training
    judge_steps: int
    judged: int
    extractor: ExtractorName = "own"
    size: int = 64
    arm: str = ""

    @property
    def name(self) -> str:
        """Name of the run folder."""
        parts = filter(None, [self.labels.replace(",", "+"), self.arm])
        (images,) = catalogue.distinct_names((self.images,))
        return run_name(name_of(self.method), images, *parts, self.seed)

    @property
    def judging(self) -> Judging:
        """What the generator is judged by."""
        return Judging(extractor=self.extractor, steps=self.judge_steps, images=self.judged)

    def config(self, library: Library, device: torch.device) -> Config:
        """All that decides the result. Raises RequestError for data that cannot be used."""
        used = self.data(library)
        shape = _shape(used)
        (name,) = catalogue.distinct_names((self.images,))
        whole = common.describe_data(name, library.get(self.images, self.size))
        counts = {"train": len(used.train), "test": len(used.test)}  # of some classes, perhaps
        return Config(
            **common.asked(self.method, self.seed, self.training, device),
            scenario="generation",
            data={"images": structs.replace(whole, **counts)},
            size=self.size,
            label_kind=shape.kind,
            label_names=shape.labels,
            judging=self.judging,
            arm=self.arm,
        )

    def data(self, library: Library) -> DataSet:
        """The data with the wanted labels, or without. Raises RequestError."""
        dataset, takes = library.get(self.images, self.size), self.method.batch_type
        if self.labels and issubclass(Labelled, takes):
            return catalogue.attributes(dataset, self.labels)
        if not issubclass(Unlabelled, takes):
            raise RequestError(f"{name_of(self.method)} learns from labels: name some (or all)")
        return dataset.unlabelled()

    @property
    def asked(self) -> tuple[str, ...]:
        """Names or paths of the sets that it is trained on."""
        return (self.images,)

    def sets(self, library: Library) -> tuple[DataSet, ...]:
        """These sets, with the labels that it is trained on. Raises RequestError."""
        return (self.data(library),)

    def run(self, library: Library, folder: Run, device: torch.device, show: Screen) -> None:
        """Train, draw, evaluate and write all down; goes on where an earlier call was stopped.

        Raises RequestError for data that cannot be used, Stopped, and TrainingFailed.
        """
        config, dataset = self.config(library, device), self.data(library)
        common.check_room(folder, common.build(self.method, _shape(dataset), self.seed))
        wanted = dataset if dataset.train.kind == "classes" else None  # some classes, perhaps
        labels = self.labels if wanted else ""
        tools = library.once(
            ("evaluators", self.images, self.size, labels, self.judging, device),
            lambda: evaluators.set_up(
                library.get(self.images, self.size), self.judging, device, show.say, wanted
            ),
        )
        trained = self.train(config, dataset, folder, device, show)
        show.say(f"{self.name}: evaluating {self.judged:,} images")
        scores, arrays = self.evaluate(tools, trained.sampler)
        scores = structs.replace(scores, metrics=scores.metrics | final_losses(folder.rows()))
        files = {"pictures": arrays | trained.progress}
        common.finish(folder, config, trained.trainer, trained.shape, scores, files)

    def evaluate(self, tools: Evaluators, sampler: Sampler) -> tuple[GeneratorScores, Arrays]:
        """The scores and pictures of the generator, and those of a mean that is kept beside it."""
        with sampler.method.evaluated():
            scores, arrays = evaluate(tools, sampler, self.judged)
        if sampler.method.beside:
            with sampler.method.evaluated(beside=True):
                mean, drawn = evaluate(tools, sampler, self.judged)
            scores = structs.replace(scores, averaged=mean.metrics)
            arrays["averaged"] = np.stack([arrays["samples"], drawn["samples"]])[:, :COMPARED]
        return scores, arrays

    def follow(self, library: Library, folder: Run, device: torch.device) -> None:
        """Train along with the rank that plays this run, and write nothing."""
        dataset = self.data(library)
        method = common.build(self.method, _shape(dataset), self.seed)
        Trainer(method, self._feed(dataset, device), self.training, folder.path, device).run()

    def train(
        self, config: Config, dataset: DataSet, folder: Run, device: torch.device, show: Screen
    ) -> Trained:
        """The trained generator; `folder` gets its log, saved states and architecture.

        dataset: with the labels that are asked for.
        """
        shape = _shape(dataset)
        method = common.begin(folder, config, self.method, shape, device)
        sampler = Sampler(method, dataset.train, self.seed, device)
        real, steps = spread(dataset.test.pixels, VARIED), self.training.steps
        feed = self._feed(dataset, device)
        with show.task(self.name) as task:
            watch = Watch(sampler, real, folder, steps, task.look)
            trainer = Trainer(method, feed, self.training, folder.path, device, task.update, watch)
            trainer.run()
        folder.write(common.architecture(method, feed(0)))
        return Trained(trainer, shape, sampler, watch.progress())

    def _feed(self, dataset: DataSet, device: torch.device) -> Callable[[int], Batch]:
        batch_size, key = self.training.batch_size, (self.seed,)
        stream = Stream(dataset.train, batch_size, key, device, dataset.mirror)
        return stream.unlabelled if _shape(dataset).kind == "none" else stream.labelled


def run_of(
    library: Library,
    method: str,
    images: str,
    labels: str,
    seed: int,
    training: Training,
    size: int,
    judge_steps: int,
) -> GeneratorRun:
    """The run of the generator called `method`, with labels where it and the images have some.

    labels: "all" that there are, "none", names with commas, or the path of a list that labels the
    images. Raises RequestError where `images` are too few, or lack a label that is asked for.
    """
    if is_list(labels):
        library.put(images, catalogue.listed_by(labels, images, size))
        labels = "all"
    found = library.get(images, size)
    if (count := len(found.train) + len(found.test)) < defaults.FEWEST:
        raise RequestError(
            f"{images} has {count} images, and a generator needs {defaults.FEWEST}: add more"
        )
    if labels not in ("all", "none"):
        catalogue.attributes(found, labels)
    chosen = generation(method)
    known = labels != "none" and found.train.kind != "none"
    asked = labels if known and issubclass(Labelled, chosen.batch_type) else ""
    judging = judge_steps, defaults.JUDGED
    return GeneratorRun(chosen, images, asked, seed, training, *judging, size=size)


def _shape(dataset: DataSet) -> Shape:
    train = dataset.train
    return Shape(train.size, () if train.labels is None else train.label_names, train.kind)


def final_losses(rows: Sequence[LogRow]) -> dict[str, float]:
    """Mean loss of each player over the last tenth of the log."""
    columns: dict[str, list[float]] = {}
    for row in rows:
        for player, loss in row.losses.items():
            columns.setdefault(f"{player}_loss", []).append(math.nan if loss is None else loss)
    return {name: fmean(v[-max(1, len(v) // 10) :]) for name, v in columns.items()}


class Watch:
    """Looks at what the generator draws while it trains; the trainer's `observe`.

    The same noise is drawn at a few moments and kept in the run folder meanwhile. real: mean
    distance of real images, which the diversity is a share of. show: called with what is drawn,
    uint8 [WATCHED, 3, S, S].
    """

    def __init__(
        self,
        sampler: Sampler,
        real: float,
        run: Run,
        steps: int,
        show: Callable[[np.ndarray], None] = lambda images: None,
    ) -> None:
        self.sampler, self.real, self.folder = sampler, real, run.path / "snapshots"
        self.show = show
        intervals = LogIntervals.of(steps)
        self.every, log = intervals.gradients, intervals.log
        # Evenly spaced on a logarithmic scale: most changes early. Before that all is grey.
        moments = np.geomspace(max(log, steps / 50), steps, SNAPSHOTS) / log
        self.moments = {min(steps, round(moment) * log) for moment in moments} | {steps}

    def __call__(self, step: int) -> dict[str, float]:
        """The diversity of WATCHED images at `step`; NaN where they are not finite."""
        try:
            if step in self.moments:
                self.folder.mkdir(exist_ok=True)
                images = {"images": self.sampler.draw(SNAPSHOT_IMAGES).numpy()}
                write_atomically(self.folder / f"{step:09d}.safetensors", save(images))
            if step % self.every or not self.real:
                return {}
            drawn = self.sampler.draw(WATCHED)
            self.show(drawn.numpy())
            return {"diversity": mean_distance(drawn) / self.real}
        except TrainingFailed:  # the trainer may go back to where they were
            return {"diversity": math.nan}

    def progress(self) -> Arrays:
        """What was kept, in order of the steps."""
        files = sorted(self.folder.glob("*.safetensors"))
        return {
            "progress": np.stack([load_file(file)["images"] for file in files]),
            "progress_steps": np.array([int(file.stem) for file in files]),
        }
