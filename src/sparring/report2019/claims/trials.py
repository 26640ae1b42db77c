"""How each of the ten claims is tested: one table, `TRIALS`.

What holds, fails and undecided mean, and how several comparisons are corrected, stands in
`comparisons`. Which arms there are is decided where the experiments are made.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from sparring.metrics.statistics import beyond_sampling, gaps, summarise
from sparring.report.collect import Arm, Arms
from sparring.report.curves import Log, end_level, settling
from sparring.report2019.claims.comparisons import (
    ACCURACY,
    FRECHET,
    Comparison,
    Finding,
    Score,
    decide,
    metric,
    paired,
    sentences,
    spread,
)
from sparring.runs.folder import Run
from sparring.runs.records import SCENARIOS, ClassifierScores

Compare = Callable[[Arms], list[Comparison]]

COLLAPSED = 0.2
"""A generator whose images vary by less than this share of what real ones do has collapsed."""
NEAR = 0.25
"""How far a loss may end from 1.0 to be "near 1.0"."""
NONE = Arm((), 0)
T_TEST = "Student's paired t-test over the seeds"


@dataclass(frozen=True)
class Trial:
    """How a claim is tested.

    compared, score, test: in words. compare: all comparisons that the claim calls for.
    shown: scores of which every run is shown. beside: what else was seen; it decides nothing.
    """

    compared: str
    score: str
    test: str
    compare: Compare
    shown: tuple[Score, ...]
    beside: Callable[[Arms], str] | None = None

    def judge(self, arms: Arms) -> Finding:
        """What the arms say."""
        made = self.compare(arms)
        verdict, corrected = decide(made)
        seen = f"{'; '.join(sentences(made, corrected))}."
        text = f"{seen[0].upper()}{seen[1:]} {self.beside(arms) if self.beside else ''}".strip()
        n = min((c.n for c in made if c.n), default=0)
        return Finding(verdict, n, text, {score.name: score.by_arm(arms) for score in self.shown})


def by_arm(score: Score) -> Callable[[Arms], str]:
    """A sentence with the score of each arm."""

    def sentence(arms: Arms) -> str:
        known = [f"{spread(s)} {name}" for name, s in score.by_arm(arms).items() if s.n]
        return f"{score.name}: {', '.join(known) or 'no run'}."

    return sentence


def in_pairs(score: Score, *pairs: tuple[str, str]) -> Compare:
    """Whether the first arm of each pair scores better than the second, paired by seed."""

    def compare(arms: Arms) -> list[Comparison]:
        return [
            paired(
                f"{better} less {worse}",
                *(score.by_seed(arms.get(name, NONE)) for name in (better, worse)),
                lower=score.lower,
                share=score.share,
            )
            for better, worse in pairs
        ]

    return compare


def differ(compared: str, score: Score, *pairs: tuple[str, str]) -> Trial:
    """The trial `in_pairs`."""
    words = f"{score.name}{', lower is better' if score.lower else ''}"
    return Trial(compared, words, T_TEST, in_pairs(score, *pairs), (score,))


def unstable(run: Run) -> bool:
    """Whether a generator's training rang an alarm, went back, or ended in collapse."""
    diversity = metric("diversity")(run)
    return bool(run.events.events) or (diversity is not None and diversity < COLLAPSED)


def settled(run: Run) -> float | None:
    """The share of training after which the losses of all players stay near their final level."""
    times = [settling(values) for values in Log.of(run.rows()).losses.values()]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else None


SETTLED = Score("share of training until the losses settle", settled, lower=True)
AS_ASKED = Score("attributes as asked", metric("attribute_accuracy"), share=True)


def stability(arms: Arms) -> list[Comparison]:
    """Fisher's exact test of the unstable runs, those that were given up among them."""
    from scipy.stats import fisher_exact

    two = [arms.get(name, NONE) for name in ("with", "without")]
    hits = [sum(map(unstable, arm.runs)) + arm.gave_up for arm in two]
    totals = [len(arm.runs) + arm.gave_up for arm in two]
    words = f"{hits[0]} of {totals[0]} runs with it, {hits[1]} of {totals[1]} without"
    if min(totals) == 0:
        return [Comparison(words, 0, None, False)]
    table = [[hit, total - hit] for hit, total in zip(hits, totals, strict=True)]
    rarer = hits[0] / totals[0] < hits[1] / totals[1]
    return [Comparison(words, min(totals), float(fisher_exact(table).pvalue), rarer)]


