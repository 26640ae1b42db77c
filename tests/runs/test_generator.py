from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.data.images import DataSet
from sparring.errors import RequestError
from sparring.methods import ACGAN, DCGAN
from sparring.metrics.extractor import features_of
from sparring.runs import GeneratorRun, Library, evaluators
from sparring.runs.folder import Run
from sparring.runs.progress import Screen
from sparring.runs.scores import GeneratorScores
from sparring.trainer import Training
from tests.conftest import CPU, Onlooker, digits


def run(library: Library, path: Path, job: GeneratorRun, screen: Screen | None = None) -> Run:
    folder = Run(path / job.name)
    job.run(library, folder, CPU, screen or Screen())
    return folder


def scores_of(folder: Run) -> GeneratorScores:
    assert isinstance(folder.scores, GeneratorScores)
    return folder.scores


def test_a_dcgan_run_keeps_samples_snapshots_and_scores(library: Library, tmp_path: Path) -> None:
    job = GeneratorRun(DCGAN(width=4), "faces", "", 0, Training(12, 8), 2, 30)
    screen = Onlooker()
    folder = run(library, tmp_path, job, screen)
    assert job.name == "dcgan-faces-0"
    arrays = folder.arrays("pictures")
    # Meanwhile each step was told, and what is drawn shown, up to what it draws at the end.
    assert [status.step for status in screen.seen] == list(range(1, 13))
    assert all(set(status.losses) == {"discriminator", "generator"} for status in screen.seen)
    assert {status.health for status in screen.seen} == {"well"}
    assert len(screen.images) == 12
    assert np.array_equal(screen.images[-1][:8], arrays["samples"][:8])
    assert set(arrays) == {"samples", "progress", "progress_steps", "walk", "averaged"}
    assert arrays["samples"].shape == (32, 3, 64, 64)
    assert arrays["samples"].dtype == np.uint8
    steps = arrays["progress_steps"].tolist()
    assert steps == sorted({1, *steps, 12})
    assert arrays["progress"].shape == (len(steps), 8, 3, 64, 64)
    # The last snapshot and the samples come from the same noise and the same weights.
    assert np.array_equal(arrays["progress"][-1], arrays["samples"][:8])
    assert not np.array_equal(arrays["progress"][0], arrays["progress"][-1])
    # Of the same noise, the generator as it is and its mean.
    assert np.array_equal(arrays["averaged"][0], arrays["samples"][:8])
    assert not np.array_equal(arrays["averaged"][1], arrays["samples"][:8])
    scores = scores_of(folder)
    assert set(scores.metrics) == {"diversity", "discriminator_loss", "generator_loss"}
    assert set(scores.averaged) == {"diversity"}
    assert scores.averaged["diversity"] != scores.metrics["diversity"]
    assert scores.notes == (
        "No fidelity scores: faces has 24 training and 16 test images; 20 of each are needed.",
        "No search for copies: faces has 24 training and 16 test images; it needs 100 test images.",
    )
    assert (folder.config.label_kind, folder.config.label_names) == ("none", ())
    assert folder.architecture is not None
    assert folder.architecture.about.startswith("DCGAN: a generator and a discriminator")
    assert not (folder.path / "snapshots").exists()


def test_an_acgan_run_keeps_pairs_of_the_first_attribute(library: Library, tmp_path: Path) -> None:
    job = GeneratorRun(ACGAN(width=4), "faces", "Smiling,Male", 0, Training(3, 8), 2, 30)
    folder = run(library, tmp_path, job)
    assert job.name == "acgan-faces-Smiling+Male-0"
    arrays = folder.arrays("pictures")
    assert arrays["pairs"].shape == (10, 2, 3, 64, 64)
    assert arrays["change_heat"].shape == (2, 64, 64)
    assert arrays["change_means"].shape == (2, 2, 3, 64, 64)
    scores = scores_of(folder)
    assert (scores.pair_label, scores.changed) == ("Smiling", ("Smiling", "Male"))
    assert scores.scorecard is not None
    assert set(scores.scorecard.labels) == {"Male", "Smiling"}
    # What is no label of this generator is looked at too.
    assert set(scores.scorecard.turned["Smiling"].leakage) == {"Male", "Young"}
    assert scores.judge is not None
    assert set(scores.judge.skill.accuracy) == {"Male", "Smiling", "Young"}
    assert {"attribute_accuracy", "flipped"} < set(scores.metrics)


def test_a_generator_of_classes_is_trained_on_exclusive_classes(
    library: Library, tmp_path: Path
) -> None:
    left = library.get("left", 32)
    library.put("left", replace(left, test=digits(30, 2)))
    job = GeneratorRun(ACGAN(width=4), "left", "all", 0, Training(2, 8), 2, 30, size=32)
    folder = run(library, tmp_path, job)
    assert folder.config.label_kind == "classes"
    assert folder.arrays("pictures")["classes"].shape == (10, 10, 3, 32, 32)
    scores = scores_of(folder)
    assert scores.scorecard is not None
    assert len(scores.scorecard.turned) == 10
    assert set(scores.scorecard.labels) <= set("0123456789")


def test_a_generator_of_some_classes_is_compared_with_images_of_these(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, set_up = list[evaluators.Evaluators](), evaluators.set_up
    monkeypatch.setattr(evaluators, "set_up", lambda *args: made.append(set_up(*args)) or made[-1])
    library.put("many", DataSet("many", "real", digits(200, 1), digits(200, 2)))
    job = GeneratorRun(ACGAN(width=4), "many", "7,3", 0, Training(1, 8), 1, 30, size=32)
    folder = run(library, tmp_path, job)
    scores, used = scores_of(folder), folder.config.data["images"]
    assert (used.train, used.test) == (40, 40)  # not 200 each
    card = (folder.path / "model/README.md").read_text()
    assert "- images: many (40 training and 40 test images)" in card
    (tools,) = made
    assert tools.reference is not None
    assert tools.dataset.test.label_names == ("7", "3")
    shown = job.data(library).test.pixels[tools.reference.held_out]
    assert np.array_equal(tools.reference.unseen, features_of(tools.reference.network, shown))
    assert tools.judge is not None
    assert len(tools.judge.label_names) == 10
    assert scores.scorecard is not None
    assert set(scores.scorecard.labels) == set(scores.scorecard.classes) == {"7", "3"}


def test_test_images_that_are_all_alike_cost_a_score_and_no_training(
    library: Library, tmp_path: Path
) -> None:
    faces = library.get("faces", 64)
    library.put("faces", replace(faces, test=faces.test.take(torch.zeros(5, dtype=torch.long))))
    job = GeneratorRun(DCGAN(width=4), "faces", "", 0, Training(2, 8), 2, 30)
    scores = scores_of(run(library, tmp_path, job))
    assert scores.metrics["diversity"] is None
    assert scores.notes[0].startswith("No diversity")


def test_an_unknown_attribute_leaves_nothing_behind(library: Library, tmp_path: Path) -> None:
    job = GeneratorRun(ACGAN(), "faces", "Smilling", 0, Training(1, 8), 2, 30)
    with pytest.raises(RequestError, match="did you mean 'Smiling'"):
        run(library, tmp_path, job)
    assert list(tmp_path.iterdir()) == []


def test_the_evaluators_are_set_up_once_for_all_generators_of_a_session(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    set_up = evaluators.set_up
    monkeypatch.setattr(evaluators, "set_up", lambda *args: made.append(args) or set_up(*args))
    for seed in (0, 1):
        job = GeneratorRun(ACGAN(width=4), "faces", "Male", seed, Training(1, 8), 2, 30)
        run(library, tmp_path, job)
    assert len(made) == 1
