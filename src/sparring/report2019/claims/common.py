"""What all trials of claims share: scores of runs, comparisons of arms, and what decides.

Knows arms of runs and statistics; knows no claim and no page. A difference counts where it is
clear: at least three seeds, paired, and both the bootstrap and Student's 95 % interval of the mean
leave zero out. "Holds": every comparison is clearly as claimed. "Fails": one is clearly the other
way round. Else undecided.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sparring.metrics.statistics import Estimate, Summary, paired_difference, summarise
from sparring.report.collect import Arm, Arms
from sparring.report.runs import Run

Decision = Literal["holds", "fails", "undecided"]
Score = Callable[[Run], float | None]

NONE = Arm((), 0)
"""An arm that was not asked for."""


@dataclass(frozen=True)
class Finding:
    """What an experiment says.

    n: seeds that bear on it, the fewest of any comparison. evidence: plain sentences.
    scores: by the name of a score, that score by arm.
    """

    verdict: Decision
    n: int
    evidence: str
    scores: Mapping[str, Mapping[str, Summary]] = field(default_factory=dict)


def accuracy(run: Run) -> float | None:
    """Accuracy on the target's test images."""
    return float(run.scores["accuracy"]) if "accuracy" in run.scores else None


def frechet(run: Run) -> float | None:
    """Fréchet distance to real images: lower is better."""
    value = run.scores["metrics"].get("frechet")
    return None if value is None else float(value)


def by_seed(arm: Arm, score: Score) -> dict[int, float]:
    """The score of each run that has it."""
    found = {run.seed: score(run) for run in arm.runs}
    return {seed: value for seed, value in found.items() if value is not None}


def summaries(arms: Arms, score: Score) -> dict[str, Summary]:
    """The score of each arm over its seeds."""
    return {name: summarise(by_seed(arm, score).values()) for name, arm in arms.items()}


def decide(signs: Iterable[int | None]) -> Decision:
    """From the sign of each comparison: 1 clearly as claimed, -1 the other way, 0 unclear.

    None stands for a comparison that has not been run.
    """
    found = list(signs)
    if -1 in found:
        return "fails"
    return "holds" if found and all(sign == 1 for sign in found) else "undecided"


def points(estimate: Estimate) -> str:
    """A mean difference of shares with its interval, in points."""
    return _interval(estimate, 100, " points")


def units(estimate: Estimate) -> str:
    """A mean difference with its interval, in the score's own units."""
    return _interval(estimate, 1, "")


def _interval(estimate: Estimate, factor: float, unit: str) -> str:
    mean, n = estimate.summary.mean, estimate.summary.n
    if mean is None:
        return "not run"
    ends = estimate.interval
    shown = f" [{factor * ends[0]:+.2f}, {factor * ends[1]:+.2f}]" if ends else ""
    return f"{factor * mean:+.2f}{unit}{shown} (n = {n})"


def differ(
    arms: Arms,
    pairs: Iterable[tuple[str, str]],
    score: Score,
    name: str,
    *,
    lower: bool = False,
) -> Finding:
    """Whether in each pair the first arm scores clearly better than the second.

    lower: whether low scores are the better ones.
    """
    percent = score is accuracy
    words: list[str] = []
    counts: list[int] = []
    signs: list[int | None] = []
    for better, worse in pairs:
        if better not in arms or worse not in arms:
            signs.append(None)
            continue
        ours, theirs = by_seed(arms[better], score), by_seed(arms[worse], score)
        found = paired_difference(ours, theirs)
        signs.append(-found.sign if lower else found.sign)
        counts.append(found.summary.n)
        shown = points(found) if percent else units(found)
        words.append(f"{better} less {worse}: {shown}")
    text = f"{name[0].upper()}{name[1:]}, {'; '.join(words) or 'no two arms to compare'}."
    return Finding(decide(signs), min(counts, default=0), text, {name: summaries(arms, score)})


def distance(arms: Arms) -> str:
    """What the Fréchet distance of these runs is called; they share one extractor."""
    for arm in arms.values():
        for run in arm.runs:
            if extractor := run.scores.get("extractor"):
                return str(extractor["frechet"])
    return "Fréchet distance"


def spread(summary: Summary) -> str:
    """`mean ± sd`, as far as they are known."""
    if summary.mean is None:
        return "no run"
    return f"{summary.mean:.2f}" + ("" if summary.sd is None else f" ± {summary.sd:.2f}")
