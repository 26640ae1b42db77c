"""The two tables that the source report of 2019 printed.

Plain data; knows nothing of any run. One run each, as far as the report says.
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
