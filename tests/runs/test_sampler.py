from dataclasses import replace

import pytest
import torch

from sparring.errors import TrainingFailed
from sparring.game import Shape
from sparring.methods import ACGAN
from sparring.runs.sampler import Sampler
from tests.conftest import CPU, faces


def sampler(method: ACGAN) -> Sampler:
    return Sampler(method, faces().train, 0, CPU)


def built() -> ACGAN:
    torch.manual_seed(0)
    method = ACGAN(width=4)
    method.build(Shape(64, ("Male", "Smiling", "Young"), "attributes"))
    return method


def test_drawing_leaves_the_global_random_state_alone_and_repeats() -> None:
    method = built()
    before = torch.get_rng_state()
    first = sampler(method).draw(5)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(sampler(method).draw(9)[:5], first)


def test_pairs_differ_in_the_one_attribute_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[torch.Tensor, torch.Tensor]] = []

    def sample(noise: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        asked.append((noise, label.clone()))
        return torch.full((len(noise), 3, 8, 8), 1.0 if label[0, 1] else -1.0)

    method = built()
    monkeypatch.setattr(method, "sample", sample)
    pairs = sampler(method).pairs(1, 10)
    (noise, off), (same_noise, on) = asked
    assert torch.equal(noise, same_noise)
    assert off[:, 1].tolist() == [0.0] * 10
    assert on[:, 1].tolist() == [1.0] * 10
    assert torch.equal(off[:, [0, 2]], on[:, [0, 2]])
    assert pairs.shape == (10, 2, 3, 8, 8)
    assert (pairs[:, 0] == 0).all()
    assert (pairs[:, 1] == 255).all()


def test_an_attribute_grows_in_even_steps_and_the_rest_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[torch.Tensor, torch.Tensor]] = []

    def sample(noise: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        asked.append((noise, label.clone()))
        return torch.zeros(len(noise), 3, 8, 8)

    method = built()
    monkeypatch.setattr(method, "sample", sample)
    drawn = sampler(method)
    assert drawn.growing(1, 4, 5).shape == (5, 4, 3, 8, 8)
    shares = [label[:, 1].unique().tolist() for _, label in asked]
    assert shares == [[0.0], [0.25], [0.5], [0.75], [1.0]]
    for noise, label in asked:
        assert torch.equal(noise, asked[0][0])
        assert torch.equal(label[:, [0, 2]], drawn.asked(4)[:, [0, 2]].float())


def test_a_walk_begins_at_a_noise_and_ends_at_the_next_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[torch.Tensor, torch.Tensor]] = []

    def sample(noise: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        asked.append((noise, label.clone()))
        return torch.zeros(len(noise), 3, 8, 8)

    method = built()
    monkeypatch.setattr(method, "sample", sample)
    drawn = sampler(method)
    assert drawn.walking(3, 5).shape == (5, 3, 3, 8, 8)
    way = torch.stack([noise for noise, _ in asked])
    asked.clear()
    drawn.draw(6)
    ((six, _),) = asked
    torch.testing.assert_close(way[0], six[:3])
    torch.testing.assert_close(way[-1], six[3:])
    steps = (way[1:] - way[:-1]).norm(dim=2)
    torch.testing.assert_close(steps, steps[:1].expand_as(steps), rtol=0.4, atol=0)  # about even
    assert way.norm(dim=2).min() > 0.9 * six.norm(dim=1).min()  # round the middle, not through it


def test_what_is_asked_for_is_what_real_images_have_together() -> None:
    labels = faces().train.labels
    assert labels is not None
    real = {tuple(row) for row in labels.tolist()}
    asked = sampler(built()).asked(200)
    assert {tuple(row) for row in asked.tolist()} == real
    assert Sampler(built(), faces().train.unlabelled(), 0, CPU).asked(7).shape == (7, 0)


def test_images_that_are_not_finite_are_no_images(monkeypatch: pytest.MonkeyPatch) -> None:
    method = built()
    monkeypatch.setattr(method, "sample", lambda z, y: torch.full((len(z), 3, 8, 8), torch.nan))
    with pytest.raises(TrainingFailed, match="no longer finite"):
        sampler(method).draw(2)


def test_classes_are_numbers_and_the_same_noise_is_drawn_as_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[torch.Tensor, torch.Tensor]] = []

    def sample(noise: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        asked.append((noise, label))
        return torch.zeros(len(noise), 3, 8, 8)

    method = built()
    monkeypatch.setattr(method, "sample", sample)
    whole = faces().train
    classes = replace(whole, labels=torch.arange(len(whole)) % 3)
    drawn = Sampler(method, classes, 0, CPU)
    assert set(drawn.asked(50).tolist()) == {0, 1, 2}
    drawn.of_class(2, 4)
    noise, label = asked.pop()
    assert (label.dtype, label.tolist()) == (torch.int64, [2, 2, 2, 2])
    drawn.pairs(1, 20)
    (before, other), (after, turned) = asked
    assert torch.equal(before, after)
    assert torch.equal(before[:4], noise)
    assert turned.tolist() == [1] * 20
    as_asked = drawn.asked(20)
    assert torch.equal(other, torch.where(as_asked == 1, 2, as_asked))
