import json
from pathlib import Path
from typing import Any

import pytest

from sparring.report.collect import collect
from sparring.report2019.claims.trials import Finding
from sparring.report2019.claims.verdicts import judge
from sparring.report2019.published import TABLES
from sparring.report2019.sections import build
from sparring.runs.records import SCENARIOS, Judging, Length, Use
from tests.report.maker import Maker

WAYS = ("mnist-m", "meter-digits"), ("meter-digits", "mnist-m")
ACCURACY = {
    ("dann", WAYS[0]): (0.40, 0.50, 0.80),
    ("dann", WAYS[1]): (0.50, 0.80, 0.90),
    ("dsn", WAYS[0]): (0.38, 0.55, 0.81),
    ("dsn", WAYS[1]): (0.48, 0.82, 0.90),
}


def uses(digits: str) -> list[Use]:
    """The plan's data: `digits` serve for SVHN."""
    return [
        Use(asked="celeba", used="faces", kind="stand-in", why="celeba is not there"),
        Use(asked="mnist-m", used="mnist-m", kind="real", why="found"),
        Use(asked="svhn", used=digits, kind="real", why="found"),
    ]


def reproduce(
    out: Path,
    seeds: int,
    digits: str = "meter-digits",
    methods: tuple[str, ...] = ("dann", "dsn"),
    smiling: int = 600,
) -> Path:
    """A reproduction in which `digits` serve for SVHN: whole, or of one of the two methods.

    smiling: steps of the ACGAN on Smiling; all others have 600.
    """
    maker = Maker(out)
    for seed in range(seeds):
        if len(methods) == 2:
            judging = Judging(extractor="own", steps=600, images=5000)  # compared: all 500
            maker.generator("dcgan", seed=seed, judging=judging)
            for labels in (("Smiling",), ("Smiling", "Male"), tuple("abcdefgh")):
                steps = smiling if labels == ("Smiling",) else 600
                length = Length(steps=steps, batch_size=128, precision="float32")
                maker.generator("acgan", labels, seed=seed, judging=judging, training=length)
        for (method, sets), accuracies in ACCURACY.items():
            if method not in methods:
                continue
            named = tuple(digits if name == "meter-digits" else name for name in sets)
            for scenario, accuracy in zip(SCENARIOS, accuracies, strict=True):
                scores = {"accuracy": accuracy + 0.001 * seed}
                maker.classifier(method, scenario, sets=named, seed=seed, scores=scores)
    return maker.plan(purpose="reproduction", uses=uses(digits))


def arms_of_c10(out: Path) -> Path:
    """Three seeds of two arms of C10, as `sparring claims` leaves them."""
    maker = Maker(out)
    names: dict[str, list[str]] = {}
    for arm, accuracy in {"": 0.6, "small-encoder": 0.5}.items():
        for seed in range(3):
            scores = {"accuracy": accuracy + 0.001 * seed}
            folder = maker.classifier(
                "dann", "adapted", sets=WAYS[0], seed=seed, scores=scores, arm=arm
            )
            names.setdefault("small" if arm else "resnet18", []).append(folder.name)
    return maker.plan(
        purpose="claims", budget="small", uses=uses("meter-digits"), experiments={"C10": names}
    )


