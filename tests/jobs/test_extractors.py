import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.errors import RequestError
from sparring.jobs import extractors
from sparring.measure.extractor import features_of
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


@pytest.mark.parametrize("keep", [0, 40, -10])
def test_a_damaged_file_is_trained_anew(
    tmp_path: Path, keep: int, caplog: pytest.LogCaptureFixture
) -> None:
    network, _ = load(tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:keep])
    with caplog.at_level(logging.WARNING, "sparring"):
        again, _ = load(tmp_path)
    assert "trained anew" in caplog.text
    assert file.read_bytes() == whole
    assert torch.equal(network.head.weight, again.head.weight)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(RequestError, match="choose a folder"):
        load(tmp_path / "cache")
