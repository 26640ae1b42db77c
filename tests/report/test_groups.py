from pathlib import Path

import pytest

from sparring.report.collect import collect
from sparring.report.groups import Adaptation, adaptations, compared, generations
from tests.report.maker import SCENARIOS, Maker


def group(maker: Maker) -> Adaptation:
    (found,) = adaptations(collect(maker.plan()).runs)
    return found


def test_gap_closed_is_the_share_of_the_way(maker: Maker) -> None:
    for scenario in SCENARIOS:
        maker.classifier("dann", scenario)
    found = group(maker)
    # (0.50 - 0.40) / (0.80 - 0.40)
    assert found.gap_closed.summary.mean == pytest.approx(0.25)
    assert found.gain.summary.mean == pytest.approx(0.1)
    assert found.over("adapted", lambda scores: scores.mixing).mean == 0.4
    assert found.title == "DANN"


def test_gaps_are_paired_by_seed(maker: Maker) -> None:
    for seed in (3, 1, 2):
        for scenario in SCENARIOS:
            if (scenario, seed) not in {("target-only", 2), ("adapted", 1)}:
                maker.classifier("dann", scenario, seed=seed)
    found = group(maker)
    assert [run.config.seed for run in found.of("source-only")] == [1, 2, 3]
    assert list(found.gap_by_seed) == [3]
    assert found.over("adapted").runs == pytest.approx((0.52, 0.53))
    assert found.over("adapted").sd == pytest.approx(0.01 / 2**0.5)
    assert [twin.config.seed for twin, _ in found.twins] == [2, 3]


def test_a_target_without_labels_has_no_accuracy(maker: Maker) -> None:
    maker.classifier("dann", "source-only", labelled=False)
    maker.classifier("dann", labelled=False)
    found = group(maker)
    assert not found.labelled
    assert found.over("adapted").n == found.gain.summary.n == 0


def test_no_two_groups_share_a_key(maker: Maker) -> None:
    """Sets of more than three labels were all called `all`."""
    many = tuple(f"a{k}" for k in range(5))
    for labels in ((), many, many[::-1], ("a+b",), ("a", "b"), ("a,b",)):
        maker.generator("acgan", labels)
    maker.generator("acgan", many, preset="modern")
    maker.generator("acgan", many, arm="wide")
    maker.generator("acgan", arm="a")
    maker.generator("acgan", ("a",))
    maker.generator("acgan", data={"images": maker.data("other")})
    for sets in (("a,b", "c"), ("a", "b,c"), ("a", "b")):
        maker.classifier("dann", sets=sets)
        maker.classifier("dann", sets=sets, preset="modern")
    runs = collect(maker.plan()).runs
    groups = [*generations(runs), *adaptations(runs)]
    assert len(groups) == len({one.key for one in groups}) == 17
    assert groups[0].key == "acgan,report2019,faces"
    assert groups[4].key == "acgan,report2019,faces,a+b"
    assert groups[1].title == "ACGAN on 5 attributes"
    assert groups[7].title == "ACGAN on 5 attributes, wide"


def test_seeds_are_one_group_and_settings_apart_are_not(maker: Maker) -> None:
    for seed in (1, 0):
        maker.generator("dcgan", seed=seed)
    maker.generator("dcgan", arm="without")
    groups = generations(collect(maker.plan()).runs)
    assert [[run.config.seed for run in one.runs] for one in groups] == [[0, 1], [0]]
    assert groups[0].metrics["diversity"].runs == (0.93, 0.93)
    assert "memorised" not in groups[0].metrics
    assert groups[0].compared == 500


def test_methods_on_one_pair_are_compared_by_seed(built: Path) -> None:
    (found,) = compared(adaptations(collect(built).runs))
    assert (found.later.method, found.former.method) == ("dsn", "dann")
    # 0.50 - 0.50, 0.51 - 0.51, 0.52 - 0.35
    assert found.difference.summary.runs == pytest.approx((0.0, 0.0, 0.17))
