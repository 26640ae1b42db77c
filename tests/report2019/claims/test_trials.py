"""Every claim, on arms made by hand: one that it must call held, one failed, one undecided."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.report.collect import Arm
from sparring.report.runs import Log, Run
from sparring.report2019.claims.common import decide
from sparring.report2019.claims.generation import settled, unstable
from sparring.report2019.claims.trials import TRIALS, Decision, Finding
from sparring.runs.folder import RunFolder

EXTRACTOR = {"name": "convnet-attributes", "frechet": "Fréchet distance (convnet-attributes)"}
WOBBLE = (0.0, 0.01, -0.01, 0.02, -0.02)
"""What makes the seeds differ."""


def run(seed: int, scores: dict[str, Any], method: str = "dcgan", log: Log | None = None) -> Run:
    made = Run(
        folder=RunFolder(Path("nowhere")),
        method=method,
        scenario="generation" if "metrics" in scores else "adapted",
        sets=("left", "right"),
        attributes=(),
        seed=seed,
        preset="own",
        settings={},
        training={"steps": 100, "batch_size": 8},
        environment={},
        scores=scores,
    )
    if log is not None:
        made.__dict__["log"] = log
    return made


def drawing(distances: Sequence[float], **metrics: float) -> Arm:
    """Generators with these Fréchet distances."""
    scores = [
        {"metrics": {"frechet": d, "diversity": 0.9, **metrics}, "extractor": EXTRACTOR}
        for d in distances
    ]
    return Arm(tuple(run(seed, s) for seed, s in enumerate(scores)), len(distances))


def near(level: float, scale: float = 1.0, count: int = 5) -> list[float]:
    return [level + scale * w for w in WOBBLE[:count]]


def adapting(accuracies: Sequence[float]) -> Arm:
    scores = [{"accuracy": a, "test_images": 1000} for a in accuracies]
    runs = tuple(run(seed, s, "dann") for seed, s in enumerate(scores))
    return Arm(runs, len(accuracies))


def verdict(claim: str, **arms: Arm) -> Finding:
    return TRIALS[claim]({name.replace("_", " "): arm for name, arm in arms.items()})


def test_every_claim_has_a_trial_that_is_undecided_without_runs() -> None:
    assert list(TRIALS) == [f"C{number}" for number in range(1, 11)]
    for trial in TRIALS.values():
        finding = trial({"arm": Arm((), 5)})
        assert (finding.verdict, finding.n) == ("undecided", 0)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ([1, 1], "holds"),
        ([1, 0], "undecided"),
        ([1, None], "undecided"),
        ([0], "undecided"),
        ([1, -1], "fails"),
        ([None, -1], "fails"),
        ([], "undecided"),
    ],
)
def test_all_comparisons_must_agree(signs: list[int | None], expected: Decision) -> None:
    assert decide(signs) == expected


def collapsed(count: int) -> Arm:
    """Five generators, `count` of them collapsed, with the same distances."""
    arm = drawing(near(50.0))
    for made in arm.runs[:count]:
        made.scores["metrics"]["diversity"] = 0.05
        made.__dict__["events"] = []
    for made in arm.runs[count:]:
        made.__dict__["events"] = []
    return arm


def test_c1_counts_unstable_runs() -> None:
    # Fisher's exact test, two-sided: 5 of 5 against 0 of 5 has p = 2 / 252.
    assert verdict("C1", **{"with": collapsed(0), "without": collapsed(5)}).verdict == "holds"
    assert verdict("C1", **{"with": collapsed(5), "without": collapsed(0)}).verdict == "fails"
    # 3 of 5 against 0 of 5: p = 0.17.
    finding = verdict("C1", **{"with": collapsed(0), "without": collapsed(3)})
    assert finding.verdict == "undecided"
    assert "in 0 of 5 runs with it and 3 of 5 without" in finding.evidence


def test_c1_counts_runs_that_gave_up() -> None:
    dead = Arm((), 5, gave_up=5)
    assert verdict("C1", **{"with": collapsed(0), "without": dead}).verdict == "holds"


def test_c1_compares_spreads() -> None:
    wild = collapsed(0)
    for made, distance in zip(wild.runs, (10.0, 150.0, 40.0, 90.0, 60.0), strict=True):
        made.scores["metrics"]["frechet"] = distance
    assert verdict("C1", **{"with": collapsed(0), "without": wild}).verdict == "holds"
    assert verdict("C1", **{"with": wild, "without": collapsed(0)}).verdict == "fails"


def test_an_alarm_or_a_collapse_makes_a_run_unstable() -> None:
    quiet, loud, flat = collapsed(0).runs[0], collapsed(0).runs[0], collapsed(1).runs[0]
    loud.__dict__["events"] = [{"step": 3, "kind": "alarm", "what": "x"}]
    assert [unstable(made) for made in (quiet, loud, flat)] == [False, True, True]


def test_c2_compares_the_claimed_form_with_the_usual_one() -> None:
    arms = {"bias, no batch norm": drawing(near(40)), "no bias, batch norm": drawing(near(60, -1))}
    finding = TRIALS["C2"](arms)
    assert (finding.verdict, finding.n) == ("holds", 5)
    assert "bias, no batch norm less no bias, batch norm: -20.00 [" in finding.evidence
    assert list(finding.scores) == [EXTRACTOR["frechet"]]
    arms = dict(zip(arms, reversed(arms.values()), strict=True))
    assert TRIALS["C2"](arms).verdict == "fails"


def test_c3_needs_both_comparisons() -> None:
    weak, same, strong = drawing(near(40)), drawing(near(60, -1)), drawing(near(80, -1))
    assert verdict("C3", half=weak, equal=same, double=strong).verdict == "holds"
    assert verdict("C3", half=weak, equal=same).verdict == "undecided"
    assert verdict("C3", half=same, equal=weak, double=strong).verdict == "fails"
    noisy = drawing([39.0, 41.5, 40.2, 38.0, 42.0])
    assert verdict("C3", half=weak, equal=noisy, double=strong).verdict == "undecided"


def falling(until: int, level: float) -> Log:
    """Losses of 100 rows that fall to `level` until row `until`, and stay."""
    step = np.arange(1, 101)
    loss = level + np.clip(1 - step / until, 0, None) * 5
    losses = {"generator": loss, "discriminator": loss}
    return Log(step, step * 8, losses, {}, {}, {})


def settling(rows: Sequence[int], level: float) -> Arm:
    scores: dict[str, Any] = {"metrics": {}}
    runs = [run(seed, scores, log=falling(until, level)) for seed, until in enumerate(rows)]
    return Arm(tuple(runs), len(runs))


def test_c4_needs_sooner_and_near_one() -> None:
    slow = settling([80, 82, 78, 81, 79], 0.7)
    soon = [30, 31, 29, 32, 28]
    assert settled(slow.runs[0]) == pytest.approx(0.78, abs=0.03)
    assert verdict("C4", DCGAN=slow, ACGAN=settling(soon, 1.1)).verdict == "holds"
    assert verdict("C4", DCGAN=slow, ACGAN=settling(soon, 2.0)).verdict == "fails"
    assert verdict("C4", DCGAN=settling(soon, 1.0), ACGAN=slow).verdict == "fails"
    finding = verdict("C4", DCGAN=slow, ACGAN=settling(soon, 1.1))
    assert "1.10 ± 0.00 (generator), 1.10 ± 0.00 (discriminator)" in finding.evidence


def test_c5_orders_the_three_sets() -> None:
    arms = {
        "Smiling": drawing(near(50), attribute_accuracy=0.9),
        "Smiling,Male": drawing(near(40, -1), attribute_accuracy=0.8),
        "all": drawing(near(90, 2), attribute_accuracy=0.7),
    }
    finding = TRIALS["C5"](arms)
    assert finding.verdict == "holds"
    assert "Smiling 90.0 %, Smiling,Male 80.0 %, all 70.0 %" in finding.evidence
    assert TRIALS["C5"](arms | {"all": drawing(near(30, 2))}).verdict == "fails"


def test_c6_compares_the_spread_with_the_draw_of_test_images() -> None:
    # 1,000 images at 50 %: sd 1.6 points by chance alone.
    assert verdict("C6", DANN=adapting([0.4, 0.5, 0.6])).verdict == "holds"
    finding = verdict("C6", DANN=adapting([0.495, 0.5, 0.505]), DCGAN=drawing(near(50)))
    assert finding.verdict == "undecided"
    assert "DANN's accuracy 50.0 ± 0.5 %" in finding.evidence


def test_c6_tells_whether_a_repeated_seed_agrees() -> None:
    first = adapting([0.4, 0.5, 0.6])
    for accuracy, words in ((0.4, "in 1 of 1"), (0.41, "in 0 of 1")):
        again = adapting([accuracy])
        assert words in verdict("C6", DANN=first, again=again).evidence
    assert "No seed was run twice" in verdict("C6", DANN=first).evidence


def both_ways(there: float, back: float, count: int = 3) -> dict[str, Arm]:
    """Source only 0.4, target only 0.9, and adapted as given, there and back."""
    levels = {"source-only": 0.4, "target-only": 0.9}
    arms = {}
    for way, middle in (("there", there), ("back", back)):
        for scenario in ("source-only", "adapted", "target-only"):
            level = levels.get(scenario, middle)
            arms[f"{way}, {scenario}"] = adapting(near(level, 0.1, count))
    return arms


def test_c7_compares_the_shares_of_the_gap() -> None:
    finding = TRIALS["C7"](both_ways(0.5, 0.7))
    assert (finding.verdict, finding.n) == ("holds", 3)
    assert "closes 20.0 % (n = 3)" in finding.evidence
    assert "the second less the first +40.00 points" in finding.evidence
    assert TRIALS["C7"](both_ways(0.7, 0.5)).verdict == "fails"
    assert TRIALS["C7"](both_ways(0.5, 0.7, count=2)).verdict == "undecided"


def test_c8_needs_each_loss_and_the_gain_over_dann() -> None:
    worse, best = adapting(near(0.5, -0.1)), adapting(near(0.6, 0.1))
    arms = {"without reconstruction": worse, "without difference": worse, "DANN": worse}
    assert TRIALS["C8"]({"DSN": best, **arms}).verdict == "holds"
    assert TRIALS["C8"]({"DSN": best, **arms, "DANN": best}).verdict == "undecided"
    assert TRIALS["C8"]({"DSN": best, "DANN": worse}).verdict == "undecided"
    assert TRIALS["C8"]({"DSN": worse, **arms, "DANN": best}).verdict == "fails"


@pytest.mark.parametrize(
    ("claim", "better", "worse"), [("C9", "x1", "x4"), ("C10", "resnet18", "small")]
)
def test_c9_and_c10_compare_two_arms(claim: str, better: str, worse: str) -> None:
    high, low = adapting(near(0.6, 0.1)), adapting(near(0.5, -0.1))

    def held(a: Arm, b: Arm) -> Decision:
        return TRIALS[claim]({better: a, worse: b}).verdict

    assert (held(high, low), held(low, high), held(high, high)) == ("holds", "fails", "undecided")