def sooner_and_near(arms: Arms) -> list[Comparison]:
    """ACGAN settles sooner than DCGAN, and its players' losses end less than NEAR from 1.0."""
    found = in_pairs(SETTLED, ("ACGAN", "DCGAN"))(arms)
    curves = {run.config.seed: Log.of(run.rows()).losses for run in arms.get("ACGAN", NONE).runs}
    for player in ("generator", "discriminator"):
        ends = {seed: end_level(of[player]) for seed, of in curves.items() if player in of}
        away = {seed: abs(end - 1) for seed, end in ends.items() if math.isfinite(end)}
        level = spread(summarise(ends[seed] for seed in away))
        words = f"the {player}'s loss ends at {level}, its distance from 1.0 less {NEAR}"
        found.append(paired(words, away, dict.fromkeys(away, NEAR), lower=True))
    return found


def repeats(arms: Arms) -> list[Comparison]:
    """Whether DANN's accuracy varies more over seeds than the draw of test images explains."""
    arm = arms.get("DANN", NONE)
    right = summarise(ACCURACY.by_seed(arm).values())
    images = [r.scores.test_images for r in arm.runs if isinstance(r.scores, ClassifierScores)]
    p = beyond_sampling(right.runs, min(images, default=1))
    percent = summarise(100 * value for value in right.runs)
    return [Comparison(f"DANN's accuracy {spread(percent)} %", right.n, p, True)]


def again(arms: Arms) -> str:
    """Fréchet distances, and whether a seed that was run twice gave the same score."""

    def main(run: Run) -> tuple[str, int, float | None]:
        score = ACCURACY if isinstance(run.scores, ClassifierScores) else FRECHET
        return run.config.method, run.config.seed, score.of(run)

    first = [main(run) for name in ("DANN", "DCGAN") for run in arms.get(name, NONE).runs]
    twice = [main(run) for run in arms.get("again", NONE).runs]
    same = sum(run in first for run in twice)
    words = f"A seed run twice gave the same score, to the last digit, in {same} of {len(twice)}."
    return f"{by_arm(FRECHET)(arms)} {words if twice else 'No seed was run twice.'}"


def directions(arms: Arms) -> list[Comparison]:
    """More of the gap between the bounds is closed on the way back, from SVHN to MNIST-M."""
    closed, words = {}, []
    for way in ("back", "there"):
        columns = [arms.get(f"{way}, {scenario}", NONE) for scenario in SCENARIOS]
        closed[way] = gaps(*map(ACCURACY.by_seed, columns))
        name = next((" → ".join(r.config.sets) for arm in columns for r in arm.runs), way)
        percent = summarise(100 * share for share in closed[way].values())
        words.append(f"{name} closes {spread(percent)} % of the gap")
    return [paired("; ".join([*words, "difference"]), closed["back"], closed["there"], share=True)]


TRIALS = {
    "C1": Trial(
        "DCGAN with spectral normalisation v. without",
        "runs with an alarm, a rollback or a collapse, or given up",
        "Fisher's exact test",
        stability,
        (FRECHET,),
        by_arm(FRECHET),
    ),
    "C2": differ(
        "discriminator with bias and no batch norm v. the tutorials' (batch norm, no bias)",
        FRECHET,
        ("bias, no batch norm", "no bias, batch norm"),
    ),
    "C3": differ(
        "discriminator of half the width v. the same and v. twice the width",
        FRECHET,
        ("half", "equal"),
        ("half", "double"),
    ),
    "C4": Trial(
        f"ACGAN v. DCGAN; the losses of ACGAN's players v. 1.0 (near: within {NEAR})",
        f"{SETTLED.name}; mean loss in the last tenth",
        T_TEST,
        sooner_and_near,
        (SETTLED,),
    ),
    "C5": replace(
        differ(
            "Smiling and Smiling + Male v. all; Smiling + Male v. Smiling",
            FRECHET,
            ("Smiling", "all"),
            ("Smiling,Male", "all"),
            ("Smiling,Male", "Smiling"),
        ),
        shown=(FRECHET, AS_ASKED),
        beside=by_arm(AS_ASKED),
    ),
    "C6": Trial(
        "DANN's spread over seeds v. that of drawing other test images",
        ACCURACY.name,
        "chi-square test of the variance: it can hold, never fail",
        repeats,
        (ACCURACY,),
        again,
    ),
    "C7": Trial(
        "SVHN → MNIST-M v. MNIST-M → SVHN",
        "share closed of the gap between source only and target only",
        T_TEST,
        directions,
        (ACCURACY,),
    ),
    "C8": differ(
        "DSN v. itself without the reconstruction loss, without the difference loss, and v. DANN",
        ACCURACY,
        ("DSN", "without reconstruction"),
        ("DSN", "without difference"),
        ("DSN", "DANN"),
    ),
    "C9": differ("DSN v. DSN with a decoder four times as wide", ACCURACY, ("x1", "x4")),
    "C10": differ("DANN on ResNet18 v. on the small network", ACCURACY, ("resnet18", "small")),
}
"""The trial of each claim."""
