"""What a classifier says of images.

Knows methods by their role (features, classify); knows no training and no files.
"""

import torch

from sparring.data.feed import normalise
from sparring.data.images import Images
from sparring.errors import TrainingFailed
from sparring.game import AdaptationMethod
from sparring.metrics.outputs import Outputs, Predictions


@torch.inference_mode()
def predict(
    method: AdaptationMethod, images: Images, device: torch.device, batch_size: int = 500
) -> Outputs:
    """Features and logits of an image set, in evaluation mode. Labels, if any, are not read.

    Raises TrainingFailed where they are not finite.
    """
    method.eval()
    features, logits = [], []
    for pixels in images.pixels.split(batch_size):
        batch = method.features(normalise(pixels.to(device)))
        features.append(batch.float().cpu())
        logits.append(method.classify(batch).float().cpu())
    everything = torch.cat(features), torch.cat(logits)
    if not all(part.isfinite().all() for part in everything):
        raise TrainingFailed("the features are no longer finite; try a lower --learning-rate")
    return Outputs(*(part.numpy() for part in everything))


def predict_labelled(
    method: AdaptationMethod, images: Images, device: torch.device, batch_size: int = 500
) -> Predictions:
    """`predict`, beside the labels. Raises ValueError for an unlabelled set."""
    if images.labels is None:
        raise ValueError("predictions are judged on labelled images")
    return Predictions(predict(method, images, device, batch_size), images.labels.numpy())
