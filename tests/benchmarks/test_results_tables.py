"""The tables of docs/results.md are those of the results.json files beside it."""

import json
import re
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from benchmarks import results_tables
from benchmarks.results_tables import DOCS, number, percent, renewed, spread, summary, tables

from sparring.runs.records import SCENARIOS

README = DOCS.parent / "README.md"
SETS = {"MNIST": "mnist", "MNIST-M": "mnist-m", "meter digits": "meter-digits"}
"""As the README writes them, and as the studies do."""


def rows(study: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((DOCS / "results" / f"{study}.json").read_text())[
        "rows"
    ]
    return found


def test_no_table_of_the_page_is_written_by_hand() -> None:
    text = (DOCS / "results.md").read_text()
    assert renewed(text) == text
    named = {path.name for path in (DOCS / "results").glob("*.json")}
    assert named
    assert all(f"<!-- {name} -->" in text for name in named)


def test_the_readmes_accuracies_are_those_of_the_studies() -> None:
    line = r"^\| \*\*mean teacher, (.*?) → (.*?)\*\* \| (.*) \|$"
    shown = re.findall(line, README.read_text(), re.MULTILINE)
    assert len(shown) == 3
    measured = {(*row["sets"], row["scenario"]): row for row in rows("pairs") + rows("others")}
    longer = {tuple(row["sets"]): row for row in rows("default") if row["scenario"] == "adapted"}
    for source, target, cells in shown:
        pair = SETS[source], SETS[target]
        twin, adapted = (measured[*pair, scenario]["accuracy"] for scenario in SCENARIOS[:2])
        default = longer[pair]["accuracy"]
        assert len(default) == len(adapted)
        numbers = spread(twin), spread(adapted), f"**{spread(default)}**", "-", str(len(adapted))
        assert cells.split(" | ") == [*numbers]
    words = " ".join(README.read_text().split())
    errors = [
        100 * abs(told - true)
        for row in rows("default")
        if row["scenario"] == "adapted"
        for told, true in zip(row["estimated"], row["accuracy"], strict=True)
    ]
    off = f"off by {mean(errors):.1f} points on average and by {max(errors):.1f} at most"
    assert f"{off} after 7,000 steps." in words
    arms = {(row["sets"][1], row["arm"]): row["accuracy"] for row in rows("shares")}
    skewed, missing = (arms[f"meter-digits-{kind}", "modern"] for kind in ("svhn", "missing"))
    assert f"{percent(summary(skewed))[:4]} with SVHN's (n = {len(skewed)}), " in words
    assert f"{spread(missing)} without any 3." in words
    aside = {(*row["sets"], row["scenario"]): spread(row["accuracy"]) for row in rows("aside")}
    digits = ("mnist", "uci-digits"), ("uci-digits", "mnist")
    before, after = ([aside[*pair, name] for pair in digits] for name in SCENARIOS[:2])
    assert f"{' and '.join(after)} (source only {', '.join(before)})." in words
    (to_men, men), (to_women, women) = (
        [aside[*pair, name] for name in SCENARIOS[1::-1]]
        for pair in (("women", "men"), ("men", "women"))
    )
    smiles = f"from women's: {to_men} where source only had {men}; the other way round {to_women}"
    assert f"{smiles} and {women}. The alarm rang in all six." in words
    rings = [row["rings"] for row in rows("aside") if "men" in row["sets"]]
    assert sum(ring for one in rings for ring in one if ring is not None) == 6
    arms = {("", row["arm"]): row["accuracy"] for row in rows("parts")}
    assert f"augmentation {spread(arms['', 'DANN, fast, strong'])} after 1,500 steps" in words
    adding = {row["arm"]: spread(row["accuracy"]) for row in rows("adversaries")}
    assert f"nothing: {adding['with DANN']} with it, {adding['modern']} without (n = 3)." in words


def test_the_readmes_distances_are_those_of_the_studies() -> None:
    words = " ".join(README.read_text().split())
    faces, older, short = (
        next(iter(json.loads((DOCS / f"results/{name}.json").read_text())["generation"].values()))
        for name in ("faces-hour", "faces", "faces-short")
    )
    (details,) = faces["details"]
    floor = details["fidelity"]["real test images"]["frechet"]
    distance, recall, judged = faces["frechet"], faces["recall"], details["scorecard"]
    assert f"Fréchet distance {number(distance)} (n = {faces['compared_images']:,}, b" in words
    assert f"real test images {floor:.1f}" in words
    assert f"recall {recall['mean']:.2f}. An independent" in words
    asked, turned = judged["labels"]["Smiling"], judged["turned"]["Smiling"]
    low, high = (f"{100 * asked[end]:.1f}" for end in ("low", "high"))
    assert f"in {100 * asked['value']:.1f} % ({low} to {high})" in words
    assert f"and {100 * turned['flip']['flipped']['value']:.1f} % of pairs turn into one" in words
    sex = turned["leakage"]["Male"]["changed"]["value"]
    assert f"{100 * sex:.1f} % of pairs change their sex with it" in words
    hour = {row["arm"]: row for row in rows("hour")}
    itself = [hour[arm]["metrics"][0]["frechet"] for arm in ("projection-gan", "acgan", "dcgan")]
    averaged = hour["acgan"]["averaged"][0]["frechet"]
    modern, labelled, plain, mean_of_it = (f"{found:.1f}" for found in (*itself, averaged))
    assert f"has {labelled}, DCGAN {plain} (n = 1), and the running mean of" in words
    assert f"of that ACGAN {mean_of_it}, which" in words
    before = f"have {number(older['frechet'])}, recall {older['recall']['mean']:.2f}"
    assert f"{before}; an hour of two cores had {modern};" in words
    minutes = {row["arm"]: [one["frechet"] for one in row["metrics"]] for row in rows("minutes")}
    assert {len(found) for found in minutes.values()} == {3}
    modern, labelled, plain = (
        number(summary(minutes[arm])) for arm in ("projection-gan", "acgan", "dcgan")
    )
    equal_time = f"projection GAN {modern}, ACGAN of 2019 {labelled}, DCGAN {plain}."
    assert f"(n = 3): {equal_time}" in words
    images = short["steps"] * short["batch_size"]
    assert f"by heart: {number(short['frechet'])} after {images:,} images" in words
    before = rows("drawing")[0]["averaged"][0]
    recalls = f"recall {short['recall']['mean']:.2f} and {before['recall']:.2f} (n = 1)"
    assert f"where that had {before['frechet']:.1f}; {recalls}" in words


def test_what_the_page_makes_of_its_tables_follows_from_the_studies() -> None:
    words = " ".join((DOCS / "results.md").read_text().split())
    shorter = {tuple(row["sets"]): row for row in rows("pairs") + rows("others")}  # adapted is last
    longer = [
        (row["accuracy"][0], mean(shorter[tuple(row["sets"])]["accuracy"]))
        for row in rows("thrice")
    ]
    first, second, third = (f"{100 * (after - before):.1f}" for after, before in longer)
    assert f"Each pair gains: {first}, {second} and {third} points" in words
    plain = {
        tuple(row["sets"]): row["accuracy"][0]
        for row in rows("aside")
        if row["scenario"] == "source-only"
    }
    lost = [100 * (plain[tuple(row["sets"])] - row["accuracy"][0]) for row in rows("smiles")]
    assert f"seed 0 loses {min(lost):.1f} to {max(lost):.1f} points to its" in words
    hour = {row["arm"]: row["metrics"][0] for row in rows("hour")}
    kid, distance = (
        [hour["projection-gan"][name] / hour[arm][name] for arm in ("dcgan", "acgan")]
        for name in ("kid", "frechet")
    )
    assert f"KID: {kid[0]:.2f} of DCGAN's, {kid[1]:.2f} of ACGAN's." in words
    assert f"Fréchet: {distance[0]:.2f} and {distance[1]:.2f}, **missed**" in words


def test_no_target_label_was_read_before_the_final_evaluation() -> None:
    for path in (DOCS / "results").glob("*.json"):
        found = json.loads(path.read_text())
        for row in found.get("rows", []):
            for readers in row.get("labels_read", []):
                assert readers == ["final evaluation"], row
        for entry in found.get("adaptation", []):
            for run, openings in entry["labels_opened"].items():
                if "-target-only-" not in run:
                    assert {one["reader"] for one in openings} <= {"final evaluation"}, run


def test_numbers_have_their_spread_and_absent_ones_a_dash() -> None:
    assert percent({"mean": 0.9437, "sd": 0.0031, "n": 3}) == "94.4 ± 0.3"
    assert percent({"mean": 0.9437, "sd": None, "n": 1}) == "94.4"
    assert percent({"mean": None}) == number(None) == "-"
    assert number({"mean": 0.24681, "sd": 0.0123}) == "0.247 ± 0.012"


def test_a_changed_number_changes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder := tmp_path / "results").mkdir()
    summary = {"mean": 0.5, "sd": None, "n": 1}
    entry = dict.fromkeys(results_tables.ADAPTATION, summary) | {
        **{"source": "a", "target": "b", "method": "dann", "preset": "own"},
        **{"steps": 1000, "batch_size": 64},
    }
    generator = {"images": "a", "method": "dcgan", "labels": [], "frechet": summary | {"mean": 42}}
    generator |= {"steps": 10, "batch_size": 4, "runs": ["dcgan-a-0"]}
    drawn = {
        "g": generator | {"averaged": {"frechet": summary | {"mean": 30}}},
        "many": generator | {"method": "acgan", "labels": ["p", "q", "r", "s"]},
    }
    found = {
        "command": "sparring train",
        "environment": {"commit": "abc", "cpu": "a cpu", "device": "cpu"},
        "adaptation": [entry],
        "generation": drawn,
    }
    monkeypatch.setattr(results_tables, "DOCS", tmp_path)
    (folder / "x.json").write_text(json.dumps(found))
    page = renewed("before\n<!-- x.json --> old <!-- end -->\nafter")
    assert "| a → b | dann (own) | 1,000 x 64 | 50.0 | 50.0 | 50.0 | 1 |" in page
    assert "| a | dcgan | 10 x 4 | 42 | - | - | - | - | 1 |" in page
    assert "| a | dcgan, averaged | 10 x 4 | 30 | - | - | - | - | 1 |" in page
    assert "| a | acgan 4 labels | 10 x 4 | 42 |" in page
    assert page.startswith("before\n<!-- x.json -->")
    assert page.endswith("<!-- end -->\nafter")
    assert renewed(page) == page
    assert "old" not in page
    assert tables(folder / "x.json") in page


