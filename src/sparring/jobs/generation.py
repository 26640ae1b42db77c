"""Train a generator and keep what it draws."""

import dataclasses
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.data import catalogue
from sparring.data.feed import Stream, to_pixels
from sparring.data.images import DataSet, Images
from sparring.errors import RequestError, TrainingFailed
from sparring.game import GenerativeMethod, Labelled, Shape
from sparring.health import Rhythm
from sparring.jobs.common import (
    architecture,
    base_config,
    build,
    finish,
    open_folder,
    write_arrays,
)
from sparring.jobs.datasets import Library
from sparring.measure.generation import diversity, last_tenth, mean_distance
from sparring.methods import name_of
from sparring.progress import Screen
from sparring.run import RunFolder, run_name, write_atomically
from sparring.trainer import Trainer, Training

SIZE = 64
SAMPLES, PAIRS = 32, 10
FILM_WIDTH, FILM_LENGTH = 8, 6
JUDGED = 500
"""Images that the diversity is measured on."""
WATCHED = 16
"""Images that the diversity is measured on while training."""


@dataclass(frozen=True)
class GenerationJob:
    """One generator. `attributes`: "Smiling,Male", "all", or "" for a method without labels."""

    method: GenerativeMethod
    faces: str
    attributes: str
    seed: int
    training: Training

    @property
    def name(self) -> str:
        """Name of the run folder."""
        labels = [self.attributes.replace(",", "+")] if self.attributes else []
        return run_name(name_of(self.method), *labels, self.seed)

    def request(self, device: torch.device) -> dict[str, Any]:
        """The part of the configuration that is known before the data are loaded."""
        return base_config(self.method, self.seed, self.training, device) | {
            "scenario": "generation",
            "faces": catalogue.name_of(self.faces),
        }

    def data(self, library: Library) -> DataSet:
        """The data with the wanted attributes, or without labels.

        Raises RequestError where they cannot be used.
        """
        dataset = library.get(self.faces, SIZE)
        if not (dataset.test.pixels[:JUDGED] != dataset.test.pixels[:1]).any():
            raise RequestError(
                f"{dataset.name} has no two different test images, to judge diversity by: add some"
            )
        if self.method.batch_type is Labelled:
            return catalogue.attributes(dataset, self.attributes)
        train, test = dataset.train.unlabelled(), dataset.test.unlabelled()
        return dataclasses.replace(dataset, train=train, test=test)

    def run(self, library: Library, folder: RunFolder, device: torch.device, show: Screen) -> None:
        """Train and draw; goes on where an earlier call was stopped.

        Raises RequestError for data that cannot be used, Stopped, and TrainingFailed.
        """
        dataset = self.data(library)
        config = self.request(device) | {"attributes": list(_attributes(dataset))}
        open_folder(folder, config, device, [dataset])
        method = build(self.method, Shape(SIZE, _attributes(dataset)), self.seed)
        brush = Brush(method, dataset.train, self.seed, device)
        film = Film(brush, folder, self.training.steps)
        batch_size, key = self.training.batch_size, (self.seed,)
        stream = Stream(dataset.train, batch_size, key, device, dataset.mirror)
        labelled = method.batch_type is Labelled
        feed = stream.labelled if labelled else stream.unlabelled
        real = dataset.test.pixels
        watch = Watch(brush, film, real, Rhythm.of(self.training.steps).pulse)
        with show.task(self.name) as task:
            trainer = Trainer(method, feed, self.training, folder, device, task.update, watch)
            trainer.run()
        folder.write("architecture", architecture(method, feed(0)))
        arrays = {"samples": brush.draw(SAMPLES).numpy()} | film.arrays()
        if labelled:
            arrays |= brush.pairs(_attributes(dataset))
        write_arrays(folder.path / "samples.npz", arrays)
        drawn = brush.draw(min(JUDGED, len(real)))
        finish(folder, trainer, _scores(folder, diversity(drawn, real)))


def _attributes(dataset: DataSet) -> tuple[str, ...]:
    return () if dataset.train.labels is None else dataset.train.label_names


@dataclass
class Brush:
    """Draws with a generator from fixed noise; image k is the same for every count.

    Labels are those of real training images, so attributes come together as they do there. The
    global random state is left alone.
    """

    method: GenerativeMethod
    train: Images
    seed: int
    device: torch.device

    def _noise(self, count: int) -> Tensor:
        own = torch.Generator().manual_seed(self.seed)
        noise = torch.randn(JUDGED, self.method.noise_size, generator=own)
        return noise[:count].to(self.device)

    def _labels(self, count: int) -> Tensor:
        """float32 [count, A]; A is 0 for images without labels."""
        if self.train.labels is None:
            return torch.zeros(count, 0, device=self.device)
        own = torch.Generator().manual_seed(self.seed)
        rows = torch.randint(len(self.train), (JUDGED,), generator=own)[:count]
        return self.train.labels[rows].float().to(self.device)

    @torch.inference_mode()
    def _paint(self, noise: Tensor, label: Tensor) -> Tensor:
        self.method.eval()
        parts = zip(noise.split(100), label.split(100), strict=True)
        images = torch.cat([self.method.sample(z, y) for z, y in parts])
        if not images.isfinite().all():
            raise TrainingFailed("the images are no longer finite; try a lower --learning-rate")
        return to_pixels(images).cpu()

    def draw(self, count: int) -> Tensor:
        """`count` images (at most JUDGED): uint8 [count, 3, S, S]."""
        return self._paint(self._noise(count), self._labels(count))

    def pairs(self, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Pairs from the same noise with one attribute off, then on; the others stay.

        The attribute is Smiling where there is one, else the first.
        """
        column = names.index("Smiling") if "Smiling" in names else 0
        noise, label = self._noise(PAIRS), self._labels(PAIRS)
        sides = []
        for value in (0.0, 1.0):
            label[:, column] = value
            sides.append(self._paint(noise, label))
        pairs = torch.stack(sides, 1).numpy()
        return {"pairs": pairs, "pair_attribute": np.array(names[column])}


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
            buffer = io.BytesIO()
            np.save(buffer, self.brush.draw(FILM_WIDTH).numpy())
            self.folder.mkdir(exist_ok=True)
            write_atomically(self.folder / f"{step:09d}.npy", buffer.getvalue())

    def arrays(self) -> dict[str, np.ndarray]:
        """The frames in order of their steps."""
        files = sorted(self.folder.glob("[0-9]*.npy"))
        steps = np.array([int(file.stem) for file in files])
        return {"progress": np.stack([np.load(file) for file in files]), "progress_steps": steps}


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
        self.real_distance = mean_distance(self.real[:JUDGED])

    def __call__(self, step: int) -> dict[str, float]:
        """The diversity of WATCHED images at `step`; NaN where they are not finite."""
        try:
            self.film.observe(step)
            if step % self.pulse:
                return {}
            return {"diversity": mean_distance(self.brush.draw(WATCHED)) / self.real_distance}
        except TrainingFailed:  # the trainer may go back to where they were
            return {"diversity": math.nan}


def _scores(folder: RunFolder, varied: float) -> dict[str, Any]:
    rows = list(folder.log())
    final = {
        f"{player}_loss": last_tenth([row["losses"][player] for row in rows])
        for player in rows[-1]["losses"]
    }
    return {"kind": "generation", "metrics": {"diversity": varied, **final}}
