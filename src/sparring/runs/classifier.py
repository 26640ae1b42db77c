"""Train a classifier and judge it on the target domain: source-only, adapted or target-only."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from sparring.checkpoints import write_weights
from sparring.data import catalogue
from sparring.data.feed import PairStream, Stream
from sparring.data.images import DataSet, Images
from sparring.errors import RequestError
from sparring.game import AdaptationMethod, Batch, Shape
from sparring.methods import name_of
from sparring.runs.classifier_evaluation import NEIGHBOURS, accuracies, judge, view_arrays
from sparring.runs.common import architecture, base_config, build, finish, open_folder, write_arrays
from sparring.runs.folder import RunFolder, run_name
from sparring.runs.library import Library
from sparring.runs.progress import Screen
from sparring.runs.selection import Candidates, choose, some
from sparring.runs.target_labels import SealedTarget
from sparring.trainer import Trainer, Training

Scenario = Literal["source-only", "adapted", "target-only"]

SIZE = 32
_SOURCE, _TARGET = 0, 1  # keys of the two independent shuffles


@dataclass(frozen=True)
class AdaptationJob:
    """One classifier.

    per_class: test images of each class and domain in the t-SNE picture.
    arm: of an experiment, what makes this run differ from the method's plain form.
    """

    method: AdaptationMethod
    scenario: Scenario
    source: str
    target: str
    seed: int
    training: Training
    per_class: int = 1000
    arm: str = ""
    size: ClassVar[int] = SIZE

    @property
    def name(self) -> str:
        """Name of the run folder."""
        domains = [Path(self.source).name, Path(self.target).name]
        parts = (*domains, self.scenario, *filter(None, [self.arm]))
        return run_name(name_of(self.method), *parts, self.seed)

    def request(self, device: torch.device) -> dict[str, Any]:
        """The configuration, all of which is known before the data are loaded."""
        return base_config(self.method, self.seed, self.training, device) | {
            "scenario": self.scenario,
            "source": catalogue.name_of(self.source),
            "target": catalogue.name_of(self.target),
            "per_class": self.per_class,
            "arm": self.arm,
        }

    def check(self, library: Library, show: Screen) -> None:
        """Raise RequestError where the data cannot be used."""
        self.data(library)

    def data(self, library: Library) -> tuple[DataSet, DataSet]:
        """Source and target. Raises RequestError where they cannot be used."""
        source, target = (library.get(name, SIZE) for name in (self.source, self.target))
        catalogue.classified(source, "source")
        catalogue.classified(target, "target")
        catalogue.same_classes(source, target)
        for dataset in (source, target):
            if min(len(dataset.train), len(dataset.test)) < 2:
                raise RequestError(f"{dataset.name} has a single image of a kind: add some")
        if (count := len(source.test) + len(target.test)) <= NEIGHBOURS:
            raise RequestError(
                f"{source.name} and {target.name} have {count} test images in all: "
                f"add some, {NEIGHBOURS + 1} are needed to judge how mixed the domains are"
            )
        return source, target

    def run(self, library: Library, folder: RunFolder, device: torch.device, show: Screen) -> None:
        """Train and measure; goes on where an earlier call was stopped.

        Raises RequestError for data that cannot be used, Stopped, and TrainingFailed.
        """
        source, target = self._open(library, folder, device)
        method = build(self.method, Shape(SIZE, source.train.label_names), self.seed)
        feed = self._feed(source.train, target, device)
        candidates = Candidates(method, folder, self.training.steps)
        adapts = self.scenario == "adapted"
        with show.task(self.name) as task:
            trainer = Trainer(
                method,
                feed,
                self.training,
                folder.path,
                device,
                task.update,
                candidates.observe if adapts else lambda step: {},
            )
            trainer.run()
        folder.write("architecture", architecture(method, feed(0)))
        target.stage = "choice"
        # The same images for every run on this pair of domains, whatever its seed.
        held_out, unlabelled = some(source.test, 0), some(target.train, 0)
        choice = choose(candidates, held_out, unlabelled, device) if adapts else None
        views = view_arrays(method, held_out, unlabelled, device)
        target.stage = "final evaluation"  # all is decided: only now are the answers looked up
        test = target.open("test")
        scores, examples, picture = judge(
            method, source.test, test, device, self.per_class, self.seed
        )
        if choice is not None:
            write_weights(folder.weights, method)
            scores["selection"] = choice.as_dict(accuracies(candidates, test, device))
        write_arrays(folder.path / "outputs.npz", views | examples)
        if self.scenario != "target-only":  # the picture is of before and after adaptation
            write_arrays(folder.path / "features.npz", picture())
        finish(folder, trainer, scores)

    def _open(
        self, library: Library, folder: RunFolder, device: torch.device
    ) -> tuple[DataSet, SealedTarget]:
        """Opens the run folder; the source, and the target without its labels.

        The data's fingerprint in env.json covers the labels: they are hashed, and used for nothing.
        """
        source, target = self.data(library)
        open_folder(folder, self.request(device), device, [source, target])
        return source, SealedTarget(lambda: library.get(self.target, SIZE), folder)

    def _feed(
        self, source: Images, target: SealedTarget, device: torch.device
    ) -> Callable[[int], Batch]:
        """Batches of this scenario. Only the target-only bound ever sees target labels."""
        stream = partial(Stream, batch_size=self.training.batch_size, device=device)
        if self.scenario == "target-only":
            return stream(target.open("train"), key=(self.seed, _SOURCE)).labelled
        labelled = stream(source, key=(self.seed, _SOURCE))
        if self.scenario == "source-only":
            return labelled.labelled
        return PairStream(labelled, stream(target.train, key=(self.seed, _TARGET))).pair
