"""Every claim, on arms made by hand: one that it must call held, one failed, one undecided."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sparring.divergence import Event
from sparring.metrics import statistics
from sparring.metrics.calibration import AccuracyEstimates
from sparring.report.collect import Arm
from sparring.report2019.claims.comparisons import Comparison, Decision, decide
from sparring.report2019.claims.trials import TRIALS, Finding, settled, unstable
from sparring.runs.folder import Run
from sparring.runs.records import Config, Data, Events, Length, LogRow
from sparring.runs.scores import ClassifierScores, GeneratorScores, Scores

WOBBLE = (0.0, 0.01, -0.01, 0.02, -0.02)
"""What makes the seeds differ."""


def run(seed: int, scores: Scores, method: str, rows: Sequence[LogRow] = ()) -> Run:
    made = Run(Path("nowhere"))
    data = {
        role: Data(name=name, kind="real", train=9, test=9, labelled=True, fingerprint="x")
        for role, name in (("source", "left"), ("target", "right"))
    }
    config = Config(
        method=method,
        preset="report2019",
        scenario="generation" if isinstance(scores, GeneratorScores) else "adapted",
        seed=seed,
        settings={},
        training=Length(steps=100, batch_size=8, precision="float32"),
        data=data,
        size=32,
        label_kind="none",
        label_names=(),
    )
    made.__dict__.update(config=config, scores=scores, events=Events(), rows=lambda: list(rows))
    return made


def armed(runs: Sequence[Run]) -> Arm:
    return Arm(tuple(runs))


def drawing(distances: Sequence[float], **metrics: float) -> Arm:
    """Generators with these Fréchet distances."""
    numbers = {"diversity": 0.9, **metrics}
    scores = [GeneratorScores(metrics={"frechet": d, **numbers}) for d in distances]
    return armed([run(seed, one, "dcgan") for seed, one in enumerate(scores)])


def near(level: float, scale: float = 1.0, count: int = 5) -> list[float]:
    return [level + scale * w for w in WOBBLE[:count]]


def adapting(accuracies: Sequence[float]) -> Arm:
    scores = [
        ClassifierScores(
            accuracy=accuracy,
            source_accuracy=0.9,
            test_images=1000,
            predicted_shares=(),
            estimated=AccuracyEstimates(*[0.5] * len(AccuracyEstimates.__annotations__)),
            temperature=1.0,
        )
        for accuracy in accuracies
    ]
    return armed([run(seed, one, "dann") for seed, one in enumerate(scores)])


def verdict(claim: str, **arms: Arm) -> Finding:
    return TRIALS[claim].judge(arms)


def test_every_claim_has_a_trial_that_is_undecided_without_runs() -> None:
    assert list(TRIALS) == [f"C{number}" for number in range(1, 11)]
    for trial in TRIALS.values():
        finding = trial.judge({"arm": Arm(())})
        assert (finding.verdict, finding.n) == ("undecided", 0)
        assert trial.compared
        assert trial.score
        assert trial.test


@pytest.mark.parametrize(
    ("found", "expected", "corrected"),
    [
        ([(0.01, True)], "holds", [0.01]),
        ([(0.01, False)], "fails", [0.01]),
        ([(0.06, True)], "undecided", [0.06]),
        ([(None, True)], "undecided", [1.0]),
        # By hand: 3 x 0.02, then 2 x 0.03, then 0.04, none below one before it.
        ([(0.02, False), (0.03, True), (0.04, True)], "undecided", [0.06, 0.06, 0.06]),
        ([(0.01, False), (0.03, True), (0.04, True)], "fails", [0.03, 0.06, 0.06]),
        ([(0.01, True), (0.02, True), (0.04, True)], "holds", [0.03, 0.04, 0.04]),
        ([(0.01, True), (0.02, True), (0.06, True)], "undecided", [0.03, 0.04, 0.06]),
        ([(0.02, True), (None, False)], "undecided", [0.04, 1.0]),
    ],
)
def test_all_comparisons_must_agree_after_holms_correction(
    found: list[tuple[float | None, bool]], expected: Decision, corrected: list[float]
) -> None:
    comparisons = [Comparison("", 3, p, as_claimed) for p, as_claimed in found]
    verdict, ps = decide(comparisons)
    assert verdict == expected
    assert ps == pytest.approx(corrected)


def test_where_nothing_differs_few_verdicts_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the null at most one claim in twenty is decided, whatever its comparisons are."""
    monkeypatch.setattr(statistics, "bootstrap_interval", lambda values: None)  # decides nothing
    random = np.random.default_rng(0)
    trials = 1000

    def decided(claim: str, *names: str) -> float:
        drawn = ({name: drawing(random.normal(50, 5, 5)) for name in names} for _ in range(trials))
        verdicts = [TRIALS[claim].judge(arms).verdict for arms in drawn]
        return sum(verdict != "undecided" for verdict in verdicts) / trials

    # Of 1,000, 5 % have a standard error of 0.7 %. C5 "fails" where one of three comparisons is
    # reversed: in 2.5 % at most; without correction, in 6 to 7 %.
    assert decided("C5", "Smiling", "Smiling,Male", "all") < 0.04
    assert 0.03 < decided("C2", "bias, no batch norm", "no bias, batch norm") < 0.07


