"""Train a classifier and judge it on the target domain: source-only, adapted or target-only."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from msgspec import structs

from sparring.data import catalogue
from sparring.data.feed import PairStream, Stream, normalise, to_pixels
from sparring.data.images import DataSet, Images
from sparring.errors import RequestError
from sparring.game import AdaptationMethod, Batch, Shape
from sparring.methods import name_of
from sparring.metrics.outputs import predict, predict_labelled
from sparring.metrics.validators import DomainOutputs
from sparring.runs import common
from sparring.runs.classifier_evaluation import Arrays, augmented, evaluate, outputs
from sparring.runs.folder import Run, run_name
from sparring.runs.library import Library
from sparring.runs.progress import Screen
from sparring.runs.records import Config, Scenario
from sparring.runs.scores import ClassifierScores
from sparring.runs.selection import SEEN, Candidates, choose, judged, sample
from sparring.runs.target_labels import SealedTarget
from sparring.trainer import Trainer, Training

SIZE = 32
DRAWN = 4
"""Images of each domain of which a method may draw pictures."""
_SOURCE, _TARGET = 0, 1  # keys of the two independent shuffles


@dataclass(frozen=True)
class Trained:
    """A classifier after its training, and the states of it that were kept."""

    method: AdaptationMethod
    trainer: Trainer
    shape: Shape
    candidates: Candidates


@dataclass(frozen=True)
class ClassifierRun:
    """One classifier, as it is asked for.

    per_class: test images of each class and domain in the t-SNE picture.
    tested: test images of each domain that it is judged on, at random; 0: all there are.
    arm: of an experiment, what makes this run differ from the method's plain form.
    size: height and width of the images in pixels.
    """

    method: AdaptationMethod
    scenario: Scenario
    source: str
    target: str
    seed: int
    training: Training
    per_class: int = 1000
    tested: int = 0
    arm: str = ""
    size: int = SIZE

    def __post_init__(self) -> None:
        if len(set(self.domains)) < 2:
            raise RequestError(f"{self.target} is both source and target: name another target")

    @property
    def domains(self) -> tuple[str, ...]:
        """What source and target are called in records."""
        return catalogue.distinct_names((self.source, self.target))

    @property
    def name(self) -> str:
        """Name of the run folder."""
        parts = (*self.domains, self.scenario, *filter(None, [self.arm]))
        return run_name(name_of(self.method), *parts, self.seed)

    def config(self, library: Library, device: torch.device) -> Config:
        """All that decides the result. Raises RequestError for data that cannot be used."""
        source, _ = self.data(library)
        sets = source, library.get(self.target, self.size)
        roles = zip(("source", "target"), self.domains, sets, strict=True)
        return Config(
            **self._request(device),
            scenario=self.scenario,
            data={role: common.describe_data(name, found) for role, name, found in roles},
            size=self.size,
            label_kind="classes",
            label_names=source.train.label_names,
            per_class=self.per_class,
            tested=self.tested,
            arm=self.arm,
        )

    def _request(self, device: torch.device) -> dict[str, Any]:
        """The fields of a Config that do not follow from the data."""
        return common.asked(self.method, self.seed, self.training, device)

    def data(self, library: Library) -> tuple[DataSet, DataSet]:
        """Source and target, its labels numbered as the source's.

        Raises RequestError where they cannot be used.
        """
        asked = zip((self.source, self.target), self.domains, strict=True)
        source, target = (replace(library.get(of, self.size), name=name) for of, name in asked)
        _classified(source, "source")
        if len(names := source.train.label_names) < 2:
            raise RequestError(f"the source {source.name} has one class alone, {names[0]}: add one")
        if self.scenario == "target-only":
            _classified(target, "target")
        return source, catalogue.align(source, target)

    @property
    def asked(self) -> tuple[str, ...]:
        """Names or paths of the sets that it is trained on."""
        return self.source, self.target

    def sets(self, library: Library) -> tuple[DataSet, ...]:
        """These sets, with the labels that it is trained on. Raises RequestError."""
        source, target = self.data(library)
        return source, target if self.scenario == "target-only" else target.unlabelled()

    def run(self, library: Library, folder: Run, device: torch.device, show: Screen) -> None:
        """Train, evaluate and write all down; goes on where an earlier call was stopped.

        Raises RequestError for data that cannot be used, Stopped, and TrainingFailed.
        """
        source, labelled = self.data(library)
        config = self.config(library, device)
        target = SealedTarget(labelled, folder)
        trained = self.train(config, source.train, target, folder, device, show)
        scores, arrays = self.evaluate(trained, source.test, target, device)
        common.finish(folder, config, trained.trainer, trained.shape, scores, arrays)

    def follow(self, library: Library, folder: Run, device: torch.device) -> None:
        """Train along with the rank that plays this run, and write nothing."""
        source, labelled = self.data(library)
        target = SealedTarget(labelled, folder)
        method = common.build(self.method, self._shape(source.train), self.seed)
        feed = self._feed(source.train, target, device)
        Trainer(method, feed, self.training, folder.path, device).run()

    def _shape(self, source: Images) -> Shape:
        return Shape(self.size, source.label_names, "classes")

    def train(
        self,
        config: Config,
        source: Images,
        target: SealedTarget,
        folder: Run,
        device: torch.device,
        show: Screen,
    ) -> Trained:
        """The trained classifier; `folder` gets its log, saved states and architecture."""
        shape = self._shape(source)
        method = common.begin(folder, config, self.method, shape, device)
        feed = self._feed(source, target, device)
        kept = Candidates(method, folder, self.training.steps)
        observe = kept.observe if self.scenario == "adapted" else lambda step: {}
        with show.task(self.name) as task:
            trainer = Trainer(
                method, feed, self.training, folder.path, device, task.update, observe
            )
            trainer.run()
        folder.write(common.architecture(method, feed(0)))
        return Trained(method, trainer, shape, kept)

    def evaluate(
        self, trained: Trained, source: Images, target: SealedTarget, device: torch.device
    ) -> tuple[ClassifierScores, dict[str, Arrays]]:
        """The scores of the last (or averaged) state, and arrays by file. source: test images."""
        target.stage = "choice"
        method, selection, views = trained.method, None, {}
        rows: tuple[str, ...] = ()
        pictures: Arrays = {}
        # The same images for every run on this pair of domains, whatever its seed.
        source, test = (self._judged_on(images) for images in (source, target.test))
        with method.evaluated():
            on_source = predict_labelled(method, source, device)
            on_augmented = predict_labelled(method, augmented(source), device)
            on_target = predict(method, test, device)
            if self.scenario != "target-only":  # of the upper bound the scores alone are shown
                place = sample(len(source))
                unlabelled = target.train.take(sample(len(target.train), self.tested or SEEN))
                seen = DomainOutputs(on_source[place.numpy()], predict(method, unlabelled, device))
                views = outputs(seen)
            if self.scenario == "adapted":
                rows, pictures = _drawn(method, source, test, device)
        kept = trained.candidates
        if self.scenario == "adapted":
            copy = common.build(self.method, trained.shape, self.seed).to(device)
            selection = choose(kept, copy, source.take(place), unlabelled, seen, device)
        target.stage = "final evaluation"  # all is decided: only now are answers looked up
        test = self._judged_on(target.open("test"))
        scores, examples, picture = evaluate(
            on_source,
            on_augmented,
            on_target,
            source,
            test,
            self.per_class,
            self.seed,
            self.scenario != "target-only",
        )
        if selection is not None and scores.accuracy is not None:
            earlier = [
                predict_labelled(kept.load(copy, step), test, device).accuracy
                for step in kept.steps[:-1]
            ]
            selection = judged(selection, [*earlier, scores.accuracy])
        if self.scenario == "target-only":  # the source's images tell nothing of its confidence
            scores = structs.replace(scores, target_temperature=1.0)
        scores = structs.replace(scores, selection=selection, drawn=rows)
        files = {"outputs": views | examples, "features": picture, "pictures": pictures}
        return scores, files

    def _judged_on(self, test: Images) -> Images:
        return test.take(sample(len(test), self.tested)) if self.tested else test

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


@torch.inference_mode()
def _drawn(
    method: AdaptationMethod, source: Images, target: Images, device: torch.device
) -> tuple[tuple[str, ...], Arrays]:
    """What the method draws of a few images of each domain: the rows' names, and the rows."""
    count = min(DRAWN, len(source), len(target))
    some = (one.pixels[sample(len(one), count)].to(device) for one in (source, target))
    rows = method.drawn(*map(normalise, some))
    if not rows:
        return (), {}
    return tuple(rows), {"drawn": torch.stack([*map(to_pixels, rows.values())]).cpu().numpy()}


def _classified(dataset: DataSet, role: str) -> None:
    """Raise RequestError unless both splits of `role` (source, target) have class labels."""
    for part, images in (("train", dataset.train), ("test", dataset.test)):
        if images.kind != "classes":
            raise RequestError(
                f"the {role} {dataset.name} has no class labels on its {part} images: "
                "put them into one folder a class, or name another set"
                + "".join(f" ({note})" for note in dataset.account.notes)
            )
