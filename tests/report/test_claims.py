from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparring.report.claims import Evidence, Verdict, judge
from sparring.report.collect import collect
from sparring.report.groups import adaptations, generations

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
    assert {id for id, v in found.items() if v.n} == {"C4", "C5", "C7", "C8"}
    assert found["C1"].evidence == "No experiment for this claim in these runs."


def test_evidence_states_the_numbers(built: Path) -> None:
    found = verdicts(built)
    assert "80% of training for DCGAN and 32% for ACGAN" in found["C4"].evidence
    assert "1.00 (discriminator), 1.20 (generator)" in found["C4"].evidence
    assert "all: diversity 0.93" in found["C5"].evidence
    assert (
        "DANN closes 25.0% of the gap on mnist-m → meter-digits and 75.0% on meter-digits → mnist-m"
    ) in found["C7"].evidence
    assert "+5.0 points on mnist-m → meter-digits; +2.0 points" in found["C8"].evidence


def test_evidence_names_the_data_that_is_not_the_reports(built: Path) -> None:
    found = verdicts(built)
    assert "meter-digits (not svhn)" in found["C7"].evidence
    assert "toy-faces (stand-in for celeba)" in found["C4"].evidence


def on_svhn(
    reproduce: Callable[..., Any], out: Path, budget: str, seeds: tuple[int, ...] = (0, 1, 2)
) -> dict[str, Verdict]:
    """Verdicts of a reproduction on mnist-m and "svhn"."""
    reproduce(out, seeds, budget, [FACES, *REAL[1:]], ("mnist-m", "svhn"))
    return verdicts(out)


def test_three_clear_seeds_on_the_reports_data_decide(
    reproduce: Callable[..., Any], tmp_path: Path
) -> None:
    found = on_svhn(reproduce, tmp_path, "full")
    assert (found["C7"].verdict, found["C7"].n) == ("holds", 3)
    # The faces are a stand-in; the ablations of C8 were not run.
    assert found["C4"].verdict == found["C8"].verdict == "undecided"
    assert "1.0 points" in found["C6"].evidence


def test_a_short_budget_or_two_seeds_do_not(reproduce: Callable[..., Any], tmp_path: Path) -> None:
    assert on_svhn(reproduce, tmp_path / "a", "quick")["C7"].verdict == "undecided"
    assert on_svhn(reproduce, tmp_path / "b", "full", (0, 1))["C7"].verdict == "undecided"
