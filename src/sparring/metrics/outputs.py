"""What a classifier made of a set of images, with and without the true labels.

`Outputs` has no field for a label, so whatever is given outputs alone cannot have looked at one;
`Predictions` are outputs beside the truth, for judging. Knows arrays alone: no network, no image.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax


@dataclass(frozen=True)
class Outputs:
    """features: float32 [N, F]; logits: float32 [N, K]. Row i belongs to image i."""

    features: np.ndarray
    logits: np.ndarray

    def __post_init__(self) -> None:
        if len(self.features) != len(self.logits) or self.logits.ndim != 2:
            raise ValueError(
                f"features {self.features.shape} and logits {self.logits.shape} do not pair"
            )

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class, int64 [N]; of equal ones the first."""
        winner: np.ndarray = self.logits.argmax(1)
        return winner

    @property
    def probability(self) -> np.ndarray:
        """Softmax of the logits, float64 [N, K]."""
        shares: np.ndarray = softmax(self.logits.astype(np.float64), axis=1)
        return shares

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted class, float64 [N], in [1 / K, 1]."""
        top: np.ndarray = self.probability.max(1)
        return top


@dataclass(frozen=True)
class Predictions:
    """Outputs beside the truth. label: int64 [N]."""

    outputs: Outputs
    label: np.ndarray

    def __post_init__(self) -> None:
        if len(self.label) != len(self.outputs):
            raise ValueError(f"{len(self.outputs)} outputs but {len(self.label)} labels")

    def __getitem__(self, place: np.ndarray) -> "Predictions":
        """Those at `place`, int64 [n]."""
        outputs = Outputs(self.outputs.features[place], self.outputs.logits[place])
        return Predictions(outputs, self.label[place])

    @property
    def correct(self) -> np.ndarray:
        """Which predictions are right, bool [N]."""
        right: np.ndarray = self.outputs.predicted == self.label
        return right

    @property
    def accuracy(self) -> float:
        """Share of right predictions, in [0, 1]."""
        return float(self.correct.mean())

    def confusion(self, classes: int) -> list[list[int]]:
        """Counts by true class (row) and predicted class (column)."""
        from sklearn.metrics import confusion_matrix  # takes a second to import

        table: list[list[int]] = confusion_matrix(
            self.label, self.outputs.predicted, labels=range(classes)
        ).tolist()
        return table


@dataclass(frozen=True)
class Changes:
    """What a second classifier repaired and spoiled.

    fixed: indices of some images that the first had wrong and the second has right, int64 [<= n].
    broken: indices of some that the first had right and the second has wrong.
    fixed_in_all, broken_in_all: how many there are of each.
    """

    fixed: np.ndarray
    broken: np.ndarray
    fixed_in_all: int
    broken_in_all: int


def fixed_and_broken(
    label: np.ndarray, before: np.ndarray, after: np.ndarray, count: int, seed: int
) -> Changes:
    """Up to `count` images fixed and as many broken between two classifiers of the same images.

    label, before, after: true class, and what each classifier said, int [N]. The images are a
    random sample (rising indices, fixed by `seed`), not chosen by confidence, so they look like
    the rest. Raises ValueError where the three do not pair.
    """
    if not label.shape == before.shape == after.shape:
        raise ValueError("before and after must be judged on the same images")
    random = np.random.default_rng(seed)
    fixed = np.flatnonzero((before != label) & (after == label))
    broken = np.flatnonzero((before == label) & (after != label))
    return Changes(
        np.sort(random.permutation(fixed)[:count]),
        np.sort(random.permutation(broken)[:count]),
        len(fixed),
        len(broken),
    )
