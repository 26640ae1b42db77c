"""Generators whose worth is known: one draws the data, one always draws the same, one copies."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.data.images import DataSet, Images
from sparring.game import Labelled, Shape
from sparring.methods import ACGAN
from sparring.runs.evaluators import Evaluators, set_up
from sparring.runs.generator_evaluation import evaluate, notes, spread
from sparring.runs.records import Judging
from sparring.runs.sampler import Sampler
from sparring.runs.scores import GeneratorScores, Scorecard
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


JUDGING = Judging(extractor="own", steps=25, images=100)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Evaluators:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("tools")))
        return set_up(DATA, JUDGING, CPU, lambda line: None)


def sampler(kind: type[Painter], train: Images = DATA.train) -> Sampler:
    return Sampler(kind(), train, 0, CPU)


def scorecard(scores: GeneratorScores) -> Scorecard:
    assert scores.scorecard is not None
    return scores.scorecard


def test_a_generator_that_draws_the_data_is_near_the_floor_and_obeys(tools: Evaluators) -> None:
    scores, arrays = evaluate(tools, sampler(Painter), 100)
    rows, metrics = scores.fidelity, scores.metrics
    assert list(rows)[:2] == ["generated", "real test images"]
    floor = rows["real test images"].frechet
    assert rows["generated"].frechet < 2 * floor < rows["shuffled pixels"].frechet
    assert metrics["frechet"] == rows["generated"].frechet
    assert metrics["recall"] > 0.8  # type: ignore[operator]
    assert metrics["diversity"] == pytest.approx(1, abs=0.1)
    assert metrics["memorised"] == pytest.approx(1, abs=0.1)
    assert scores.copies is not None
    assert not scores.copies.alarm
    assert scores.judge is not None
    assert scores.judge.skill.mean_accuracy > 0.95
    assert scores.judge.learned_from == DATA.train.fingerprint
    assert metrics["attribute_accuracy"] > 0.95  # type: ignore[operator]
    assert metrics["flipped"] > 0.9  # type: ignore[operator]
    assert scores.pair_label == "left"
    assert scores.changed == NAMES
    turned = scorecard(scores).turned["left"]
    assert turned.leakage["top"].changed.value < 0.1
    assert turned.half_area == pytest.approx(0.25, abs=0.01)  # of the left half
    heat = arrays["change_heat"][0]
    assert heat[:, : SIZE // 2].min() > 50
    assert heat[:, SIZE // 2 :].max() == 0
    assert arrays["pairs"].shape == (10, 2, 3, SIZE, SIZE)
    assert arrays["growing"].shape == (2, 7, 8, 3, SIZE, SIZE)
    # From without to with it, as the pairs are; the left half alone grows brighter.
    assert np.array_equal(arrays["growing"][0][[0, -1]], arrays["pairs"][:8].swapaxes(0, 1))
    left = arrays["growing"][0][..., : SIZE // 2].mean((1, 2, 3, 4))
    assert (np.diff(left) > 3).all()
    assert arrays["walk"].shape == (9, 4, 3, SIZE, SIZE)
    assert np.abs(arrays["walk"][0].astype(int) - arrays["samples"][:4]).max() <= 1
    classes = scorecard(scores).classes
    assert list(classes) == ["left", "not left", "top", "not top"]
    assert classes["top"].diversity == pytest.approx(1, abs=0.2)


def test_a_collapsed_generator_is_seen_in_every_score(tools: Evaluators) -> None:
    found, _ = evaluate(tools, sampler(Stuck), 100)
    healthy, _ = evaluate(tools, sampler(Painter), 100)
    assert found.metrics["diversity"] == 0
    assert found.metrics["frechet"] > 5 * healthy.metrics["frechet"]  # type: ignore[operator]
    assert found.metrics["kid"] > healthy.metrics["kid"]  # type: ignore[operator]
    assert found.metrics["recall"] == 0
    assert found.metrics["flipped"] == 0
    assert scorecard(found).classes["left"].diversity == pytest.approx(0, abs=1e-3)


def test_copies_are_found_and_shown_beside_their_originals(tools: Evaluators) -> None:
    found, arrays = evaluate(tools, sampler(Copier, DATA.train.unlabelled()), 100)
    assert found.copies is not None
    assert found.copies.copies == 100
    assert found.copies.verdict.startswith("100 of 100 images are copies")
    difference = arrays["suspects"].astype(int) - arrays["suspects_nearest"]
    assert np.abs(difference).max() <= 1
    assert arrays["suspects"].shape == (8, 3, SIZE, SIZE)
    assert found.scorecard is None  # it was asked for nothing


def test_a_mirrored_copy_is_shown_beside_the_mirrored_original(tools: Evaluators) -> None:
    class Mirrored(Copier):
        def sample(self, noise: Tensor, label: Tensor) -> Tensor:
            return super().sample(noise, label).flip(3)

    both = replace(tools, dataset=replace(DATA, mirror=True))
    _, arrays = evaluate(both, sampler(Mirrored, DATA.train.unlabelled()), 30)
    difference = arrays["suspects"].astype(int) - arrays["suspects_nearest"]
    assert np.abs(difference).max() <= 1


CORNERS = ("neither", "left", "top", "both")


def as_classes(side: Images) -> Images:
    """The same pictures, each of one of four exclusive classes."""
    assert side.labels is not None
    return replace(side, labels=side.labels @ torch.tensor([1, 2]), label_names=CORNERS)


class ClassPainter(Painter):
    """Draws as the data are drawn, by class."""

    def sample(self, noise: Tensor, label: Tensor) -> Tensor:
        assert label.dtype == torch.int64
        return super().sample(noise, torch.stack([label % 2, label // 2], 1).float())


def test_classes_are_exclusive_and_each_is_turned_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    exclusive = replace(DATA, train=as_classes(DATA.train), test=as_classes(DATA.test))
    tools = set_up(exclusive, JUDGING, CPU, lambda line: None)
    scores, arrays = evaluate(tools, sampler(ClassPainter, exclusive.train), 100)
    assert arrays["classes"].shape == (4, 10, 3, SIZE, SIZE)
    assert "pairs" not in arrays
    assert "growing" not in arrays
    # The same noise: 'both' is brighter than 'neither' where it is left or at the top alone.
    difference = arrays["classes"][3].astype(int) - arrays["classes"][0]
    assert difference[..., : SIZE // 2, : SIZE // 2].min() > 50
    assert difference[..., SIZE // 2 :, SIZE // 2 :].max() == 0
    card = scorecard(scores)
    assert set(card.labels) == set(CORNERS)
    assert all(share.value > 0.9 for share in card.labels.values())
    for turned in card.turned.values():
        assert turned.flip.flipped.value > 0.9
        assert turned.leakage == {}
    assert set(card.classes) == set(CORNERS)
    assert scores.pair_label == ""


def test_a_small_set_says_what_it_is_too_small_for(tools: Evaluators) -> None:
    assert notes(tools, real=30.0) == ()
    few = DATA.test.take(torch.arange(50))
    alike, copies = notes(replace(tools, dataset=replace(DATA, test=few)), real=0.0)
    assert alike.startswith("No diversity: there are no two different test images")
    assert copies.startswith("No search for copies: blots has 300 training and 50 test images")


def test_real_images_are_as_varied_as_all_of_a_set_that_lies_by_class() -> None:
    """The diversity that others are a share of was that of the first test images."""
    dark, bright = (torch.full((40, 3, 4, 4), level, dtype=torch.uint8) for level in (0, 200))
    # Of two random images of both kinds about half differ, by 200.
    assert spread(torch.cat([dark, bright]), 40) == pytest.approx(100, abs=10)