def collapsed(count: int) -> Arm:
    """Five generators, `count` of them collapsed, with the same distances."""
    arm = drawing(near(50.0))
    for made in arm.runs[:count]:
        made.scores.metrics["diversity"] = 0.05
    return arm


def test_c1_counts_unstable_runs() -> None:
    # Fisher's exact test, two-sided: 5 of 5 against 0 of 5 has p = 2 / 252.
    finding = verdict("C1", **{"with": collapsed(0), "without": collapsed(5)})
    assert finding.verdict == "holds"
    assert "p = 0.0079" in finding.evidence
    assert verdict("C1", **{"with": collapsed(5), "without": collapsed(0)}).verdict == "fails"
    # 3 of 5 against 0 of 5: p = 0.17.
    finding = verdict("C1", **{"with": collapsed(0), "without": collapsed(3)})
    assert finding.verdict == "undecided"
    assert "0 of 5 runs with it, 3 of 5 without" in finding.evidence


def test_c1_counts_runs_that_gave_up() -> None:
    dead = Arm((), gave_up=5)
    assert verdict("C1", **{"with": collapsed(0), "without": dead}).verdict == "holds"


def test_c1_has_one_test_and_shows_the_distances_beside_it() -> None:
    wild = collapsed(0)
    for made, distance in zip(wild.runs, (10.0, 150.0, 40.0, 90.0, 60.0), strict=True):
        made.scores.metrics["frechet"] = distance
    finding = verdict("C1", **{"with": collapsed(0), "without": wild})
    assert finding.verdict == "undecided"  # a wider spread alone decides nothing
    assert "50.00 ± 0.02 with, 70.00 ± 53.39 without" in finding.evidence


def test_an_alarm_or_a_collapse_makes_a_run_unstable() -> None:
    quiet, loud, flat = collapsed(0).runs[0], collapsed(0).runs[0], collapsed(1).runs[0]
    rang = Events((Event(step=3, kind="alarm", what="x"),))
    loud.__class__ = type("Loud", (type(loud),), {"events": property(lambda self: rang)})
    assert [unstable(made) for made in (quiet, loud, flat)] == [False, True, True]


def test_c2_compares_the_claimed_form_with_the_usual_one() -> None:
    arms = {"bias, no batch norm": drawing(near(40)), "no bias, batch norm": drawing(near(60, -1))}
    finding = TRIALS["C2"].judge(arms)
    assert (finding.verdict, finding.n) == ("holds", 5)
    assert "Bias, no batch norm less no bias, batch norm: -20.00 [" in finding.evidence
    assert list(finding.scores) == ["Fréchet distance to real images"]
    arms = dict(zip(arms, reversed(arms.values()), strict=True))
    assert TRIALS["C2"].judge(arms).verdict == "fails"


def test_c3_needs_both_comparisons() -> None:
    weak, same, strong = drawing(near(40)), drawing(near(60, -1)), drawing(near(80, -1))
    assert verdict("C3", half=weak, equal=same, double=strong).verdict == "holds"
    assert verdict("C3", half=weak, equal=same).verdict == "undecided"
    assert verdict("C3", half=same, equal=weak, double=strong).verdict == "fails"
    noisy = drawing([39.0, 41.5, 40.2, 38.0, 42.0])
    assert verdict("C3", half=weak, equal=noisy, double=strong).verdict == "undecided"


def test_one_reversal_among_several_comparisons_must_stand_the_correction() -> None:
    # half less equal: mean 1, sd 0.791, t = 2.83 with 4 degrees of freedom: p = 0.047, reversed;
    # uncorrected, the claim would fail.
    half = drawing([11.0, 11.0, 10.0, 12.0, 11.0])
    equal = drawing([10.0, 11.0, 9.0, 10.0, 10.0])
    finding = verdict("C3", half=half, equal=equal, double=drawing([12.0, 9.5, 10.0, 13.0, 11.0]))
    assert finding.verdict == "undecided"
    assert "Half less equal: +1.00" in finding.evidence


