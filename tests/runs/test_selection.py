from pathlib import Path

import pytest
import torch

from sparring.game import Shape
from sparring.methods import DANN
from sparring.runs.folder import RunFolder
from sparring.runs.selection import COUNT, SEEN, Candidates, choose, some
from tests.conftest import CPU, digits


@pytest.fixture(scope="module")
def method() -> DANN:
    torch.manual_seed(0)
    method = DANN()
    method.build(Shape(32, tuple("0123456789"), "classes"))
    return method


@pytest.mark.parametrize(
    ("steps", "moments"),
    [
        (1, [1]),
        (3, [2, 3]),
        (20, [4, 8, 12, 16, 20]),
        (1001, [200, 400, 600, 800, 1001]),
    ],
)
def test_candidates_are_spread_evenly_and_the_last_is_the_end(
    method: DANN, tmp_path: Path, steps: int, moments: list[int]
) -> None:
    candidates = Candidates(method, RunFolder(tmp_path), steps)
    assert sorted(candidates.moments) == moments
    assert len(moments) <= COUNT


def test_a_collapsed_candidate_is_not_chosen(method: DANN, tmp_path: Path) -> None:
    """The last one calls everything one class: source accuracy and validators see it."""
    candidates = Candidates(method, RunFolder(tmp_path), 2)
    candidates.observe(1)
    with torch.no_grad():
        method.label_predictor[-1].bias[3] = 1e4
    candidates.observe(2)
    before = {name: value.clone() for name, value in method.state_dict().items()}
    copy = DANN()
    copy.build(Shape(32, tuple("0123456789"), "classes"))
    choice = choose(candidates, copy, digits(40, 1), digits(40, 2).unlabelled(), CPU)
    assert choice.steps[choice.chosen] == 1
    assert choice.scores["source_accuracy"][1] == 0.1
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())
    record = choice.record([0.5, 0.1])
    assert [c.accuracy for c in record.candidates] == [0.5, 0.1]
    assert record.rank_correlation["source_accuracy"] == pytest.approx(1)


def test_some_images_are_the_same_for_one_seed() -> None:
    images = digits(SEEN + 200, 3, size=8 * 4)
    first, second = some(images, 0), some(images, 0)
    assert len(first) == SEEN
    assert torch.equal(first.pixels, second.pixels)
    assert not torch.equal(first.pixels, some(images, 1).pixels)
    assert len(some(digits(20, 1), 0)) == 20
