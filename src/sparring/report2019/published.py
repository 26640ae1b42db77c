"""What the source report of 2019 printed: its two tables and its ten observations.

Plain data; knows nothing of any run. The numbers were measured on MNIST-M and SVHN, once each as
far as the report says.
"""

from typing import NamedTuple


class Accuracies(NamedTuple):
    """Accuracy on the target domain's test images, as fractions."""

    source_only: float
    adapted: float
    target_only: float

    @property
    def gap_closed(self) -> float:
        """Share of the way from source only to target only that adaptation went."""
        return (self.adapted - self.source_only) / (self.target_only - self.source_only)


TABLES = {
    ("dann", "mnist-m", "svhn"): Accuracies(0.4227, 0.4795, 0.9262),
    ("dann", "svhn", "mnist-m"): Accuracies(0.5029, 0.6883, 0.9760),
    ("dsn", "mnist-m", "svhn"): Accuracies(0.3547, 0.5259, 0.9271),
    ("dsn", "svhn", "mnist-m"): Accuracies(0.4809, 0.7169, 0.9760),
}
"""By method, source and target."""

CLAIMS = {
    "C1": "Spectral normalisation in both networks makes DCGAN stable.",
    "C2": "A discriminator without batch norm and with convolution bias trains easier and its "
    "images look better.",
    "C3": "A discriminator weaker than the generator ends better.",
    "C4": "Labels make ACGAN's losses settle sooner than DCGAN's; ACGAN's settle near 1.0.",
    "C5": "All attributes at once is worse; Smiling + Male is better than Smiling alone.",
    "C6": "The same settings give different results from run to run.",
    "C7": "SVHN → MNIST-M is easier than MNIST-M → SVHN.",
    "C8": "The reconstruction and difference losses help: DSN beats DANN.",
    "C9": "A too complex decoder hurts DSN.",
    "C10": "ResNet18 extracts better features than the paper's small network.",
}
"""The report's observations, by the names that we give them."""
NAMES_DATA = frozenset({"C7"})
"""Those about certain data sets: no others can decide them."""
