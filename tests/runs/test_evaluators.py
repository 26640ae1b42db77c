import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.errors import RequestError
from sparring.metrics.extractor import Extractor, Skill, features_of
from sparring.runs import evaluators
from sparring.runs.records import Judging
from tests.conftest import CPU, faces

DATA = faces()
said: list[str] = []


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "sparring"


def load(seed: int = 0) -> tuple[Extractor, Skill]:
    return evaluators.load_or_train(DATA, seed, CPU, 2, said.append)


def test_the_second_time_nothing_is_trained(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, skill = load()
    monkeypatch.setattr(evaluators, "train_extractor", pytest.fail)
    again, known = load()
    pixels = DATA.test.pixels
    assert np.array_equal(features_of(network, pixels), features_of(again, pixels))
    assert (again.label_names, again.label_kind) == (("Male", "Smiling", "Young"), "attributes")
    assert again.learned_from == DATA.train.fingerprint
    assert not again.training
    assert known == skill


def test_a_long_training_tells_how_far_it_is(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluators, "QUIET_SECONDS", 0.0)
    lines: list[str] = []
    evaluators.load_or_train(DATA, 0, CPU, 3, lines.append)
    assert [line.rpartition(", ")[0] for line in lines[1:4]] == [
        f"evaluator 1: step {step} of 3" for step in (1, 2, 3)
    ]
    assert lines[3].endswith(", 0 s left")


def test_two_processes_at_once_train_one_extractor(cache: Path) -> None:
    code = "from tests.runs.test_evaluators import load, said\nload()\nprint(len(said))"
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate(timeout=120)[0] for process in both) == ["0\n", "2\n"]


def test_another_seed_or_other_data_is_another_file(cache: Path) -> None:
    load()
    load(seed=1)
    for part in ("train", "test"):
        fewer = replace(DATA, **{part: getattr(DATA, part).take(torch.arange(10))})
        evaluators.load_or_train(fewer, 0, CPU, 2, said.append)
    assert len(list(cache.glob("*.safetensors"))) == 4


@pytest.mark.parametrize("kept", [0, 40, -10])
def test_a_damaged_file_is_trained_anew(
    cache: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    network, _ = load()
    (file,) = cache.glob("*.safetensors")
    whole = file.read_bytes()
    file.write_bytes(whole[:kept])
    with caplog.at_level(logging.WARNING, "sparring"):
        again, _ = load()
    assert "trained anew" in caplog.text
    assert file.read_bytes() == whole
    assert torch.equal(network.head.weight, again.head.weight)


def test_a_folder_that_cannot_be_written_costs_a_warning(
    cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.touch()
    with caplog.at_level(logging.WARNING, "sparring"):
        network, _ = load()
    assert network.name == "convnet-attributes"
    (record,) = caplog.records
    assert "what is learned is not kept" in record.message


def test_an_unlabelled_set_has_an_extractor_of_turns_and_no_judge(cache: Path) -> None:
    said.clear()
    many = replace(DATA, test=DATA.train, train=DATA.train.unlabelled())
    judging = Judging(extractor="own", steps=2, images=20)
    tools = evaluators.set_up(many, judging, CPU, said.append)
    assert tools.extractor is not None
    assert tools.extractor.name == "convnet-quarter-turns"
    assert tools.extractor.frechet == "Fréchet distance (convnet-quarter-turns)"
    assert tools.judge is tools.skill is None
    assert len(said) == 2
    assert len(list(cache.glob("*.safetensors"))) == 1


def test_without_the_published_weights_one_line_says_so(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparring.runs.inception_weights.SOURCE", "http://127.0.0.1:1/weights.pth")
    with pytest.raises(RequestError, match=r"needs weights\.pth, which is not in"):
        evaluators.check(Judging(extractor="inception", steps=2, images=30), lambda line: None)
