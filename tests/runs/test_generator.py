import sys
from pathlib import Path

import numpy as np
import pytest

from sparring.errors import RequestError
from sparring.game import Shape
from sparring.methods import ACGAN, DCGAN
from sparring.runs import GenerationJob, Library
from sparring.runs import evaluators as instruments
from sparring.runs.folder import RunFolder
from sparring.runs.generator import Film
from sparring.runs.progress import Screen
from sparring.runs.sampler import Brush
from sparring.trainer import Training
from tests.conftest import CPU


def run(library: Library, path: Path, job: GenerationJob) -> RunFolder:
    folder = RunFolder(path / job.name)
    job.run(library, folder, CPU, Screen())
    return folder


def test_a_dcgan_run_keeps_samples_film_and_scores(library: Library, tmp_path: Path) -> None:
    job = GenerationJob(DCGAN(width=4), "faces", "", 0, Training(12, 8), 2, 30)
    folder = run(library, tmp_path, job)
    assert job.name == "dcgan-0"
    with np.load(folder.path / "samples.npz") as arrays:
        assert set(arrays) == {"samples", "progress", "progress_steps"}
        assert arrays["samples"].shape == (32, 3, 64, 64)
        assert arrays["samples"].dtype == np.uint8
        steps = arrays["progress_steps"].tolist()
        assert steps == sorted({1, *steps, 12})
        assert arrays["progress"].shape == (len(steps), 8, 3, 64, 64)
        # The last frame and the samples come from the same noise and the same weights.
        assert np.array_equal(arrays["progress"][-1], arrays["samples"][:8])
        assert not np.array_equal(arrays["progress"][0], arrays["progress"][-1])
    scores = folder.read("scores")
    assert set(scores["metrics"]) == {"diversity", "discriminator_loss", "generator_loss"}
    assert scores["notes"] == [
        "No fidelity scores: faces has 24 training and 16 test images; 20 of each are needed.",
        "No search for copies: faces has 24 training and 16 test images; it needs 100 test images.",
    ]
    assert folder.read("config")["attributes"] == []
    about = folder.read("env")["about"]
    assert about.startswith("DCGAN: a generator and a discriminator")
    assert about.endswith("(arXiv 1802.05957).")
    assert not (folder.path / "film").exists()


def test_a_frame_of_the_film_with_one_changed_bit_is_told(library: Library, tmp_path: Path) -> None:
    method = DCGAN(width=4)
    method.build(Shape(64))
    brush = Brush(method, library.get("faces", 64).train.unlabelled(), 0, CPU)
    film = Film(brush, RunFolder(tmp_path), 1)
    film.observe(1)
    assert np.array_equal(film.arrays()["progress"], brush.draw(8)[None].numpy())
    (path,) = film.folder.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(RequestError, match="it is damaged; remove the run folder"):
        film.arrays()


def test_an_acgan_run_keeps_pairs_of_opposite_smiling(library: Library, tmp_path: Path) -> None:
    job = GenerationJob(ACGAN(width=4), "faces", "Male,Smiling", 0, Training(3, 8), 2, 30)
    folder = run(library, tmp_path, job)
    assert job.name == "acgan-Male+Smiling-0"
    with np.load(folder.path / "samples.npz") as arrays:
        assert arrays["pairs"].shape == (10, 2, 3, 64, 64)
        assert str(arrays["pair_attribute"]) == "Smiling"
        assert arrays["change_attributes"].tolist() == ["Smiling", "Male"]
        assert arrays["change_heat"].shape == (2, 64, 64)
        assert arrays["change_means"].shape == (2, 2, 3, 64, 64)
    scores = folder.read("scores")
    assert set(scores["scorecard"]["attributes"]) == {"Male", "Smiling"}
    # What is no label of this generator is looked at too.
    assert set(scores["scorecard"]["flips"]["Smiling"]["leakage"]) == {"Male", "Young"}
    assert set(scores["judge"]["accuracy"]) == {"Male", "Smiling", "Young"}
    assert {"attribute_accuracy", "flipped"} < set(scores["metrics"])
    titles = [network["title"] for network in folder.read("architecture")]
    assert titles == ["Embedding", "Generator", "Discriminator"]


def test_an_unknown_attribute_leaves_nothing_behind(library: Library, tmp_path: Path) -> None:
    job = GenerationJob(ACGAN(), "faces", "Smilling", 0, Training(1, 8), 2, 30)
    with pytest.raises(RequestError, match="did you mean 'Smiling'"):
        run(library, tmp_path, job)
    assert list(tmp_path.iterdir()) == []


def test_without_the_published_weights_nothing_is_trained(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparring.runs.published_weights.SOURCE", "http://127.0.0.1:1/weights.pth")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    job = GenerationJob(DCGAN(width=4), "faces", "", 0, Training(1, 8), 2, 30, "inception")
    with pytest.raises(RequestError, match=r"needs weights\.pth, which is not in"):
        job.check(library, Screen())
    assert job.request(CPU)["judging"] == {"extractor": "inception", "steps": 2, "images": 30}


def test_a_torchmetrics_that_cannot_be_imported_is_told_before_training(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    job = GenerationJob(DCGAN(width=4), "faces", "", 0, Training(1, 8), 2, 30)
    with pytest.raises(RequestError, match="torchmetrics cannot be imported"):
        job.check(library, Screen())


def test_the_bench_is_set_up_once_for_all_generators_of_a_session(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    set_up = instruments.set_up
    monkeypatch.setattr(instruments, "set_up", lambda *args: made.append(args) or set_up(*args))
    for seed in (0, 1):
        job = GenerationJob(ACGAN(width=4), "faces", "Male", seed, Training(1, 8), 2, 30)
        run(library, tmp_path, job)
    assert len(made) == 1
