"""Train a generator and keep what it draws."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.checkpoints import read_sealed, write_sealed
from sparring.data import catalogue
from sparring.data.feed import Stream
from sparring.data.images import DataSet
from sparring.divergence import Rhythm
from sparring.errors import RequestError, TrainingFailed
from sparring.game import GenerativeMethod, Labelled, Shape
from sparring.methods import name_of
from sparring.metrics.diversity import last_tenth, mean_distance
from sparring.metrics.fidelity import check_libraries
from sparring.runs import evaluators as instruments
from sparring.runs.common import architecture, base_config, build, finish, open_folder, write_arrays
from sparring.runs.folder import RunFolder, run_name
from sparring.runs.generator_evaluation import VARIED, flip_order, inspect
from sparring.runs.library import Library
from sparring.runs.progress import Screen
from sparring.runs.sampler import Brush
from sparring.trainer import Trainer, Training

SAMPLES, PAIRS = 32, 10
FILM_WIDTH, FILM_LENGTH = 8, 6
WATCHED = 16
"""Images that the diversity is measured on while training."""


@dataclass(frozen=True)
class GenerationJob:
    """One generator, trained and inspected.

    attributes: "Smiling,Male", "all", or "" for a method without labels.
    judge_steps: of the training of extractor and judge. judged: images drawn for the scores.
    extractor: of the features that fidelity is measured on: "own" learns from the same data.
    size: height and width of the images in pixels.
    arm: of an experiment, what makes this run differ from the method's plain form.
    """

    method: GenerativeMethod
    faces: str
    attributes: str
    seed: int
    training: Training
    judge_steps: int
    judged: int
    extractor: instruments.ExtractorName = "own"
    size: int = 64
    arm: str = ""

    @property
    def name(self) -> str:
        """Name of the run folder."""
        labels = [self.attributes.replace(",", "+"), self.arm]
        return run_name(name_of(self.method), *filter(None, labels), self.seed)

    @property
    def _order(self) -> instruments.Order:
        return instruments.Order(self.extractor, self.judge_steps, self.judged)

    def request(self, device: torch.device) -> dict[str, Any]:
        """The part of the configuration that is known before the data are loaded."""
        return base_config(self.method, self.seed, self.training, device) | {
            "scenario": "generation",
            "faces": catalogue.name_of(self.faces),
            "size": self.size,
            "arm": self.arm,
            "judging": dataclasses.asdict(self._order),
        }

    def check(self, library: Library, show: Screen) -> None:
        """Raise RequestError where the data, or what judges the images, cannot be had."""
        self.data(library)
        instruments.check(self._order, show.say)
        check_libraries()

    def data(self, library: Library) -> DataSet:
        """The data with the wanted attributes, or without labels.

        Raises RequestError where they cannot be used.
        """
        dataset = library.get(self.faces, self.size)
        if not (dataset.test.pixels[:VARIED] != dataset.test.pixels[:1]).any():
            raise RequestError(
                f"{dataset.name} has no two different test images, to judge diversity by: add some"
            )
        if self.method.batch_type is Labelled:
            return catalogue.attributes(dataset, self.attributes)
        return dataset.unlabelled()

    def run(self, library: Library, folder: RunFolder, device: torch.device, show: Screen) -> None:
        """Train, draw and inspect; goes on where an earlier call was stopped.

        Raises RequestError for data that cannot be used, Stopped, and TrainingFailed.
        """
        dataset = self.data(library)
        attributes = _attributes(dataset)
        config = self.request(device) | {"attributes": list(attributes)}
        open_folder(folder, config, device, [dataset])
        judges = library.once(
            ("instruments", self.faces, self.size, self._order),
            lambda: instruments.set_up(
                library.get(self.faces, self.size), self._order, device, show.say
            ),
        )
        method = build(self.method, Shape(self.size, attributes), self.seed)
        brush = Brush(method, dataset.train, self.seed, device)
        film = Film(brush, folder, self.training.steps)
        batch_size, key = self.training.batch_size, (self.seed,)
        stream = Stream(dataset.train, batch_size, key, device, dataset.mirror)
        feed = stream.labelled if attributes else stream.unlabelled
        watch = Watch(brush, film, dataset.test.pixels, Rhythm.of(self.training.steps).pulse)
        with show.task(self.name) as task:
            trainer = Trainer(method, feed, self.training, folder.path, device, task.update, watch)
            trainer.run()
        show.say(f"{self.name}: inspecting {self.judged:,} images")
        folder.write("architecture", architecture(method, feed(0)))
        found = inspect(judges, brush, attributes, self.judged)
        drawn = _pictures(brush, attributes) | film.arrays() | found.arrays
        write_arrays(folder.path / "samples.npz", drawn)
        metrics = found.metrics | _final_losses(folder)
        finish(folder, trainer, {"kind": "generation", "metrics": metrics} | found.scores)


def _attributes(dataset: DataSet) -> tuple[str, ...]:
    return () if dataset.train.labels is None else dataset.train.label_names


def _pictures(brush: Brush, attributes: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Samples, and pairs with one attribute off and on where there are attributes."""
    arrays = {"samples": brush.draw(SAMPLES).numpy()}
    for name in flip_order(attributes)[:1]:
        pairs = brush.pairs(attributes.index(name), PAIRS).numpy()
        arrays |= {"pairs": pairs, "pair_attribute": np.array(name)}
    return arrays


