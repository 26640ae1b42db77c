import numpy as np
import pytest
import torch

from sparring.data.images import Images
from sparring.metrics.fidelity import kernel_distance
from sparring.metrics.scorecard import (
    accuracy,
    by_group,
    change,
    flip,
    grouped,
    leakage,
    mean_distance,
    relative_spread,
)
from tests.metrics.test_extractor import Reader, image_of

YES, NO = (1, 1), (0, 0)
PAIRS = torch.stack(
    [
        # A flips, B stays; A flips, B comes along; A stays on, twice; A turns off, B comes along.
        image_of((0, 0), (0, 0), (1, 1), (1, 1), (1, 0)),
        image_of((1, 0), (1, 1), (1, 1), (1, 1), (0, 1)),
    ],
    1,
)


def test_accuracy_by_hand() -> None:
    asked = torch.tensor([[1, 0], [1, 1], [0, 1], [1, 1]])
    # The columns of what was asked are B, A: not the judge's order.
    drawn = Images(image_of((0, 1), (1, 1), (1, 1), (0, 1)), asked, ("B", "A"))
    found = accuracy(Reader(), drawn)
    assert {name: share.value for name, share in found.items()} == {"B": 0.75, "A": 0.75}
    assert found["A"].n == 4


def test_accuracy_of_classes_is_that_of_the_images_drawn_as_each() -> None:
    # Asked for A, A, B (of classes B, A, C); seen as A, B, B.
    drawn = Images(image_of((1, 0), (0, 1), (0, 1)), torch.tensor([1, 1, 0]), ("B", "A"))
    found = accuracy(Reader("classes"), drawn)
    assert {name: (share.value, share.n) for name, share in found.items()} == {
        "B": (1, 1),
        "A": (0.5, 2),
    }


def test_turning_to_a_class_by_hand() -> None:
    # From B to A, from A to A, from B to B.
    pairs = torch.stack([image_of((0, 1), (1, 0), (0, 1)), image_of((1, 0), (1, 0), (0, 1))], 1)
    found = flip(Reader("classes"), pairs, "A")
    shares = (found.flipped, found.backwards, found.always, found.never)
    assert [share.value for share in shares] == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])


def test_flips_by_hand() -> None:
    found = flip(Reader(), PAIRS, "A")
    assert found.flipped.value == 0.4
    assert found.backwards.value == 0.2
    assert found.always.value == 0.4
    assert found.never.value == 0
    assert found.flipped.n == 5


def test_leakage_by_hand() -> None:
    truth = torch.tensor([[1, 1, 0], [1, 1, 1], [1, 0, 1], [0, 0, 1]])
    real = Images(image_of(YES, YES, NO, NO), truth, ("A", "B", "unknown to the judge"))
    found = leakage(Reader(), PAIRS, "A", real)
    assert list(found) == ["B"]
    assert found["B"].changed.value == 0.4
    assert found["B"].drift == pytest.approx(0.4)
    assert found["B"].real_gap == pytest.approx(2 / 3)


def test_a_generator_that_turns_one_thing_alone_does_not_leak() -> None:
    pairs = torch.stack([image_of(NO, (0, 1)), image_of((1, 0), YES)], 1)
    real = Images(image_of(YES, YES), torch.ones(2, 2, dtype=torch.long), ("A", "B"))
    found = leakage(Reader(), pairs, "A", real)
    assert found["B"].changed.value == found["B"].drift == 0
    assert found["B"].real_gap is None


def test_change_by_hand() -> None:
    pairs = torch.zeros(2, 2, 3, 4, 4, dtype=torch.uint8)
    pairs[1] += 10  # two pictures 10 apart
    pairs[:, 1, :, 0, 0] += 8
    pairs[:, 1, :, 3, 3] += 4
    pairs[0, 1, 0, 3, 3] += 12
    found = change(pairs)
    assert found.heat.shape == (4, 4)
    assert found.heat.dtype == np.float32
    assert found.heat[0, 0] == 8
    assert found.heat[3, 3] == pytest.approx(4 + 12 / 6)
    assert found.levels == pytest.approx(14 / 16)
    assert found.relative == pytest.approx(14 / 16 / 10)
    assert found.half_area == 1 / 16


def test_an_even_change_is_half_in_half_the_area() -> None:
    pairs = torch.zeros(2, 2, 3, 4, 4, dtype=torch.uint8)
    pairs[:, 1] = 200
    assert change(pairs).half_area == 0.5
    assert change(pairs).relative is None
    assert change(torch.zeros_like(pairs)).half_area is None


def features(values: np.ndarray, labels: np.ndarray, *names: str) -> dict[str, np.ndarray]:
    blank = torch.zeros(len(labels), 3, 2, 2, dtype=torch.uint8)
    return grouped(values, Images(blank, torch.from_numpy(labels), names))


def test_class_scores_keep_groups_apart() -> None:
    random = np.random.default_rng(0)
    labels = np.stack([np.arange(200) % 2, np.zeros(200, int)], 1)

    def cloud(labels: np.ndarray) -> np.ndarray:
        return random.normal(size=(200, 3)) + 5 * labels[:, :1]

    truth = features(cloud(labels), labels, "A", "B")
    right = by_group(kernel_distance, truth, features(cloud(labels), labels, "A", "B"))
    wrong = by_group(kernel_distance, truth, features(cloud(1 - labels), labels, "A", "B"))
    assert list(right) == ["A", "not A", "B", "not B"]
    assert right["B"] is None
    assert right["A"] is not None
    assert wrong["A"] is not None
    assert right["A"].low < 0 < right["A"].high
    assert wrong["A"].low > 1
    # Over both classes together, the swap cannot be seen.
    assert wrong["not B"] is not None
    assert wrong["not B"].low < 1


def test_of_exclusive_classes_each_is_one_group() -> None:
    values = np.arange(3)[:, None]
    found = features(values, np.array([2, 0, 2, 1]), "a", "b", "c")
    assert {name: group.tolist() for name, group in found.items()} == {
        "a": [[1]],
        "b": [],
        "c": [[0], [2]],
    }


def test_class_diversity_by_hand() -> None:
    labels = np.array([[1]] * 20 + [[0]] * 20)
    real = np.concatenate([np.arange(20.0), np.arange(20.0)])[:, None]
    drawn = np.concatenate([np.arange(20.0) / 4, np.full(20, 7.0)])[:, None]
    found = by_group(relative_spread, features(real, labels, "A"), features(drawn, labels, "A"))
    assert found == {"A": pytest.approx(0.25), "not A": 0}
    alike = features(np.zeros_like(real), labels, "A")
    assert by_group(relative_spread, alike, alike) == {"A": None, "not A": None}


def test_mean_distance_by_hand() -> None:
    black = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    assert mean_distance(torch.cat([black, black + 3, black + 6])) == pytest.approx(4)
