from pathlib import Path

import pytest
import torch

from sparring.errors import RequestError
from sparring.game import Shape
from sparring.methods import DANN
from sparring.runs.folder import RunFolder
from sparring.runs.selection import COUNT, SEEN, Candidates, choose, some
from tests.conftest import CPU, digits


@pytest.fixture(scope="module")
def method() -> DANN:
    torch.manual_seed(0)
    method = DANN()
    method.build(Shape(32, tuple("0123456789")))
    return method


@pytest.mark.parametrize(
    ("steps", "moments"),
    [
        (1, [1]),
        (3, [1, 2, 3]),
        (10, [2, 4, 6, 8, 10]),
        (1001, [200, 400, 600, 800, 1001]),
    ],
)
def test_candidates_are_spread_evenly_and_the_last_is_the_end(
    method: DANN, tmp_path: Path, steps: int, moments: list[int]
) -> None:
    candidates = Candidates(method, RunFolder(tmp_path), steps)
    assert candidates.steps == moments
    assert len(candidates.steps) <= COUNT


def test_a_collapsed_candidate_is_not_chosen(method: DANN, tmp_path: Path) -> None:
    """The last one calls everything one class: source accuracy and validators see it."""
    candidates = Candidates(method, RunFolder(tmp_path), 2)
    before = {name: value.clone() for name, value in method.state_dict().items()}
    candidates.observe(1)
    with torch.no_grad():
        method.label_predictor[-1].bias[3] = 1e4
    candidates.observe(2)
    held_out = digits(40, 1)
    choice = choose(candidates, held_out, digits(40, 2).unlabelled(), CPU)
    assert choice.step == 1
    assert choice.scores["source_accuracy"][1] == 0.1
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())
    # The running mean of both is still drowned by the second's bias.
    assert choice.scores["averaged_agreement"] == [1.0, 1.0]


def test_a_candidate_with_one_changed_bit_is_told(method: DANN, tmp_path: Path) -> None:
    candidates = Candidates(method, RunFolder(tmp_path), 2)
    candidates.observe(1)
    (path,) = candidates.folder.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # among the weights
    path.write_bytes(content)
    with pytest.raises(RequestError, match="it is damaged; remove the run folder"):
        candidates.load(1)


def test_some_images_are_the_same_for_one_seed() -> None:
    images = digits(SEEN + 200, 3, size=8 * 4)
    first, second = some(images, 0), some(images, 0)
    assert len(first) == SEEN
    assert torch.equal(first.pixels, second.pixels)
    assert not torch.equal(first.pixels, some(images, 1).pixels)
    assert len(some(digits(20, 1), 0)) == 20
