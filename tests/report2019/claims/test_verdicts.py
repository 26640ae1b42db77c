import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparring.report.collect import collect
from sparring.report.groups import adaptations, generations
from sparring.report.page import build
from sparring.report2019.claims.verdicts import Evidence, Verdict, judge
from tests.report.conftest import DATA, Maker

REAL = [
    {"asked": name, "used": name, "kind": "real", "why": "found"}
    for name in ("toy-faces", "mnist-m", "svhn")
]
FACES = {**REAL[0], "kind": "stand-in", "asked": "celeba"}


def verdicts(out: Path) -> dict[str, Verdict]:
    rep = collect(out)
    found = judge(Evidence(rep, generations(rep.runs), adaptations(rep.runs)))
    return {verdict.claim.id: verdict for verdict in found}


def test_one_seed_decides_nothing(built: Path) -> None:
    found = verdicts(built)
    assert list(found) == [f"C{i}" for i in range(1, 11)]
    assert {v.verdict for v in found.values()} == {"undecided"}
    assert {id for id, v in found.items() if v.n} == {"C4", "C5", "C6", "C7", "C8"} - {"C5"}
    assert found["C1"].evidence == "No experiment for this claim in these runs."


def test_evidence_states_the_numbers_and_what_they_are_of(built: Path) -> None:
    found = verdicts(built)
    assert "ACGAN less DCGAN: -0.48 (n = 1)" in found["C4"].evidence
    assert "1.00 (discriminator), 1.20 (generator)" in found["C4"].evidence
    assert "mnist-m → meter-digits closes 25.0 % (n = 1)" in found["C7"].evidence
    assert "DSN less DANN: +5.00 points (n = 1)" in found["C8"].evidence
    assert "Budget quick: 600 steps of 128. Data: mnist-m, meter-digits (not svhn)." in (
        found["C8"].evidence
    )
    assert "toy-faces (stand-in for celeba)" in found["C4"].evidence


def test_three_clear_seeds_decide(reproduce: Callable[..., Any], tmp_path: Path) -> None:
    reproduce(tmp_path, (0, 1, 2), "quick", [FACES, *REAL[1:]], ("mnist-m", "svhn"))
    found = verdicts(tmp_path)
    assert (found["C7"].verdict, found["C7"].n) == ("holds", 3)
    assert found["C4"].verdict == "holds"
    assert found["C8"].verdict == "undecided"  # DSN without either loss was not run


def test_two_seeds_do_not(reproduce: Callable[..., Any], tmp_path: Path) -> None:
    reproduce(tmp_path, (0, 1), "quick", [FACES, *REAL[1:]], ("mnist-m", "svhn"))
    assert verdicts(tmp_path)["C7"].verdict == "undecided"


def test_a_claim_about_named_sets_is_not_decided_on_others(
    reproduce: Callable[..., Any], tmp_path: Path
) -> None:
    reproduce(tmp_path, (0, 1, 2))
    finding = verdicts(tmp_path)["C7"]
    assert finding.verdict == "undecided"
    assert "The claim is about the sets that it names, not about these." in finding.evidence


def experiment(out: Path) -> None:
    """Three seeds of two arms of C10, as `sparring claims` leaves them; one arm has a loss."""
    maker = Maker(out, (0, 1, 2), "small", DATA)
    arms = {"resnet18": 0.6, "small": 0.5}
    names: dict[str, list[str]] = {arm: [] for arm in arms}
    for seed in maker.seeds:
        for arm, accuracy in arms.items():
            name = f"dann-{arm}-{seed}"
            config = {
                **{"method": "dann", "scenario": "adapted", "seed": seed},
                **{"source": "mnist-m", "target": "meter-digits"},
            }
            maker.run(name, config, {"kind": "adaptation", "accuracy": accuracy + 0.001 * seed})
            names[arm].append(name)
    maker.experiments = {"C10": names}
    maker.plan()


def test_an_experiment_decides_in_its_own_page_and_in_the_reproductions(
    reproduce: Callable[..., Any], tmp_path: Path
) -> None:
    reproduce(tmp_path)
    experiment(tmp_path / "claims")
    for out in (tmp_path / "claims", tmp_path):
        finding = verdicts(out)["C10"]
        assert (finding.verdict, finding.n) == ("holds", 3)
        assert "resnet18 less small: +10.00 points [+10.00, +10.00] (n = 3)" in finding.evidence
        assert "Budget small: 600 steps of 128. Data: mnist-m, meter-digits" in finding.evidence
        page = build(out).read_text()
        assert "claim-C10" in page
        (claim,) = [
            c for c in json.loads((out / "results.json").read_text())["claims"] if c["id"] == "C10"
        ]
        assert claim["verdict"] == "holds"
        assert claim["scores"]["adapted accuracy"]["small"]["runs"] == [0.5, 0.501, 0.502]
    page = (tmp_path / "claims/report.html").read_text()
    assert "Experiments on what the source report of February 2019 observed: C10." in page
    assert 'id="dann"' not in page  # arms are no reproduction of DANN
