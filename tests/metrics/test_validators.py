import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.metrics import validators
from sparring.metrics.outputs import Outputs, Predictions
from sparring.metrics.validators import DomainOutputs, consensus, score

CLASSES = 4
MEMBERS = [vote.__name__ for vote in validators.MEMBERS]
LABEL = np.arange(40) % CLASSES


def outputs(predicted: np.ndarray, sureness: float, at: np.ndarray | None = None) -> Outputs:
    """Logits `sureness` for the predicted class and 0 for others; features near a class corner."""
    corner = np.eye(CLASSES)[predicted if at is None else at]
    noise = np.random.default_rng(0).normal(size=corner.shape)
    logits = (sureness * np.eye(CLASSES)[predicted]).astype(np.float32)
    return Outputs((3 * corner + 0.1 * noise).astype(np.float32), logits)


def view(
    predicted: np.ndarray = LABEL, sureness: float = 50.0, at: np.ndarray | None = LABEL
) -> DomainOutputs:
    source = Predictions(outputs(LABEL, 50.0), LABEL)
    return DomainOutputs(source, outputs(predicted, sureness, at))


SURE = view()
UNSURE = view(sureness=0.0)
COLLAPSED = view(predicted=np.zeros(40, dtype=int))


@pytest.mark.parametrize(
    ("name", "sure", "unsure", "collapsed"),
    [
        ("negative_entropy", 0, -math.log(4), 0),
        ("information_maximisation", math.log(4), 0, 0),
        # Singular values: four of sqrt(10); else one, of sqrt(40) x (1/2 or 1). Over sqrt(160).
        ("nuclear_norm", 1, 0.25, 0.5),
        ("class_ami", 1, 0, 0),
        ("source_accuracy", 1, 1, 1),
        ("nearest_source_accuracy", 1, 1, 1),
    ],
)
def test_scores_by_hand(name: str, sure: float, unsure: float, collapsed: float) -> None:
    scores = [getattr(validators, name)(case) for case in (SURE, UNSURE, COLLAPSED)]
    assert scores == pytest.approx([sure, unsure, collapsed], abs=1e-5)


def test_nuclear_norm_by_hand() -> None:
    # P^T P of rows (0.75, 0.25) and (0.25, 0.75) is ((5, 3), (3, 5)) / 8: singular values 1, 1/2.
    logits = np.log(np.array([[3.0, 1.0], [1.0, 3.0]]))
    case = replace(SURE, target=Outputs(np.zeros((2, 1)), logits))
    assert validators.nuclear_norm(case) == pytest.approx(1.5 / 2)


def test_class_ami_is_low_where_classes_cut_through_clusters() -> None:
    across = view(predicted=np.repeat(np.arange(CLASSES), 10))
    assert abs(validators.class_ami(across)) < 0.1


def test_source_images_nearest_to_the_target_count() -> None:
    # Source: right at 0, wrong at 1 (feature); the target lies at 0, or at 1, or half and half.
    place = np.repeat([0.0, 1.0], 50)[:, None]
    judged = Predictions(Outputs(place, np.eye(2)[np.zeros(100, int)]), place[:, 0].astype(int))

    def nearest(target: np.ndarray) -> float:
        case = DomainOutputs(judged, Outputs(target, np.zeros((len(target), 2))))
        return validators.nearest_source_accuracy(case)

    assert judged.accuracy == 0.5
    assert [nearest(np.zeros((9, 1))), nearest(np.ones((9, 1))), nearest(place)] == [1, 0, 0.5]


def test_every_validator_scores_and_repeats() -> None:
    assert len(score(SURE)) == 7
    assert score(SURE) == score(SURE)
    assert all(
        math.isfinite(value) for case in (UNSURE, COLLAPSED) for value in score(case).values()
    )


def test_one_image_is_enough_for_a_score() -> None:
    one = Outputs(SURE.target.features[:1], SURE.target.logits[:1])
    assert all(math.isfinite(value) for value in score(replace(SURE, target=one)).values())


def test_large_sets_are_sampled_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validators, "SAMPLE", 25)
    first, second = (validators._sample(rows) for rows in (np.arange(40), np.arange(40) * 10))
    assert len(set(first.tolist())) == 25
    assert np.array_equal(first * 10, second)
    assert score(SURE)["nearest_source_accuracy"] == 1


@settings(max_examples=30, deadline=None)
@given(st.floats(-50, 50), st.integers(0, 2**32 - 1))
def test_only_softmax_and_the_set_of_points_count(shift: float, seed: int) -> None:
    draws = np.random.default_rng(seed)
    case = replace(SURE, target=Outputs(np.zeros((9, 1)), draws.normal(size=(9, CLASSES)) * 3))
    moved = case.target.logits[draws.permutation(9)] + shift
    other = replace(SURE, target=Outputs(np.zeros((9, 1)), moved))
    for name in (
        "negative_entropy",
        "information_maximisation",
        "nuclear_norm",
        "estimated_accuracy",
    ):
        assert getattr(validators, name)(case) == pytest.approx(
            getattr(validators, name)(other), abs=1e-9
        )


def scores(**changes: list[float]) -> dict[str, list[float]]:
    rising = [0.1, 0.2, 0.3, 0.4]
    return {"source_accuracy": [0.9] * 4} | dict.fromkeys(MEMBERS, rising) | changes


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        ({}, 3),
        # Sums of ranks 4, 7, 10, 9; then 5, 6, 9, 10.
        ({MEMBERS[0]: [0.2, 0.3, 0.9, 0.1]}, 2),
        ({MEMBERS[0]: [0.3, 0.2, 0.9, 0.4]}, 3),
        # All equal: the latest.
        (dict.fromkeys(MEMBERS, [0.5] * 4), 3),
        # Just within, and just beyond, five points of the best source accuracy.
        ({"source_accuracy": [0.9, 0.9, 0.9, 0.85]}, 3),
        ({"source_accuracy": [0.9, 0.9, 0.9, 0.849]}, 2),
        ({MEMBERS[2]: [0.1, 0.2, 0.3, math.nan]}, 2),
        # A refused checkpoint does not stretch the ranks of the others, nor vote.
        ({"source_accuracy": [0.2, 0.9, 0.9, 0.2], MEMBERS[0]: [9, 8, 1, 0]}, 2),
        # A validator without a vote has none.
        ({"negative_entropy": [9.0, 1.0, 1.0, 1.0]}, 3),
    ],
)
def test_consensus_by_hand(changes: dict[str, list[float]], chosen: int) -> None:
    assert consensus(scores(**changes)) == chosen


def test_consensus_refuses_a_collapsed_checkpoint() -> None:
    cases = [view(sureness=2.0), SURE, COLLAPSED]
    by_name = {name: [score(case)[name] for case in cases] for name in score(SURE)}
    assert consensus(by_name) == 1
    assert by_name["negative_entropy"][2] == max(by_name["negative_entropy"])


def test_consensus_needs_a_finite_score() -> None:
    with pytest.raises(ValueError, match="finite"):
        consensus(scores(source_accuracy=[math.nan] * 4))
