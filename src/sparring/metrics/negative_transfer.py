"""The negative-transfer alarm: is the adapted classifier worse than its source-only twin?

Decides without target labels. Knows arrays alone. Negative transfer: adaptation that does harm
(Wang et al. 2019, arXiv 1811.09751; survey: Zhang et al. 2023, "A survey on negative transfer").
How often the alarm is right is measured by `statistics.detector`, over runs whose truth is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sparring.metrics.validators import MEMBERS, DomainOutputs, estimated_accuracy

VOTES = 2
"""How many of the validators in `MEMBERS` must prefer the twin: the majority of three."""
ERRORS = 1.645
"""Standard errors that lost class overlap must exceed: by chance once in 20 (one-sided normal)."""


@dataclass(frozen=True)
class Verdict:
    """What can be said of adapted against source-only without target labels.

    changes: adapted less twin, in the units of each validator of `MEMBERS`.
    disagreement: share of target images that the two call differently.
    allowed: the most that this share can be if adapted is no worse than the twin; see `alarm`.
    overlap_lost: the twin's `class_overlap` less adapted's.
    overlap_error: standard error of `overlap_lost`, over the draw of the target images.
    estimated_twin, estimated_adapted: target accuracies as ATC estimates them; only shown.
    source_change: adapted less twin in accuracy on held-out source images; only shown.
    """

    changes: Mapping[str, float]
    disagreement: float
    allowed: float
    overlap_lost: float
    overlap_error: float
    estimated_twin: float
    estimated_adapted: float
    source_change: float

    @property
    def against(self) -> tuple[str, ...]:
        """The validators that score adapted below its twin."""
        return tuple(name for name, change in self.changes.items() if change < 0)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks for negative transfer, in words; each is enough to ring."""
        found = []
        if len(self.against) >= VOTES:
            found.append(self._count)
        if self.disagreement > self.allowed:
            found.append(
                f"the two differ on {self.disagreement:.0%} of the target images, "
                f"and at most on {self.allowed:.0%} if adaptation did no harm"
            )
        if self.overlap_lost > ERRORS * self.overlap_error:
            found.append(
                f"the classes that it predicts are {100 * self.overlap_lost:.0f} points further "
                "from the source's shares (no sign of harm if the target's shares differ)"
            )
        return tuple(found)

    @property
    def worse(self) -> bool:
        """Whether the alarm rings."""
        return bool(self.reasons)

    @property
    def words(self) -> str:
        """The verdict in a sentence or two."""
        if not self.worse:
            return f"No sign of negative transfer: {self._count}."
        return (
            "The adapted classifier looks worse than its source-only twin: "
            f"{'; '.join(self.reasons)}. Consider the twin."
        )

    @property
    def _count(self) -> str:
        return f"{len(self.against)} of {len(self.changes)} label-free validators prefer the twin"


def alarm(twin: DomainOutputs, adapted: DomainOutputs) -> Verdict:
    """Compare two classifiers on the same target images, without labels.

    The alarm rings where one of these holds:

    1. Two of the three validators that choose checkpoints (`validators.MEMBERS`) score adapted
       below its twin. They see lost certainty, collapse to few classes, and classes that no longer
       match the features' clusters.
    2. The two differ on more than 2 e of the images, where e is the twin's estimated error: if
       neither errs on more than e, they differ on 2 e at most (triangle inequality). This catches
       classes aligned to the wrong ones, which look certain, balanced and clustered, so long as
       the twin was good. e is ATC's (`calibration.estimate_accuracy`) or, if that is greater, what
       the twin's predicted class shares cost at least where the target has the source's.
    3. Adapted's predicted class shares overlap less with the source's than the twin's do, by more
       than the draw of the images explains. It presumes that the target has the source's shares,
       as these methods do.

    Estimated accuracies are not compared: ATC's threshold comes from each network's own source
    errors, and its error, some ten points on networks that trained briefly, hides the difference.
    In a first trial (four pairs of runs, digits, 40 pairs of checkpoints, on which rule 1 was
    chosen) the change in ATC had a rank correlation of 0.2 with the change in accuracy, and the
    changes in the three validators 0.9 each. In longer trials (docs/log.md) the rules rang for none
    but the worst of eleven adapted runs that were up to five points worse: silence is no promise.

    Raises ValueError where the two did not see equally many target images.
    """
    if len(twin.target) != len(adapted.target):
        raise ValueError("twin and adapted must be given the same target images")
    promise = estimated_accuracy(twin)
    lost, error = overlap_lost(twin, adapted)
    return Verdict(
        # Rounded, so that two equal classifiers are not told apart by floating point.
        changes={vote.__name__: round(vote(adapted) - vote(twin), 9) for vote in MEMBERS},
        disagreement=float((twin.target.predicted != adapted.target.predicted).mean()),
        allowed=2 * (1 - min(promise, class_overlap(twin))),
        overlap_lost=lost,
        overlap_error=error,
        estimated_twin=promise,
        estimated_adapted=estimated_accuracy(adapted),
        source_change=adapted.source.accuracy - twin.source.accuracy,
    )


def class_overlap(outputs: DomainOutputs) -> float:
    """Overlap of the classes predicted on the target with the source's labels, in [0, 1].

    Sum over the classes of min(predicted share, source share): one minus their total variation
    distance. No classifier is right more often than this, where the target has the source's shares.
    """
    return float(np.minimum(*_class_shares(outputs)).sum())


def overlap_lost(twin: DomainOutputs, adapted: DomainOutputs) -> tuple[float, float]:
    """The twin's `class_overlap` less adapted's, and its standard error over the target images.

    The delta method: one more image in a class adds to the overlap where that class is predicted
    less often than the source has it, and nothing elsewhere; both saw the same images.
    """
    counts = []
    for outputs in (twin, adapted):
        predicted, known = _class_shares(outputs)
        counts.append((predicted < known)[outputs.target.predicted].astype(float))
    error = float((counts[0] - counts[1]).std() / np.sqrt(len(counts[0])))
    return class_overlap(twin) - class_overlap(adapted), error


def _class_shares(outputs: DomainOutputs) -> tuple[np.ndarray, np.ndarray]:
    """Shares [K] of the classes: predicted on the target, labelled on the source."""
    classes = outputs.target.logits.shape[1]
    predicted = np.bincount(outputs.target.predicted, minlength=classes) / len(outputs.target)
    known = np.bincount(outputs.source.label, minlength=classes) / len(outputs.source.label)
    return predicted, known
