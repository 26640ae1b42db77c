"""How each of the ten claims is tested: one table, `TRIALS`.

What holds, fails and undecided mean, and how several comparisons are corrected, stands in
`comparisons`. Which arms there are is decided in `experiments`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sparring.metrics.statistics import Summary, beyond_sampling, gaps, summarise
from sparring.report.collect import Arm, Arms
from sparring.report.curves import Log
from sparring.report2019.claims.comparisons import (
    ACCURACY,
    FRECHET,
    Comparison,
    Decision,
    Score,
    decide,
    metric,
    paired,
    sentence,
    spread,
)
from sparring.runs.folder import Run
from sparring.runs.records import SCENARIOS
from sparring.runs.scores import ClassifierScores

Compare = Callable[[Arms], list[Comparison]]

COLLAPSED = 0.2
"""A generator whose images vary by less than this share of what real ones do has collapsed."""
NEAR = 0.25
"""How far a loss may end from 1.0 to be "near 1.0"."""
NONE = Arm(())


@dataclass(frozen=True)
class Finding:
    """What an experiment says. n: seeds that bear on it, the fewest of any comparison.

    evidence: plain sentences. scores: by the name of a score, that score by arm.
    on, sets: the budget and data of the experiment, in sentences, and the names of its data.
    """

    verdict: Decision
    n: int
    evidence: str
    scores: Mapping[str, Mapping[str, Summary]]
    on: str = ""
    sets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """How a claim is tested.

    claim: what the source report observed. compared, score, test: in words.
    compare: all comparisons that the claim calls for.
    shown: scores of which every run is shown. beside: what else was seen; it decides nothing.
    names_data: whether it is about certain data sets, so that no others can decide it.
    """

    claim: str
    compared: str
    score: str
    compare: Compare
    shown: tuple[Score, ...]
    test: str = "Student's paired t-test over the seeds"
    beside: Callable[[Arms], str] | None = None
    names_data: bool = False

    def judge(self, arms: Arms) -> Finding:
        """What the arms say."""
        made = self.compare(arms)
        verdict, corrected = decide(made)
        words = sentence(made, corrected)
        if self.beside:
            words = f"{words} {self.beside(arms)}"
        n = min((c.n for c in made if c.n), default=0)
        return Finding(verdict, n, words, {score.name: score.by_arm(arms) for score in self.shown})


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


def differ(
    claim: str, compared: str, score: Score, *pairs: tuple[str, str], beside: Score | None = None
) -> Trial:
    """The trial `in_pairs`."""
    words = f"{score.name}{', lower is better' if score.lower else ''}"
    trial = Trial(claim, compared, words, in_pairs(score, *pairs), (score,))
    if beside:
        trial = replace(trial, shown=(score, beside), beside=beside.sentence)
    return trial


def unstable(run: Run) -> bool:
    """Whether a generator's training rang an alarm, went back, or ended in collapse."""
    diversity = metric("diversity")(run)
    return bool(run.events.events) or (diversity is not None and diversity < COLLAPSED)


def settled(run: Run) -> float | None:
    """The share of training after which the losses of all players stay near their final level."""
    return Log.of(run.rows()).settled


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
    levels = {run.config.seed: Log.of(run.rows()).levels for run in arms.get("ACGAN", NONE).runs}
    for player in ("generator", "discriminator"):
        ends = {seed: of[player][1] for seed, of in levels.items() if player in of}
        away = {seed: abs(end - 1) for seed, end in ends.items()}
        level = spread(summarise(ends.values()))
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
    return f"{FRECHET.sentence(arms)} {words if twice else 'No seed was run twice.'}"


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
        "Spectral normalisation in both networks makes DCGAN stable.",
        "DCGAN with spectral normalisation v. without",
        "runs with an alarm, a rollback or a collapse, or given up",
        stability,
        (FRECHET,),
        "Fisher's exact test",
        FRECHET.sentence,
    ),
    "C2": differ(
        "A discriminator without batch norm and with convolution bias trains easier and its "
        "images look better.",
        "discriminator with bias and no batch norm v. the tutorials' (batch norm, no bias)",
        FRECHET,
        ("bias, no batch norm", "no bias, batch norm"),
    ),
    "C3": differ(
        "A discriminator weaker than the generator ends better.",
        "discriminator of half the width v. the same and v. twice the width",
        FRECHET,
        ("half", "equal"),
        ("half", "double"),
    ),
    "C4": Trial(
        "Labels make ACGAN's losses settle sooner than DCGAN's; ACGAN's settle near 1.0.",
        f"ACGAN v. DCGAN; the losses of ACGAN's players v. 1.0 (near: within {NEAR})",
        f"{SETTLED.name}; mean loss in the last tenth",
        sooner_and_near,
        (SETTLED,),
    ),
    "C5": differ(
        "All attributes at once is worse; Smiling + Male is better than Smiling alone.",
        "Smiling and Smiling + Male v. all; Smiling + Male v. Smiling",
        FRECHET,
        *(("Smiling", "all"), ("Smiling,Male", "all"), ("Smiling,Male", "Smiling")),
        beside=AS_ASKED,
    ),
    "C6": Trial(
        "The same settings give different results from run to run.",
        "DANN's spread over seeds v. that of drawing other test images",
        ACCURACY.name,
        repeats,
        (ACCURACY,),
        "chi-square test of the variance: it can hold, never fail",
        again,
    ),
    "C7": Trial(
        "SVHN → MNIST-M is easier than MNIST-M → SVHN.",
        "SVHN → MNIST-M v. MNIST-M → SVHN",
        "share closed of the gap between source only and target only",
        directions,
        (ACCURACY,),
        names_data=True,
    ),
    "C8": differ(
        "The reconstruction and difference losses help: DSN beats DANN.",
        "DSN v. itself without the reconstruction loss, without the difference loss, and v. DANN",
        ACCURACY,
        *(("DSN", other) for other in ("without reconstruction", "without difference", "DANN")),
    ),
    "C9": differ(
        "A too complex decoder hurts DSN.",
        "DSN v. DSN with a decoder four times as wide",
        ACCURACY,
        ("x1", "x4"),
    ),
    "C10": differ(
        "ResNet18 extracts better features than the paper's small network.",
        "DANN on ResNet18 v. on the small network",
        ACCURACY,
        ("resnet18", "small"),
    ),
}
"""The trial of each claim, by the names that we give them."""
