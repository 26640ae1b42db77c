"""How well a classifier does on images with known labels.

Knows methods by their role (features, classify); knows no training and no files.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import confusion_matrix

from sparring.data.feed import normalise
from sparring.data.images import Images
from sparring.game import AdaptationMethod


@dataclass(frozen=True)
class Predictions:
    """features: float32 [N, F]; predicted and label: int64 [N]."""

    features: np.ndarray
    predicted: np.ndarray
    label: np.ndarray

    @property
    def accuracy(self) -> float:
        """Share of right predictions, in [0, 1]."""
        return float((self.predicted == self.label).mean())

    def confusion(self, classes: int) -> list[list[int]]:
        """Counts by true class (row) and predicted class (column)."""
        table: list[list[int]] = confusion_matrix(
            self.label, self.predicted, labels=range(classes)
        ).tolist()
        return table


@torch.inference_mode()
def predict(
    method: AdaptationMethod, images: Images, device: torch.device, batch_size: int = 500
) -> Predictions:
    """Features, predictions and labels of a labelled image set, in evaluation mode."""
    if images.labels is None:
        raise ValueError("predictions are judged on labelled images")
    method.eval()
    features, predicted = [], []
    for pixels in images.pixels.split(batch_size):
        batch = method.features(normalise(pixels.to(device)))
        features.append(batch.cpu())
        predicted.append(method.classify(batch).argmax(1).cpu())
    return Predictions(
        torch.cat(features).numpy(), torch.cat(predicted).numpy(), images.labels.numpy()
    )
