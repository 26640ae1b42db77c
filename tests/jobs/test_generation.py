from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.errors import RequestError
from sparring.game import Shape
from sparring.jobs import GenerationJob, Library
from sparring.jobs.generation import Brush
from sparring.methods import ACGAN, DCGAN
from sparring.progress import Screen
from sparring.run import RunFolder
from sparring.trainer import Training
from tests.conftest import CPU, faces


def run(library: Library, path: Path, job: GenerationJob) -> RunFolder:
    folder = RunFolder(path / job.name)
    job.run(library, folder, CPU, Screen())
    return folder


def test_a_dcgan_run_keeps_samples_film_and_scores(library: Library, tmp_path: Path) -> None:
    job = GenerationJob(DCGAN(width=4), "faces", "", 0, Training(12, 8))
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
    assert set(folder.read("scores")["metrics"]) == {
        "diversity",
        "discriminator_loss",
        "generator_loss",
    }
    assert folder.read("config")["attributes"] == []
    about = folder.read("env")["about"]
    assert about.startswith("DCGAN: a generator and a discriminator")
    assert about.endswith("(arXiv 1802.05957).")
    assert not (folder.path / "film").exists()


def test_an_acgan_run_keeps_pairs_of_opposite_smiling(library: Library, tmp_path: Path) -> None:
    job = GenerationJob(ACGAN(width=4), "faces", "Male,Smiling", 0, Training(3, 8))
    folder = run(library, tmp_path, job)
    assert job.name == "acgan-Male+Smiling-0"
    with np.load(folder.path / "samples.npz") as arrays:
        assert arrays["pairs"].shape == (10, 2, 3, 64, 64)
        assert str(arrays["pair_attribute"]) == "Smiling"
    titles = [network["title"] for network in folder.read("architecture")]
    assert titles == ["Embedding", "Generator", "Discriminator"]


def test_an_unknown_attribute_leaves_nothing_behind(library: Library, tmp_path: Path) -> None:
    job = GenerationJob(ACGAN(), "faces", "Smilling", 0, Training(1, 8))
    with pytest.raises(RequestError, match="did you mean 'Smiling'"):
        run(library, tmp_path, job)
    assert list(tmp_path.iterdir()) == []


def brush(method: ACGAN) -> Brush:
    return Brush(method, faces().train, 0, CPU)


def built() -> ACGAN:
    torch.manual_seed(0)
    method = ACGAN(width=4)
    method.build(Shape(64, ("Male", "Smiling", "Young")))
    return method


def test_drawing_leaves_the_global_random_state_alone_and_repeats() -> None:
    method = built()
    before = torch.get_rng_state()
    first = brush(method).draw(5)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(brush(method).draw(9)[:5], first)


def test_pairs_differ_in_the_one_attribute_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[torch.Tensor, torch.Tensor]] = []

    def sample(noise: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        asked.append((noise, label.clone()))
        return torch.zeros(len(noise), 3, 64, 64)

    method = built()
    monkeypatch.setattr(method, "sample", sample)
    brush(method).pairs(("Male", "Smiling", "Young"))
    (noise, off), (same_noise, on) = asked
    assert torch.equal(noise, same_noise)
    assert off[:, 1].tolist() == [0.0] * 10
    assert on[:, 1].tolist() == [1.0] * 10
    assert torch.equal(off[:, [0, 2]], on[:, [0, 2]])
