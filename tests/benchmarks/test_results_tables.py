"""The tables of docs/results.md are those of the results.json files beside it."""

import json
from pathlib import Path

import pytest
from benchmarks import results_tables
from benchmarks.results_tables import DOCS, number, percent, renewed, tables


def test_no_table_of_the_page_is_written_by_hand() -> None:
    text = (DOCS / "results.md").read_text()
    assert renewed(text) == text
    named = {path.name for path in (DOCS / "results").glob("*.json")}
    assert named
    assert all(f"<!-- {name} -->" in text for name in named)


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
    found = {
        "command": "sparring train",
        "environment": {"commit": "abc", "cpu": "a cpu", "device": "cpu"},
        "adaptation": [entry],
        "generation": {"g": generator | {"averaged": {"frechet": summary | {"mean": 30}}}},
    }
    monkeypatch.setattr(results_tables, "DOCS", tmp_path)
    (folder / "x.json").write_text(json.dumps(found))
    page = renewed("before\n<!-- x.json --> old <!-- end -->\nafter")
    assert "| a → b | dann (own) | 1,000 x 64 | 50.0 | 50.0 | 50.0 | 1 |" in page
    assert "| a | dcgan | 10 x 4 | 42 | - | - | - | - | 1 |" in page
    assert "| a | dcgan, averaged | 10 x 4 | 30 | - | - | - | - | 1 |" in page
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
