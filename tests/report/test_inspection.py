"""The page of generators whose runs were inspected."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparring.report import build
from sparring.report.collect import collect
from sparring.report.groups import generations
from sparring.report.scores import cards, interval, leaks, points, share, shares, short
from sparring.report2019.claims.verdicts import Evidence, judge
from tests.report.inspected import SKILL, inspect


def text(page: Path) -> str:
    body = re.sub(r"<style>.*?</style>", "", page.read_text(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, reproduce: Any) -> Path:
    out = tmp_path_factory.mktemp("inspected")
    maker = reproduce(out, seeds=())
    inspect(maker.generator("dcgan", [], 0), [])
    inspect(maker.generator("acgan", ["Smiling", "Male"], 0), ["Smiling", "Male"])
    maker.plan()
    build(out)
    return out


@pytest.fixture(scope="module")
def words(out: Path) -> str:
    return text(out / "report.html")


def test_the_fidelity_table_names_its_extractor_and_has_its_calibration(words: str) -> None:
    table = words[words.index("Compared with real training images") :]
    assert table.startswith(
        "Compared with real training images Fréchet distance (convnet-attributes) KID [95 % "
        "interval] precision recall density coverage generated 42.0 0.420 [0.410, 0.430] 0.75 0.25 "
        "0.50 0.12 real test images 3.00"
    )
    assert "blurred 60.0" in table
    assert "shuffled pixels 99.0" in table
    assert (
        "On 500 held-out images it is right in 90.0 % (yes and no counted alike: 85.0 %)" in words
    )


def test_nothing_is_called_fid_without_its_extractor(words: str) -> None:
    for found in re.finditer(r"\bFID\b", words):
        assert words[: found.start()].endswith("not with a published ")
    for found in re.finditer("Fréchet distance", words):
        assert words[found.end() :].startswith(" (convnet-attributes)")


def test_the_scorecard_stands_beside_the_judges_own_skill(words: str) -> None:
    assert "Smiling 80.0 [75.0, 85.0] 90.0 50.0 Male 80.0 [75.0, 85.0] 96.0 60.0" in words
    assert "it has seen no generated one" in words
    assert "Smiling 250 60.0 [55.0, 65.0] 10.0 20.0 10.0 12.5 31.0 —" in words
    assert "Male 20.0 [15.0, 25.0] +0.0 — Young 20.0 [15.0, 25.0] -10.0 +30.0" in words
    assert "Smiling 0.300 [0.250, 0.350] 0.010 [-0.040, 0.060] 0.80 not Smiling — — —" in words


def test_the_audit_is_told_and_shown(words: str, out: Path) -> None:
    assert "No sign of copying: 4 of 500 images lie very near a training image (by chance" in words
    assert "The median sample lies 0.970 times as far from its nearest training image" in words
    results = json.loads((out / "results.json").read_text())
    names = {"nearest-dcgan", "health-dcgan", "nearest-acgan-Smiling+Male"}
    assert names | {"change-acgan-Smiling+Male", "health-acgan-Smiling+Male"} <= set(
        results["figures"]
    )
    with Image.open(out / results["figures"]["nearest-dcgan"]) as image:
        assert image.size[1] == 74 + 2 * 134 + 0


def test_an_alarm_stands_in_plain_words_at_the_curves(words: str) -> None:
    caption = words[words.index("Share right: how often") :]
    told = "Step 300, alarm: collapse: the diversity has fallen to 0.10."
    assert told in caption[:600]
    assert "At step 300 (alarm): collapse" in words


def test_observations_are_computed(words: str) -> None:
    assert (
        "in order: real test images 3, noised 30, generated 42, blurred 60, shuffled pixels 99."
    ) in words
    assert (
        "what was asked for in 80% of its answers on samples; on real images it is right in 93%, "
        "and one constant answer would be in 55%"
    ) in words
    assert "Turning Smiling on makes the judge say yes, not no, in 60% of pairs." in words
    assert "With Smiling, Young moves most: by -10 points (in reality: +30)." in words


def test_results_have_the_tables_of_each_run(out: Path) -> None:
    content = json.loads((out / "results.json").read_text())["generation"]
    acgan = content["acgan[Smiling+Male]"]
    assert acgan["extractor"] == "convnet-attributes"
    assert acgan["frechet"]["mean"] == 42.0
    (details,) = acgan["details"]
    assert details["run"] == "acgan-Smiling+Male-0"
    assert details["scorecard"]["flips"]["Smiling"]["pairs"] == 250
    assert details["fidelity"][1]["set"] == "real test images"
    assert details["memorisation"]["n_unseen"] == 500
    assert "scorecard" not in content["dcgan"]["details"][0]


def test_numbers_on_other_features_are_not_averaged(training: Any) -> None:
    for seed, name in enumerate(("inception-v3", "convnet-attributes")):
        title = "FID (inception-v3)" if seed == 0 else ""
        path = training.generator("dcgan", [], seed)
        inspect(path, [], frechet=10.0 + seed, name=name, title=title)
    training.plan()
    (group,) = generations(collect(training.out).runs)
    assert group.metrics["frechet"].runs == (10.0,)
    assert group.metrics["diversity"].n == 2
    found = {card.name: card.value for card in cards(group)}
    assert found["FID (inception-v3)"] == "10.0 (n = 1)"
    assert found["diversity"] == "0.925 ± 0.007"
    words = text(build(training.out))
    assert "Features of the published Inception v3, on which FID is defined." in words
    assert "FID (inception-v3) 10.0" in words


def test_numbers_that_were_not_finite_leave_a_dash(training: Any) -> None:
    path = training.generator("acgan", ["Smiling"], 0)
    inspect(path, ["Smiling"])
    scores = json.loads((path / "scores.json").read_text())
    scores["memorisation"]["ratio"] = scores["metrics"]["memorised"] = None
    scores["fidelity"][0]["frechet"] = scores["metrics"]["frechet"] = None
    scores["judge"]["mean_balanced"] = None
    (path / "scores.json").write_text(json.dumps(scores))
    training.plan()
    words = text(build(training.out))
    assert "generated — 0.420" in words
    assert "right in 90.0 %." in words
    assert "median sample" not in words


def claim(out: Path) -> Any:
    rep = collect(out)
    found = judge(Evidence(rep, generations(rep.runs), ()))
    return next(verdict for verdict in found if verdict.claim.id == "C5")


@pytest.mark.parametrize(
    ("both", "budget", "verdict"),
    [(20.0, "full", "holds"), (40.0, "full", "fails"), (20.0, "quick", "holds")],
)
def test_the_claim_on_attribute_sets_is_judged_by_fidelity(
    both: float, budget: str, verdict: str, reproduce: Any, tmp_path: Path
) -> None:
    faces = {"asked": "toy-faces", "used": "toy-faces", "kind": "real", "why": "found"}
    real = [faces, *({**faces, "asked": name, "used": name} for name in ("mnist-m", "svhn"))]
    maker = reproduce(tmp_path, seeds=(), budget=budget, data=real)
    everything = [f"a{k}" for k in range(40)]
    for seed in range(3):
        for attributes, frechet in (
            (["Smiling"], 30.0),
            (["Smiling", "Male"], both),
            (everything, 50),
        ):
            path = maker.generator("acgan", attributes, seed)
            scores = json.loads((path / "scores.json").read_text())
            scores["extractor"] = {"name": "x", "frechet": "Fréchet distance (x)"} | SKILL
            scores["metrics"] |= {
                "frechet": frechet + 0.1 * seed * seed,
                "attribute_accuracy": 0.75,
            }
            (path / "scores.json").write_text(json.dumps(scores))
    maker.plan()
    # The stand-in's facts say what it is; here the plan says that it is what was asked for.
    found = claim(tmp_path)
    assert (found.verdict, found.n) == (verdict, 3)
    assert "Fréchet distance (x), Smiling less all: -20.00 [-20.00, -20.00] (n = 3); " in (
        found.evidence
    )
    assert f"Smiling,Male less Smiling: {both - 30:+.2f}" in found.evidence
    assert "all 75.0 %" in found.evidence


def test_leaks_to_other_labels_come_first_then_those_that_move_most() -> None:
    leakage = {n: {"drift": d} for n, d in (("a", 0.1), ("Male", 0.0), ("b", -0.4), ("c", 0.2))}
    card: dict[str, Any] = {"flips": {"Smiling": {"leakage": leakage}}}
    card["attributes"] = dict.fromkeys(("Smiling", "Male"))
    assert [name for name, _ in leaks(card, "Smiling")] == ["Male", "b", "c", "a"]
    card["attributes"] = dict.fromkeys(("Smiling", "Male", "a", "b", "c"))
    assert [name for name, _ in leaks(card, "Smiling")] == ["b", "c", "a", "Male"]


def test_numbers_in_words() -> None:
    values = [None, -0.0001, 0.0023, -0.5, 3.14159, 42.0, 366.4, 12345.6]
    assert [short(v) for v in values] == [
        "—",
        "0.000",
        "0.002",
        "-0.500",
        "3.14",
        "42.0",
        "366",
        "12,346",
    ]
    assert interval(None) == "—"
    assert shares({"value": 0.5, "low": 0.25, "high": 1.0}) == "50.0 [25.0, 100.0]"
    assert (share(0.256), share(None)) == ("25.6", "—")
    assert (points(-0.256), points(None)) == ("-25.6", "—")


def test_lines_of_health_skip_what_was_not_measured(out: Path) -> None:
    log = collect(out).runs[0].log
    assert np.isfinite(log.measures["diversity"]).sum() == 6
    assert np.isfinite(log.gradients["generator"]).sum() == 6
