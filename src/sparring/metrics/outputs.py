"""What a classifier makes of images, with and without the true labels.

`Outputs` has no field for a label, so whatever is given outputs alone cannot have looked at one;
`Predictions` are outputs beside the truth. Knows methods by their role; knows no training, no file.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import softmax

from sparring.data.feed import normalise
from sparring.data.images import Images
from sparring.errors import TrainingFailed
from sparring.game import ImageClassifier


@dataclass(frozen=True)
class Outputs:
    """features: float32 [N, F]; logits: float32 [N, K]. Row i belongs to image i."""

    features: np.ndarray
    logits: np.ndarray

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class, int64 [N]; of equal ones the first."""
        return np.argmax(self.logits, axis=1)

    @property
    def probability(self) -> np.ndarray:
        """Softmax of the logits, float64 [N, K]."""
        return np.asarray(softmax(self.logits.astype(np.float64), axis=1))

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted class, float64 [N], in [1 / K, 1]."""
        return np.max(self.probability, axis=1)


@dataclass(frozen=True)
class Predictions:
    """Outputs beside the truth. label: int64 [N]."""

    outputs: Outputs
    label: np.ndarray

    def __getitem__(self, place: np.ndarray) -> "Predictions":
        """Those at `place`, int64 [n]."""
        outputs = Outputs(self.outputs.features[place], self.outputs.logits[place])
        return Predictions(outputs, self.label[place])

    @property
    def correct(self) -> np.ndarray:
        """Which predictions are right, bool [N]."""
        return np.equal(self.outputs.predicted, self.label)

    @property
    def accuracy(self) -> float:
        """Share of right predictions, in [0, 1]."""
        return float(self.correct.mean())

    def confusion(self, classes: int) -> list[list[int]]:
        """Counts by true class (row) and predicted class (column)."""
        table = np.zeros((classes, classes), dtype=int)
        np.add.at(table, (self.label, self.outputs.predicted), 1)
        return table.tolist()


@torch.inference_mode()
def predict(
    method: ImageClassifier, images: Images, device: torch.device, batch_size: int | None = None
) -> Outputs:
    """Features and logits of an image set, in evaluation mode. Labels, if any, are not read.

    Raises TrainingFailed where they are not finite.
    """
    method.eval()
    features, logits = [], []
    for pixels in images.pixels.split(batch_size or method.shown):
        batch = method.features(normalise(pixels.to(device)))
        features.append(batch.float().cpu())
        logits.append(method.classify(batch).float().cpu())
    found = torch.cat(features), torch.cat(logits)
    if not all(part.isfinite().all() for part in found):
        raise TrainingFailed("the features are no longer finite; try a lower --learning-rate")
    return Outputs(*(part.numpy() for part in found))


def predict_labelled(
    method: ImageClassifier, images: Images, device: torch.device, batch_size: int | None = None
) -> Predictions:
    """`predict`, beside the labels. Raises ValueError for an unlabelled set."""
    if images.labels is None:
        raise ValueError("predictions are judged on labelled images")
    return Predictions(predict(method, images, device, batch_size), images.labels.numpy())


def fixed_and_broken(
    label: np.ndarray, before: np.ndarray, after: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the images that only the second of two classifiers has right, and wrong.

    label, before, after: true class, and what each said of the same images, int [N]. The order is
    random, by `seed`, so that the first few look like the rest.
    """
    random = np.random.default_rng(seed)
    fixed = np.flatnonzero((before != label) & (after == label))
    broken = np.flatnonzero((before == label) & (after != label))
    return random.permutation(fixed), random.permutation(broken)
