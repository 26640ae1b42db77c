import logging
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.errors import RequestError
from sparring.metrics.extractor import features_of
from sparring.runs import kept_extractors as extractors
from tests.conftest import CPU, faces


def load(cache: Path, seed: int = 0):
    data = faces()
    return extractors.load_or_train(cache, data.train, data.test, seed, CPU, mirror=True, steps=2)


def test_the_second_time_nothing_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, skill = load(tmp_path / "cache")
    monkeypatch.setattr(extractors, "train_extractor", pytest.fail)
    again, known = load(tmp_path / "cache")
    pixels = faces().test.pixels
    assert np.array_equal(features_of(network, pixels), features_of(again, pixels))
    assert again.label_names == ("Male", "Smiling", "Young")
    assert again.name == "convnet-attributes"
    assert not again.training
    assert known == skill


def test_another_seed_or_other_data_is_another_file(tmp_path: Path) -> None:
    load(tmp_path)
    load(tmp_path, seed=1)
    data, fewer = faces(), torch.arange(10)
    for train, test in ((data.train.take(fewer), data.test), (data.train, data.test.take(fewer))):
        extractors.load_or_train(tmp_path, train, test, 0, CPU, mirror=True, steps=2)
    assert len(list(tmp_path.iterdir())) == 4


def flipped(whole: bytes) -> bytes:
    """One bit of one weight changed."""
    middle = len(whole) // 2
    return whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]


@pytest.mark.parametrize(
    "damage", [lambda whole: b"", lambda whole: whole[:40], lambda whole: whole[:-10], flipped]
)
def test_a_damaged_file_is_trained_anew(
    tmp_path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    network, _ = load(tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    with caplog.at_level(logging.WARNING, "sparring"):
        again, _ = load(tmp_path)
    assert "trained anew" in caplog.text
    assert file.read_bytes() == whole
    assert torch.equal(network.head.weight, again.head.weight)


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir])
def test_a_folder_that_cannot_be_written_costs_a_warning(
    tmp_path: Path,
    make: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make(tmp_path / "cache")

    def full(path: Path, *_: object) -> None:
        raise RequestError("cannot write") from OSError(28, "No space left on device")

    monkeypatch.setattr(extractors, "write_sealed", full)
    with caplog.at_level(logging.WARNING, "sparring"):
        network, _ = load(tmp_path / "cache")
    assert network.name == "convnet-attributes"
    (record,) = caplog.records
    assert "what was learned is not kept" in record.message
    assert ("File exists" if make is Path.touch else "No space left") in record.message


def test_what_a_killed_process_left_is_swept_and_what_another_writes_stays(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, others = (tmp_path / f".x.sealed.{pid}.tmp" for pid in (gone.pid, os.getppid()))
    for path in (left, others):
        path.write_bytes(b"half")
    load(tmp_path)
    assert not left.exists()
    assert others.exists()