def falling(until: int, level: float) -> list[LogRow]:
    """100 rows of losses that fall to `level` until row `until`, and stay."""
    step = np.arange(1, 101)
    loss = level + np.clip(1 - step / until, 0, None) * 5
    return [
        LogRow(step=int(s), images=8, seconds=0.0, losses={"generator": x, "discriminator": x})
        for s, x in zip(step, loss.tolist(), strict=True)
    ]


def settling(rows: Sequence[int], levels: Sequence[float]) -> Arm:
    logs = [falling(until, level) for until, level in zip(rows, levels, strict=True)]
    empty = GeneratorScores(metrics={})
    return armed([run(seed, empty, "acgan", log) for seed, log in enumerate(logs)])


def test_c4_needs_sooner_and_near_one() -> None:
    slow = settling([80, 82, 78, 81, 79], [0.7] * 5)
    soon, late = [30, 31, 29, 32, 28], [80, 82, 78, 81, 79]
    assert settled(slow.runs[0]) == pytest.approx(0.78, abs=0.03)
    assert verdict("C4", DCGAN=slow, ACGAN=settling(soon, near(1.1))).verdict == "holds"
    assert verdict("C4", DCGAN=slow, ACGAN=settling(soon, near(2.0))).verdict == "fails"
    assert (
        verdict("C4", DCGAN=settling(soon, near(1)), ACGAN=settling(late, near(1))).verdict
        == "fails"
    )
    unsure = settling(soon, [1.0, 1.2, 1.5, 1.0, 1.4])
    finding = verdict("C4", DCGAN=slow, ACGAN=unsure)
    assert finding.verdict == "undecided"
    assert "the generator's loss ends at 1.22 ± 0.23" in finding.evidence


def test_c5_orders_the_three_sets() -> None:
    arms = {
        "Smiling": drawing(near(50), attribute_accuracy=0.9),
        "Smiling,Male": drawing(near(40, -1), attribute_accuracy=0.8),
        "all": drawing(near(90, 2), attribute_accuracy=0.7),
    }
    finding = TRIALS["C5"].judge(arms)
    assert finding.verdict == "holds"
    assert (
        "attributes as asked: 0.90 ± 0.00 Smiling, 0.80 ± 0.00 Smiling,Male, 0.70 ± 0.00 all"
        in finding.evidence
    )
    assert TRIALS["C5"].judge(arms | {"all": drawing(near(30, 2))}).verdict == "fails"


def test_c6_compares_the_spread_with_the_draw_of_test_images() -> None:
    # 1,000 images at 50 %: sd 1.6 points by chance alone.
    assert verdict("C6", DANN=adapting([0.4, 0.5, 0.6])).verdict == "holds"
    finding = verdict("C6", DANN=adapting([0.495, 0.5, 0.505]), DCGAN=drawing(near(50)))
    assert finding.verdict == "undecided"
    assert "DANN's accuracy 50.00 ± 0.50 %" in finding.evidence


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
    finding = TRIALS["C7"].judge(both_ways(0.5, 0.7))
    assert (finding.verdict, finding.n) == ("holds", 3)
    assert "closes 20.00 ± 0.00 % of the gap; difference: +40.00 points" in finding.evidence
    assert TRIALS["C7"].judge(both_ways(0.7, 0.5)).verdict == "fails"
    assert TRIALS["C7"].judge(both_ways(0.5, 0.7, count=2)).verdict == "undecided"


def test_c8_needs_each_loss_and_the_gain_over_dann() -> None:
    worse, best = adapting(near(0.5, -0.1)), adapting(near(0.6, 0.1))
    arms = {"without reconstruction": worse, "without difference": worse, "DANN": worse}
    assert TRIALS["C8"].judge({"DSN": best, **arms}).verdict == "holds"
    assert TRIALS["C8"].judge({"DSN": best, **arms, "DANN": best}).verdict == "undecided"
    assert TRIALS["C8"].judge({"DSN": best, "DANN": worse}).verdict == "undecided"
    assert TRIALS["C8"].judge({"DSN": worse, **arms, "DANN": best}).verdict == "fails"


@pytest.mark.parametrize(
    ("claim", "better", "worse"), [("C9", "x1", "x4"), ("C10", "resnet18", "small")]
)
def test_c9_and_c10_compare_two_arms(claim: str, better: str, worse: str) -> None:
    high, low = adapting(near(0.6, 0.1)), adapting(near(0.5, -0.1))

    def held(a: Arm, b: Arm) -> Decision:
        return TRIALS[claim].judge({better: a, worse: b}).verdict

    assert (held(high, low), held(low, high), held(high, high)) == ("holds", "fails", "undecided")
