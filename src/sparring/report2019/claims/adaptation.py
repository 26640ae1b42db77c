"""The trials of the claims on classifiers between domains, C6 to C10.

Knows arms and scores; what counts as clear is in `common`.
"""

from typing import Any

from sparring.metrics.statistics import (
    Estimate,
    beyond_sampling,
    estimate,
    gaps,
    paired_difference,
    summarise,
)
from sparring.report.collect import Arm, Arms
from sparring.report.runs import Run
from sparring.report2019.claims.common import (
    NONE,
    Decision,
    Finding,
    accuracy,
    by_seed,
    decide,
    differ,
    frechet,
    points,
    spread,
)

SCENARIOS = ("source-only", "adapted", "target-only")
ADAPTED = "adapted accuracy"


def repeats(arms: Arms) -> Finding:
    """C6: over seeds, accuracies spread more than the draw of the test images alone would do."""
    runs = arms.get("DANN", NONE).runs
    right = summarise(by_seed(arms.get("DANN", NONE), accuracy).values())
    drawn = summarise(by_seed(arms.get("DCGAN", NONE), frechet).values())
    images = int(runs[0].scores.get("test_images", 1)) if runs else 1
    p = beyond_sampling(right.runs, images)
    parts = []
    if right.mean is not None and right.sd is not None:
        parts.append(f"DANN's accuracy {100 * right.mean:.1f} ± {100 * right.sd:.1f} %")
    if drawn.sd is not None:
        parts.append(f"DCGAN's Fréchet distance {spread(drawn)}")
    chance = "" if p is None else f"; p = {p:.2g} if the draw of the test images alone varied it"
    text = f"Over seeds: {', '.join(parts) or 'one run'}{chance}. {_again(arms)}"
    verdict: Decision = "holds" if p is not None and p < 0.05 else "undecided"
    return Finding(verdict, right.n, text, {"accuracy": {"DANN": right}})


def _again(arms: Arms) -> str:
    """Whether a seed that was run twice gave the same scores."""
    first = [*arms.get("DANN", NONE).runs, *arms.get("DCGAN", NONE).runs]
    known = {(run.method, run.seed): _main(run) for run in first}
    pairs = [
        (known[run.method, run.seed], _main(run))
        for run in arms.get("again", NONE).runs
        if (run.method, run.seed) in known
    ]
    if not pairs:
        return "No seed was run twice."
    same = sum(a == b for a, b in pairs)
    return f"A seed run twice gave the same score, to the last digit, in {same} of {len(pairs)}."


def _main(run: Run) -> Any:
    return accuracy(run) if "accuracy" in run.scores else frechet(run)


def directions(arms: Arms) -> Finding:
    """C7: more of the gap between source only and target only is closed on the way back."""
    closed: dict[str, dict[int, float]] = {}
    for way in ("there", "back"):
        columns = [by_seed(arms.get(f"{way}, {s}", NONE), accuracy) for s in SCENARIOS]
        closed[way] = gaps(*columns)
    names = {way: _way(arms, way) for way in closed}
    found = paired_difference(closed["back"], closed["there"])
    each = [f"{names[way]} closes {_share(estimate(closed[way].values()))}" for way in closed]
    text = f"Share of the gap: {'; '.join(each)}; the second less the first {points(found)}."
    scores = {names[way]: summarise(closed[way].values()) for way in closed}
    return Finding(decide([found.sign]), found.summary.n, text, {"share of the gap closed": scores})


def _share(found: Estimate) -> str:
    mean = found.summary.mean
    return "none" if mean is None else f"{100 * mean:.1f} % (n = {found.summary.n})"


def _way(arms: Arms, way: str) -> str:
    """The domains of one direction: `mnist-m → meter-digits`."""
    runs = [run for s in SCENARIOS for run in arms.get(f"{way}, {s}", Arm((), 0)).runs]
    return " → ".join(runs[0].sets) if runs else way


def losses(arms: Arms) -> Finding:
    """C8: DSN against itself without either loss, and against DANN."""
    others = ("without reconstruction", "without difference", "DANN")
    return differ(arms, [("DSN", other) for other in others], accuracy, ADAPTED)


def decoders(arms: Arms) -> Finding:
    """C9: the decoder as it is against one four times as wide; the widths between are shown."""
    return differ(arms, [("x1", "x4")], accuracy, ADAPTED)


def encoders(arms: Arms) -> Finding:
    """C10: DANN on ResNet18 against DANN on the paper's small network."""
    return differ(arms, [("resnet18", "small")], accuracy, ADAPTED)
