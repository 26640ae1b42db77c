"""The trials of the claims on generators, C1 to C5.

Knows arms and scores; what counts as clear is in `common`.
"""

from sparring.metrics.statistics import Summary, more_often, summarise, wider
from sparring.report.collect import Arm, Arms
from sparring.report.curves import end_level, settling
from sparring.report.runs import Run
from sparring.report2019.claims.common import (
    NONE,
    Decision,
    Finding,
    by_seed,
    differ,
    distance,
    frechet,
    spread,
    summaries,
)

COLLAPSED = 0.2
"""A generator whose images vary by less than this share of what real ones do has collapsed."""
NEAR = 0.25
"""How far a loss may end from 1.0 to be "near 1.0"."""


def settled(run: Run) -> float | None:
    """The share of training after which both players' losses stay near their final level."""
    times = [settling(values) for values in run.log.losses.values()]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else None


def unstable(run: Run) -> bool:
    """Whether a generator's training rang an alarm, went back, or ended in collapse."""
    return bool(run.events) or run.scores["metrics"].get("diversity", 1.0) < COLLAPSED


def spectral_norm(arms: Arms) -> Finding:
    """C1: without it more runs are unstable, or fidelity spreads more; and neither with it."""
    with_, without = arms.get("with", NONE), arms.get("without", NONE)
    counts = [sum(map(unstable, arm.runs)) + arm.gave_up for arm in (without, with_)]
    totals = [len(arm.runs) + arm.gave_up for arm in (without, with_)]
    often = more_often(counts[0], totals[0], counts[1], totals[1])
    values = [list(by_seed(arm, frechet).values()) for arm in (without, with_)]
    broad = wider(*values)
    levels = [spread(summarise(distances)) for distances in values]
    name = distance(arms)
    text = (
        f"Alarm, rollback or collapse in {counts[1]} of {totals[1]} runs with it and {counts[0]} "
        f"of {totals[0]} without (Fisher's exact test). {name}: {levels[1]} with, "
        f"{levels[0]} without (spreads compared by Levene's test)."
    )
    signs = {often, broad}
    verdict: Decision = "undecided"
    if signs != {0}:
        verdict = "fails" if -1 in signs else "holds"
    return Finding(verdict, min(totals), text, {name: summaries(arms, frechet)})


def batch_norm_and_bias(arms: Arms) -> Finding:
    """C2: the claimed form against the tutorials' (batch norm, no bias); the others are shown."""
    best, usual = "bias, no batch norm", "no bias, batch norm"
    return differ(arms, [(best, usual)], frechet, distance(arms), lower=True)


def discriminator_width(arms: Arms) -> Finding:
    """C3: half the width against the same and against twice the width."""
    pairs = [("half", "equal"), ("half", "double")]
    return differ(arms, pairs, frechet, distance(arms), lower=True)


def labels(arms: Arms) -> Finding:
    """C4: ACGAN's losses settle at an earlier share of training, and end within NEAR of 1.0."""
    name = "share of training until the losses settle"
    found = differ(arms, [("ACGAN", "DCGAN")], settled, name, lower=True)
    levels = _end_levels(arms.get("ACGAN", NONE))
    near = {player: abs((s.mean or 0) - 1) <= NEAR for player, s in levels.items()}
    shown = ", ".join(f"{spread(s)} ({player})" for player, s in levels.items())
    text = f"{found.evidence} ACGAN's losses end at {shown or 'no level'}; near: within {NEAR}."
    verdict = found.verdict
    if verdict == "holds" and not all(near.values()):
        verdict = "undecided" if any(near.values()) else "fails"
    return Finding(verdict, found.n, text, found.scores)


def _end_levels(arm: Arm) -> dict[str, Summary]:
    players = dict.fromkeys(name for run in arm.runs for name in run.log.losses)
    return {
        name: summarise(end_level(run.log.losses[name]) for run in arm.runs if len(run.log))
        for name in players
    }


def attribute_sets(arms: Arms) -> Finding:
    """C5: all is farther from real images than either other set; Smiling than Smiling and Male."""
    pairs = [("Smiling", "all"), ("Smiling,Male", "all"), ("Smiling,Male", "Smiling")]
    found = differ(arms, pairs, frechet, distance(arms), lower=True)
    right = summaries(arms, lambda run: run.scores["metrics"].get("attribute_accuracy"))
    known = [f"{name} {100 * s.mean:.1f} %" for name, s in right.items() if s.mean is not None]
    text = f"{found.evidence} Attributes as asked: {', '.join(known) or 'not judged'}."
    scores = {**found.scores, "attributes as asked": right}
    return Finding(found.verdict, found.n, text, scores)
