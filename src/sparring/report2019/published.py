"""What the source report of 2019 printed: its two tables and its ten observations.

Plain data; knows nothing of any run. The numbers were measured on MNIST-M and SVHN, once each as
far as the report says.
"""

from typing import Literal, NamedTuple

Scenario = Literal["source-only", "adapted", "target-only"]
SCENARIOS: tuple[Scenario, ...] = ("source-only", "adapted", "target-only")


METHODS = ("dcgan", "acgan", "dann", "dsn")
"""The report's methods, in its order."""


class Accuracies(NamedTuple):
    """Accuracy on the target domain's test images, as fractions."""

    source_only: float
    adapted: float
    target_only: float

    def of(self, scenario: str) -> float:
        """The accuracy of `scenario` ("source-only", "adapted", "target-only")."""
        return float(getattr(self, scenario.replace("-", "_")))

    @property
    def gap_closed(self) -> float:
        """Share of the way from source only to target only that adaptation went."""
        return (self.adapted - self.source_only) / (self.target_only - self.source_only)


TABLES: dict[tuple[str, ...], Accuracies] = {
    ("dann", "mnist-m", "svhn"): Accuracies(0.4227, 0.4795, 0.9262),
    ("dann", "svhn", "mnist-m"): Accuracies(0.5029, 0.6883, 0.9760),
    ("dsn", "mnist-m", "svhn"): Accuracies(0.3547, 0.5259, 0.9271),
    ("dsn", "svhn", "mnist-m"): Accuracies(0.4809, 0.7169, 0.9760),
}


class Claim(NamedTuple):
    """An observation of the report, and the experiment that would test it.

    names_data: whether it is about certain data sets, so that no others can decide it.
    """

    id: str
    text: str
    test: str
    names_data: bool = False


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "C1",
        "Spectral normalisation in both networks makes DCGAN stable.",
        "with and without it, n seeds: rate of collapse, spread of fidelity",
    ),
    Claim(
        "C2",
        "A discriminator without batch norm and with convolution bias trains easier and its "
        "images look better.",
        "the four combinations of batch norm and bias",
    ),
    Claim(
        "C3",
        "A discriminator weaker than the generator ends better.",
        "discriminator width 1/2, 1 and 2 of the generator's",
    ),
    Claim(
        "C4",
        "Labels make ACGAN's losses settle sooner than DCGAN's; ACGAN's settle near 1.0.",
        "loss curves and a measure of when they settle",
    ),
    Claim(
        "C5",
        "All attributes at once is worse; Smiling + Male is better than Smiling alone.",
        "fidelity and attribute accuracy for the three label sets",
    ),
    Claim(
        "C6",
        "The same settings give different results from run to run.",
        "spread over seeds, and over repeats of one seed",
    ),
    Claim(
        "C7",
        "SVHN → MNIST-M is easier than MNIST-M → SVHN.",
        "gap closed in both directions",
        names_data=True,
    ),
    Claim(
        "C8",
        "The reconstruction and difference losses help: DSN beats DANN.",
        "DSN with each loss removed, paired by seed",
    ),
    Claim(
        "C9",
        "A too complex decoder hurts DSN.",
        "decoder width x0.5, x1, x2 and x4",
    ),
    Claim(
        "C10",
        "ResNet18 extracts better features than the paper's small network.",
        "both networks at the same budget",
    ),
)
