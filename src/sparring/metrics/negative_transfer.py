"""The negative-transfer alarm: is the adapted classifier worse than its source-only twin?

Decides without target labels; knows arrays alone. Negative transfer: adaptation that does harm
(Wang et al. 2019, arXiv 1811.09751; survey: Zhang et al. 2023, "A survey on negative transfer").
"""

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

    rings: whether adaptation looks harmful; words: why, in a sentence or two.
    changes: adapted less twin, in the units of each validator of `MEMBERS`.
    disagreement: share of target images that the two call differently.
    allowed: the most that this share can be if adapted is no worse than the twin; see `alarm`.
    overlap_lost, overlap_error: see the function `overlap_lost`.
    estimated_twin, estimated_adapted: target accuracies as ATC estimates them; only shown.
    source_change: adapted less twin in accuracy on held-out source images; only shown.
    """

    rings: bool
    words: str
    changes: dict[str, float]
    disagreement: float
    allowed: float
    overlap_lost: float
    overlap_error: float
    estimated_twin: float
    estimated_adapted: float
    source_change: float


def alarm(twin: DomainOutputs, adapted: DomainOutputs) -> Verdict:
    """Compare two classifiers on the same target images, without labels.

    The alarm rings where one of these holds:

    1. Two of the three validators that choose checkpoints (`validators.MEMBERS`) score adapted
       below its twin: lost certainty, collapse to few classes, classes that left the clusters.
    2. The two differ on more than 2 e of the images, where e is the twin's estimated error: if
       neither errs on more than e, they differ on 2 e at most. This catches classes aligned to the
       wrong ones, so long as the twin was good. e is ATC's (`calibration.thresholded`) or,
       if greater, what the twin's class shares cost at least where the target has the source's.
    3. Adapted's predicted class shares overlap less with the source's than the twin's do, by more
       than the draw of the images explains; it presumes that the target has the source's shares.

    Estimated accuracies are not compared: ATC's error, some ten points on networks that trained
    briefly, hides the difference. In trials (docs/log.md) the rules rang for none but the worst of
    eleven adapted runs that were up to five points worse: silence is no promise.
    """
    # Rounded, so that two equal classifiers are not told apart by floating point.
    changes = {vote.__name__: round(vote(adapted) - vote(twin), 9) for vote in MEMBERS}
    against = sum(change < 0 for change in changes.values())
    count = f"{against} of {len(changes)} label-free validators prefer the twin"
    disagreement = float((twin.target.predicted != adapted.target.predicted).mean())
    promise = estimated_accuracy(twin)
    allowed = 2 * (1 - min(promise, class_overlap(twin)))
    lost, error = overlap_lost(twin, adapted)
    reasons = []
    if against >= VOTES:
        reasons.append(count)
    if disagreement > allowed:
        reasons.append(
            f"the two differ on {disagreement:.0%} of the target images, "
            f"and at most on {allowed:.0%} if adaptation did no harm"
        )
    if lost > ERRORS * error:
        reasons.append(
            f"the classes that it predicts are {100 * lost:.0f} points further "
            "from the source's shares (no sign of harm if the target's shares differ)"
        )
    words = f"No sign of negative transfer: {count}."
    if reasons:
        words = "The adapted classifier looks worse than its source-only twin: "
        words += f"{'; '.join(reasons)}. Consider the twin."
    return Verdict(
        rings=bool(reasons),
        words=words,
        changes=changes,
        disagreement=disagreement,
        allowed=allowed,
        overlap_lost=lost,
        overlap_error=error,
        estimated_twin=promise,
        estimated_adapted=estimated_accuracy(adapted),
        source_change=adapted.source.accuracy - twin.source.accuracy,
    )


def class_overlap(outputs: DomainOutputs) -> float:
    """Overlap of the classes predicted on the target with the source's labels, in [0, 1].

    One minus the total variation distance of the shares. No classifier is right more often than
    this where the target has the source's shares.
    """
    return float(np.minimum(*_class_shares(outputs)).sum())


def overlap_lost(twin: DomainOutputs, adapted: DomainOutputs) -> tuple[float, float]:
    """The twin's `class_overlap` less adapted's, and its standard error over the target images.

    The delta method: an image adds to the overlap where its predicted class is predicted less
    often than the source has it, and nothing elsewhere; both saw the same images.
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
    predicted, known = (
        np.bincount(label, minlength=classes) / len(label)
        for label in (outputs.target.predicted, outputs.source.label)
    )
    return predicted, known
