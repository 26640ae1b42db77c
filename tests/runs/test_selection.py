from pathlib import Path

import pytest
import torch

from sparring.game import Shape
from sparring.methods import DANN
from sparring.metrics.outputs import predict, predict_labelled
from sparring.metrics.validators import DomainOutputs
from sparring.runs.folder import Run
from sparring.runs.selection import COUNT, SEEN, Candidates, choose, judged, sample
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
    candidates = Candidates(method, Run(tmp_path), steps)
    assert sorted(candidates.moments) == moments
    assert len(moments) <= COUNT


def test_a_collapsed_candidate_is_not_chosen(method: DANN, tmp_path: Path) -> None:
    """The last one calls everything one class: source accuracy and validators see it."""
    candidates = Candidates(method, Run(tmp_path), 2)
    candidates.observe(1)
    with torch.no_grad():
        method.label_predictor[-1].bias[3] = 1e4
    candidates.observe(2)
    before = {name: value.clone() for name, value in method.state_dict().items()}
    copy = DANN()
    copy.build(Shape(32, tuple("0123456789"), "classes"))
    held_out, target = digits(40, 1), digits(40, 2).unlabelled()
    last = DomainOutputs(predict_labelled(method, held_out, CPU), predict(method, target, CPU))
    selection = choose(candidates, copy, held_out, target, last, CPU)
    assert [c.step for c in selection.candidates] == [1, 2]
    assert selection.chosen == 0
    assert selection.candidates[1].validators["source_accuracy"] == 0.1
    assert {c.accuracy for c in selection.candidates} == {None}
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())
    known = judged(selection, [0.5, 0.1])
    assert [c.accuracy for c in known.candidates] == [0.5, 0.1]
    assert known.rank_correlation["source_accuracy"] == pytest.approx(1)


def test_the_sample_is_the_same_each_time() -> None:
    places = sample(SEEN + 200)
    assert len(set(places.tolist())) == SEEN
    assert torch.equal(places, places.sort().values)
    assert torch.equal(places, sample(SEEN + 200))
    assert sample(20).tolist() == list(range(20))