def verdicts(out: Path) -> dict[str, Finding]:
    return judge(collect(out))


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text())
    return found


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reproduction with three seeds, and its page."""
    out = reproduce(tmp_path_factory.mktemp("three"), 3)
    build(out)
    return out


def test_one_seed_decides_nothing(tmp_path: Path) -> None:
    found = verdicts(reproduce(tmp_path, 1))
    assert list(found) == [f"C{i}" for i in range(1, 11)]
    assert {v.verdict for v in found.values()} == {"undecided"}
    assert {id for id, v in found.items() if v.n} == {"C4", "C5", "C6", "C7", "C8"}
    assert found["C1"].evidence == "No experiment for this claim in these runs."


def test_evidence_states_the_numbers_and_what_they_are_of(three: Path) -> None:
    found = verdicts(three)
    closed = "Meter-digits → mnist-m closes 75.00 ± 0.00 % of the gap; mnist-m → meter-digits"
    assert closed in found["C7"].evidence
    assert "DSN less DANN: +5.00 points" in found["C8"].evidence
    assert "DSN less without difference: not run" in found["C8"].evidence
    assert (
        found["C8"].on == "Budget quick: 600 steps of 128. Data: mnist-m, meter-digits (not svhn)."
    )
    assert "Fréchet distances on features of convnet, over 500 images." in found["C5"].on
    assert "biased upwards" in found["C5"].on


def test_attributes_are_not_compared_with_fewer_ones_that_were_trained_for_longer(
    three: Path, tmp_path: Path
) -> None:
    alike = verdicts(three)["C5"]
    assert "Smiling less all: +0.00" in alike.evidence
    found = verdicts(reproduce(tmp_path, 3, smiling=2000))["C5"]
    assert found.evidence == (
        "Smiling less all: not run; Smiling,Male less all: +0.00 [+0.00, +0.00] (n = 3), "
        "p = 1 after Holm; Smiling,Male less Smiling: not run. "
        "attributes as asked: no run."
    )
    assert "600 steps of 128." in found.on
    assert "2,000" not in found.on


def test_a_claim_about_named_sets_is_decided_on_these_alone(three: Path, tmp_path: Path) -> None:
    found = verdicts(three)["C7"]
    assert found.verdict == "undecided"
    assert "The claim is about the sets that it names, not about these." in found.evidence
    finding = verdicts(reproduce(tmp_path / "svhn", 3, "svhn"))["C7"]
    assert (finding.verdict, finding.n) == ("holds", 3)
    finding = verdicts(reproduce(tmp_path / "two", 2, "svhn"))["C7"]
    assert (finding.verdict, finding.n) == ("undecided", 2)


def test_printed_numbers_stand_beside_ours_and_say_whether_the_data_are_the_same(
    three: Path, tmp_path: Path
) -> None:
    entries = results(three)["source_report"]
    assert [(e["source"], e["target"]) for e in entries] == 2 * [
        ("mnist-m", "svhn"),
        ("svhn", "mnist-m"),
    ]
    assert entries[0]["adapted"] == TABLES["dann", "mnist-m", "svhn"].adapted == 0.4795
    assert entries[0]["gap_closed"] == pytest.approx((0.4795 - 0.4227) / (0.9262 - 0.4227))
    assert {e["same_data"] for e in entries} == {False}
    page = (three / "report.html").read_text()
    assert "47.95" in page
    assert "to be seen, not to be compared" in page
    assert "n = 2" in page  # where the weight of DANN's reversed gradient comes from
    out = reproduce(tmp_path, 1, "svhn", ("dann",))
    build(out)
    assert {e["same_data"] for e in results(out)["source_report"]} == {True}
    assert "to be seen, not to be compared" not in (out / "report.html").read_text()


def test_each_claim_states_its_test(three: Path) -> None:
    claims = {claim["id"]: claim for claim in results(three)["claims"]}
    assert len(claims) == 10
    assert claims["C1"]["test"] == "Fisher's exact test"
    assert claims["C3"]["compared"].startswith("discriminator of half the width")
    page = (three / "report.html").read_text()
    assert "corrected for their number by Holm's method" in page
    assert "At alpha = 0.05" in page


def test_an_experiment_decides_in_its_own_page_and_in_the_reproductions(tmp_path: Path) -> None:
    reproduce(tmp_path, 1, methods=("dann",))
    arms_of_c10(tmp_path / "claims")
    for out in (tmp_path / "claims", tmp_path):
        verdict = verdicts(out)["C10"]
        others = {v.n for id, v in verdicts(out).items() if id != "C10"}
        assert others == ({0} if out.name == "claims" else {0, 1})  # other arms test no claim
        assert (verdict.verdict, verdict.n) == ("holds", 3)
        assert "Resnet18 less small: +10.00 points" in verdict.evidence
        assert "Budget small: 600 steps of 128. Data: mnist-m, meter-digits" in verdict.on
        page = build(out).read_text()
        assert 'id="claim-C10"' in page
        (claim,) = [c for c in results(out)["claims"] if c["id"] == "C10"]
        assert claim["verdict"] == "holds"
        scores = claim["scores"]["accuracy on the target's test images"]
        assert scores["small"]["runs"] == [0.5, 0.501, 0.502]
    page = (tmp_path / "claims/report.html").read_text()
    assert "Experiments on what the source report of February 2019 observed: C10." in page
    assert "source_report" not in results(tmp_path / "claims")  # arms reproduce no table
