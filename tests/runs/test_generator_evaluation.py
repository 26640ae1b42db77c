"""Generators whose worth is known: one draws the data, one always draws the same, one copies."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.data.images import DataSet, Images
from sparring.game import Labelled, Shape
from sparring.methods import ACGAN
from sparring.runs import evaluators as instruments
from sparring.runs.evaluators import Instruments, Order, set_up
from sparring.runs.generator_evaluation import inspect, notes
from sparring.runs.kept_extractors import load_or_train
from sparring.runs.sampler import Brush
from tests.conftest import CPU

NAMES = ("left", "top")
SIZE = 16


def paint(texture: Tensor, label: Tensor) -> Tensor:
    """float [N, 3, S, S] in [-1, 1]: blots, brighter on the left and at the top where asked."""
    image = texture.repeat_interleave(4, 2).repeat_interleave(4, 3).clamp(-1, 1) * 0.4 - 0.4
    image[..., : SIZE // 2] += 0.7 * label[:, 0, None, None, None]
    image[..., : SIZE // 2, :] += 0.7 * label[:, 1, None, None, None]
    return image.clamp(-1, 1)


def images(count: int, seed: int) -> Images:
    own = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 2, (count, 2), generator=own)
    pixels = paint(torch.randn(count, 3, 4, 4, generator=own), label.float())
    return Images(((pixels + 1) * 127.5).to(torch.uint8), label, NAMES)


DATA = DataSet("blots", "stand-in", images(300, 0), images(120, 1))


@dataclass(eq=False, kw_only=True)
class Painter(ACGAN):
    """Draws as the data are drawn; noise_size is what `paint` needs."""

    batch_type = Labelled
    noise_size: int = 48

    def build(self, shape: Shape) -> None:
        pass

    def sample(self, noise: Tensor, label: Tensor) -> Tensor:
        return paint(noise.reshape(-1, 3, 4, 4), label)


class Stuck(Painter):
    """Draws one image, whatever it is asked for."""

    def sample(self, noise: Tensor, label: Tensor) -> Tensor:
        return paint(torch.ones(1, 3, 4, 4), torch.ones(1, 2)).repeat(len(noise), 1, 1, 1)


class Copier(Painter):
    """Draws training images."""

    def sample(self, noise: Tensor, label: Tensor) -> Tensor:
        index = (noise[:, 0] * 1e4).long() % len(DATA.train)
        return DATA.train.pixels[index] / 127.5 - 1


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Instruments:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("tools")))
        return set_up(DATA, Order("own", 25, 100), CPU, lambda line: None)


def brush(kind: type[Painter]) -> Brush:
    return Brush(kind(), DATA.train, 0, CPU)


def test_a_generator_that_draws_the_data_is_near_the_floor_and_obeys(tools: Instruments) -> None:
    found = inspect(tools, brush(Painter), NAMES, 100)
    rows = {row["set"]: row for row in found.scores["fidelity"]}
    assert list(rows)[:2] == ["generated", "real test images"]
    floor = rows["real test images"]["frechet"]
    assert rows["generated"]["frechet"] < 2 * floor < rows["shuffled pixels"]["frechet"]
    assert found.metrics["frechet"] == rows["generated"]["frechet"]
    assert found.metrics["recall"] > 0.8
    assert found.metrics["diversity"] == pytest.approx(1, abs=0.1)
    assert found.metrics["memorised"] == pytest.approx(1, abs=0.1)
    assert not found.scores["memorisation"]["alarm"]
    assert found.scores["judge"]["mean_accuracy"] > 0.95
    assert found.metrics["attribute_accuracy"] > 0.95
    assert found.metrics["flipped"] > 0.9
    flip = found.scores["scorecard"]["flips"]["left"]
    assert flip["leakage"]["top"]["changed"]["value"] < 0.1
    assert flip["change"]["half_area"] == pytest.approx(0.25, abs=0.01)  # of the left half
    heat = found.arrays["change_heat"][0]
    assert heat[:, : SIZE // 2].min() > 50
    assert heat[:, SIZE // 2 :].max() == 0
    classes = found.scores["scorecard"]["classes"]
    assert list(classes) == ["left", "not left", "top", "not top"]
    assert classes["top"]["diversity"] == pytest.approx(1, abs=0.2)
    assert classes["top"]["floor"]["low"] < 0.1


def test_a_collapsed_generator_is_seen_in_every_score(tools: Instruments) -> None:
    found = inspect(tools, brush(Stuck), NAMES, 100)
    healthy = inspect(tools, brush(Painter), NAMES, 100)
    assert found.metrics["diversity"] == 0
    assert found.metrics["frechet"] > 5 * healthy.metrics["frechet"]
    assert found.metrics["kid"] > healthy.metrics["kid"]
    assert found.metrics["recall"] == 0
    assert found.metrics["coverage"] < 0.2
    assert found.metrics["flipped"] == 0
    assert 0.2 < found.metrics["attribute_accuracy"] < 0.8
    assert found.scores["scorecard"]["classes"]["left"]["diversity"] == pytest.approx(0, abs=1e-3)


def test_copies_are_found_and_shown_beside_their_originals(tools: Instruments) -> None:
    found = inspect(tools, brush(Copier), (), 100)
    assert found.scores["memorisation"]["copies"] == 100
    assert found.scores["memorisation"]["verdict"].startswith("100 of 100 images are copies")
    assert found.metrics["memorised"] < 0.1
    difference = found.arrays["suspects"].astype(int) - found.arrays["suspects_nearest"]
    assert np.abs(difference).max() <= 1
    assert found.arrays["suspects"].shape == (8, 3, SIZE, SIZE)
    assert "scorecard" not in found.scores  # it was asked for nothing


def test_a_mirrored_copy_is_shown_beside_the_mirrored_original(tools: Instruments) -> None:
    class Mirrored(Copier):
        def sample(self, noise: Tensor, label: Tensor) -> Tensor:
            return super().sample(noise, label).flip(3)

    both = replace(tools, dataset=replace(DATA, mirror=True))
    found = inspect(both, brush(Mirrored), (), 30)
    difference = found.arrays["suspects"].astype(int) - found.arrays["suspects_nearest"]
    assert np.abs(difference).max() <= 1


def test_an_unlabelled_set_has_an_extractor_of_turns_and_no_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said: list[str] = []
    plain = replace(DATA, train=DATA.train.unlabelled())
    tools = set_up(plain, Order("own", 2, 50), CPU, said.append)
    assert tools.extractor["name"] == "convnet-quarter-turns"
    assert tools.extractor["frechet"] == "Fréchet distance (convnet-quarter-turns)"
    assert tools.judge is None
    assert said[0] == "extractor: learning the quarter turns of blots, 2 steps, unless it is kept"
    assert "right on 120 held-out images in" in said[1]
    assert len(said) == 2
    assert len(list((tmp_path / "sparring").iterdir())) == 1


def test_classes_count_as_attributes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    train, test = (replace(side, labels=side.labels[:, 0]) for side in (DATA.train, DATA.test))
    tools = set_up(replace(DATA, train=train, test=test), Order("own", 2, 50), CPU, print)
    assert tools.judge is not None
    assert tools.judge.label_names == NAMES
    assert tools.judge.name == tools.extractor["name"] == "convnet-classes"
    assert tools.dataset.test.labels is not None
    assert tools.dataset.test.labels.sum(1).tolist() == [1] * 120


def test_a_small_set_says_what_it_is_too_small_for(tools: Instruments) -> None:
    assert notes(tools) == []
    few = DATA.test.take(torch.arange(50))
    (line,) = notes(replace(tools, dataset=replace(DATA, test=few)))
    assert line.startswith("No search for copies: blots has 300 training and 50 test images")


def test_a_judge_that_learned_from_generated_images_is_not_let_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    generated = replace(DATA.train, pixels=DATA.train.pixels.flip(0))

    def planted(cache: Path, train: Images, *rest: Any, **options: Any) -> Any:
        return load_or_train(cache, generated, *rest, **options)

    monkeypatch.setattr(instruments, "load_or_train", planted)
    with pytest.raises(ValueError, match="learned from other images than the real training"):
        set_up(DATA, Order("own", 2, 50), CPU, print)


def test_scores_say_which_images_the_judge_learned_from(tools: Instruments) -> None:
    assert tools.judge is not None
    assert tools.judge.learned_from == DATA.train.fingerprint()