def test_a_study_has_a_row_for_each_arm_beside_its_twin() -> None:
    row = {"sets": ["a", "b"], "arm": "modern", "steps": 1500, "seeds": [0, 1]}
    adapted = {"accuracy": [0.9, 0.92], "estimated": [0.95, 0.95], "rings": [False, True]}
    twin = {"accuracy": [0.5, 0.6], "estimated": [0.7, 0.7], "rings": [None, None]}
    rows = [row | {"scenario": "source-only"} | twin, row | {"scenario": "adapted"} | adapted]
    *_, last = results_tables.study({"rows": rows})
    assert last == ("| a → b | modern | 1,500 | 55.0 ± 7.1 | 91.0 ± 1.4 | 4.0 ± 1.4 | 1 of 2 | 2 |")


def test_a_study_of_generators_has_their_running_means_too() -> None:
    row = {"sets": ["a"], "arm": "dcgan", "scenario": "generation", "steps": 1500, "seeds": [0, 1]}
    row |= {"batch_size": 64, "metrics": [{"frechet": 40.0}, {"frechet": 42.0}]}
    row |= {"averaged": [{"frechet": 30.0}, {"frechet": 30.0}]}
    *_, itself, averaged = results_tables.study({"rows": [row]})
    assert itself == "| a | dcgan | 1,500 x 64 | 41 ± 1.4 | - | - | - | - | 2 |"
    assert averaged == "| a | dcgan, averaged | 1,500 x 64 | 30 ± 0 | - | - | - | - | 2 |"
