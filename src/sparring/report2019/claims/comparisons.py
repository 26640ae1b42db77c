"""What all trials of claims share: scores of runs, comparisons, and what these decide.

A claim calls for one comparison or several. Each is a test over the seeds with a two-sided p; the
p of one claim are corrected for their number by Holm's method, a comparison that has not run
counting as one with p = 1. Then, at alpha = 0.05, the claim *holds* where every comparison is
significantly as claimed, *fails* where one is significantly the other way round, and is
*undecided* otherwise. Knows no claim and no page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sparring.metrics.statistics import ALPHA, Summary, holm, paired_difference, summarise
from sparring.report.collect import Arm, Arms
from sparring.report.words import cell
from sparring.runs.folder import Run
from sparring.runs.scores import ClassifierScores, GeneratorScores

Decision = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Score:
    """A number of one run. lower: whether low is better. share: whether it is a fraction."""

    name: str
    of: Callable[[Run], float | None]
    lower: bool = False
    share: bool = False

    def by_seed(self, arm: Arm) -> dict[int, float]:
        """The score of each run that has it."""
        found = {run.config.seed: self.of(run) for run in arm.runs}
        return {seed: value for seed, value in found.items() if value is not None}

    def by_arm(self, arms: Arms) -> dict[str, Summary]:
        """The score of each arm over its seeds."""
        return {name: summarise(self.by_seed(arm).values()) for name, arm in arms.items()}

    def sentence(self, arms: Arms) -> str:
        """The score of each arm in words."""
        known = [f"{spread(s)} {name}" for name, s in self.by_arm(arms).items() if s.n]
        return f"{self.name}: {', '.join(known) or 'no run'}."


def _accuracy(run: Run) -> float | None:
    return run.scores.accuracy if isinstance(run.scores, ClassifierScores) else None


def metric(name: str) -> Callable[[Run], float | None]:
    """The single number `name` of a generator."""
    return lambda run: (
        run.scores.metrics.get(name) if isinstance(run.scores, GeneratorScores) else None
    )


ACCURACY = Score("accuracy on the target's test images", _accuracy, share=True)
FRECHET = Score("Fréchet distance to real images", metric("frechet"), lower=True)


@dataclass(frozen=True)
class Comparison:
    """One comparison that a claim calls for.

    words: what was seen. n: seeds. p: two-sided; None where it has not run, or on too few seeds.
    as_claimed: whether what was seen lies on the claimed side.
    """

    words: str
    n: int
    p: float | None
    as_claimed: bool


def paired(
    words: str,
    better: Mapping[int, float],
    worse: Mapping[int, float],
    *,
    lower: bool = False,
    share: bool = False,
) -> Comparison:
    """Student's paired t-test that `better` scores better than `worse`, by seed.

    lower: whether low is better. share: whether the scores are fractions, told in points.
    """
    found = paired_difference(better, worse)
    n, mean = found.summary.n, found.summary.mean
    if mean is None:
        return Comparison(f"{words}: not run", 0, None, False)
    factor, unit = (100, " points") if share else (1, "")
    interval = ""
    if found.interval:
        interval = " [{:+.2f}, {:+.2f}]".format(*(factor * end for end in found.interval))
    seen = f"{words}: {factor * mean:+.2f}{unit}{interval} (n = {n})"
    return Comparison(seen, n, found.p, (mean < 0) == lower)


def spread(summary: Summary) -> str:
    """`mean ± sd`, as far as they are known."""
    return cell(summary, share=False) if summary.n else "no run"


def decide(comparisons: Sequence[Comparison]) -> tuple[Decision, list[float]]:
    """The verdict, and the p of each comparison after Holm's correction."""
    corrected = holm([1.0 if c.p is None else c.p for c in comparisons])
    clear = [c for c, p in zip(comparisons, corrected, strict=True) if p < ALPHA]
    if not all(c.as_claimed for c in clear):
        return "fails", corrected
    return ("holds" if len(clear) == len(comparisons) else "undecided"), corrected


def sentence(comparisons: Sequence[Comparison], corrected: Sequence[float]) -> str:
    """The comparisons, each with its p."""
    after = " after Holm" if len(comparisons) > 1 else ""
    seen = "; ".join(
        c.words if c.p is None else f"{c.words}, p = {p:.2g}{after}"
        for c, p in zip(comparisons, corrected, strict=True)
    )
    return f"{seen[0].upper()}{seen[1:]}."
