"""How each of the ten claims is tested: one function a claim, from the arms of its experiment.

Which arms there are is decided where the experiments are made; a trial says "undecided" where one
that it needs has not run.
"""

from collections.abc import Callable

from sparring.report.collect import Arms
from sparring.report2019.claims import adaptation, generation
from sparring.report2019.claims.common import Decision, Finding

__all__ = ["TRIALS", "Decision", "Finding"]

TRIALS: dict[str, Callable[[Arms], Finding]] = {
    "C1": generation.spectral_norm,
    "C2": generation.batch_norm_and_bias,
    "C3": generation.discriminator_width,
    "C4": generation.labels,
    "C5": generation.attribute_sets,
    "C6": adaptation.repeats,
    "C7": adaptation.directions,
    "C8": adaptation.losses,
    "C9": adaptation.decoders,
    "C10": adaptation.encoders,
}
