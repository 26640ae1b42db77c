"""What DANN and DSN share: an encoder chosen by name, and strong views. Not a method by itself."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from sparring.augment import strong
from sparring.game import AdaptationMethod
from sparring.nets.encoders import EncoderName


@dataclass(eq=False, kw_only=True)
class AdversarialAdaptation(AdaptationMethod):
    """Adaptation by a domain classifier that the encoder's features are trained against."""

    PRESETS: ClassVar = {
        "report2019": {},
        "augmented": {"encoder": "resnet18-3x3", "strong_views": True},
    }

    encoder: EncoderName = "resnet18"
    """Feature extractor: "resnet18" as in the source report, "resnet18-3x3" for small images,
    "small" as in DANN's paper, "fast" for small images on a CPU."""
    strong_views: bool = False
    """Train on strongly augmented images of both domains. The source report did not augment."""

    def view(self, image: Tensor) -> Tensor:
        return strong(image) if self.strong_views else image