class Film:
    """The same noise drawn at a few moments of training, kept in the run folder meanwhile."""

    def __init__(self, brush: Brush, folder: RunFolder, steps: int) -> None:
        self.brush, self.folder = brush, folder.path / "film"
        every = Rhythm.of(steps).log
        # Evenly spaced on a logarithmic scale: most changes early. Before that all is grey.
        moments = np.geomspace(max(every, steps / 50), steps, FILM_LENGTH) / every
        self.moments = {min(steps, round(moment) * every) for moment in moments} | {steps}

    def observe(self, step: int) -> None:
        """Take a frame if `step` is one of the moments."""
        if step in self.moments:
            self.folder.mkdir(exist_ok=True)
            frame = {"images": self.brush.draw(FILM_WIDTH)}
            write_sealed(self.folder / f"{step:09d}.sealed", frame)

    def arrays(self) -> dict[str, np.ndarray]:
        """The frames in order of their steps."""
        files = sorted(self.folder.glob("[0-9]*.sealed"))
        steps = np.array([int(file.stem) for file in files])
        return {"progress": np.stack([_frame(file) for file in files]), "progress_steps": steps}


def _frame(path: Path) -> np.ndarray:
    """The images of one moment. Raises RequestError where the file is damaged."""
    try:
        return read_sealed(path)[0]["images"].numpy()
    except (OSError, ValueError, KeyError) as error:
        raise RequestError(f"cannot read {path}: {error}; remove the run folder") from error


@dataclass
class Watch:
    """Looks at what the generator draws while it trains; the trainer's `observe`.

    pulse: steps between two looks.
    """

    brush: Brush
    film: Film
    real: Tensor
    pulse: int

    def __post_init__(self) -> None:
        self.real_distance = mean_distance(self.real[:VARIED])

    def __call__(self, step: int) -> dict[str, float]:
        """The diversity of WATCHED images at `step`; NaN where they are not finite."""
        try:
            self.film.observe(step)
            if step % self.pulse:
                return {}
            return {"diversity": mean_distance(self.brush.draw(WATCHED)) / self.real_distance}
        except TrainingFailed:  # the trainer may go back to where they were
            return {"diversity": math.nan}


def _final_losses(folder: RunFolder) -> dict[str, float]:
    rows = list(folder.log.rows())
    try:
        return {
            f"{player}_loss": last_tenth([row["losses"][player] for row in rows])
            for player in rows[-1]["losses"]
        }
    except (IndexError, KeyError, TypeError) as error:
        raise RequestError(f"the log of {folder.path} is damaged; remove the run folder") from error
