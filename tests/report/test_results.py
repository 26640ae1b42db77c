import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparring.report.page import build
from tests.report.maker import DIGITS, Maker


def test_says_where_it_comes_from(results: dict[str, Any]) -> None:
    assert results["schema"] == 2
    assert results["environment"]["torch"] == "2.11.0"
    assert results["seeds"] == [0, 1, 2]
    assert results["data"]["faces"] == {
        "name": "faces",
        "kind": "stand-in",
        "asked": "faces",
        "why": "",
        "train": 4000,
        "test": 500,
        "labelled": True,
        "fingerprint": f"sha256:{'ab' * 32}",
        "white": None,
    }
    assert results["data"]["bare"]["labelled"] is False
    assert (results["missing"], results["notes"]) == ({}, [])


def test_the_docs_name_every_part(results: dict[str, Any]) -> None:
    page = (Path(__file__).parents[2] / "docs/report.md").read_text()
    told = page.partition("## results.json")[2]
    assert [key for key in (*results, "answer") if f"`{key}`" not in told] == []


def test_each_entry_says_what_it_is_of_and_where_its_models_lie(
    built: Path, results: dict[str, Any]
) -> None:
    entries = [*results["generation"].values(), *results["adaptation"]]
    assert len({entry["key"] for entry in entries}) == len(entries) == 6
    acgan, dann = list(results["generation"].values())[1], results["adaptation"][0]
    assert (acgan["method"], acgan["preset"], acgan["images"]) == ("acgan", "report2019", "faces")
    assert acgan["labels"] == ["Smiling", "Male"]
    assert (dann["source"], dann["target"], dann["labels"]) == ("here", "there", list(DIGITS))
    for entry in entries:
        assert entry["models"] == [f"runs/{name}/model" for name in entry["runs"]]
        assert all((built / path).is_dir() for path in entry["models"])


def test_generation_has_each_metric_over_the_runs(results: dict[str, Any]) -> None:
    dcgan = next(iter(results["generation"].values()))
    assert dcgan["diversity"] == {"mean": 0.93, "sd": None, "n": 1, "runs": [0.93]}
    assert dcgan["averaged"]["frechet"] == {"mean": 30.5, "sd": None, "n": 1, "runs": [30.5]}
    assert dcgan["details"][0]["fidelity"]["real test images"]["frechet"] == 3.0


def test_a_frechet_distance_names_its_images_and_their_bias(results: dict[str, Any]) -> None:
    dcgan = next(iter(results["generation"].values()))
    assert dcgan["compared_images"] == 500
    assert "n = 500 images is biased upwards" in dcgan["frechet_note"]


def test_adaptation_has_scenarios_and_gap(results: dict[str, Any]) -> None:
    dsn = results["adaptation"][1]
    assert (dsn["method"], dsn["adapted"]["n"]) == ("dsn", 3)
    assert dsn["source_only"]["mean"] == pytest.approx(0.41)
    assert dsn["gap_closed"]["mean"] == pytest.approx(0.25)
    assert dsn["mixing"]["adapted"]["mean"] == pytest.approx(0.4)
    assert results["comparisons"][0]["key"] == dsn["key"]
    assert results["comparisons"][0]["mean"] == pytest.approx(0.17 / 3)


def test_confusions_and_shares_carry_the_names_of_classes(results: dict[str, Any]) -> None:
    table = results["adaptation"][0]["confusion"][0]
    assert table["classes"] == list(DIGITS)
    counts = table["counts"]
    assert counts[table["classes"].index("seven")][table["classes"].index("one")] == 4
    assert results["adaptation"][0]["predicted_shares"][0]["shares"]["zero"] == 0.55


def test_accuracy_is_null_where_the_target_has_no_labels(results: dict[str, Any]) -> None:
    bare = results["adaptation"][-1]
    assert (bare["target"], bare["accuracy"], bare["confusion"]) == ("bare", None, [])
    assert bare["estimated_accuracy"]["adapted"]["mean"] == 0.45


def test_every_figure_is_a_png_on_disk(built: Path, results: dict[str, Any]) -> None:
    assert len(results["figures"]) == len(list((built / "figures").iterdir()))
    for path in results["figures"].values():
        with Image.open(built / path) as image:
            assert image.format == "PNG"
            assert np.asarray(image.convert("L")).std() > 1


def test_names_what_is_missing(maker: Maker) -> None:
    maker.planned.append("dcgan-0")
    build(maker.plan())
    found = json.loads((maker.out / "results.json").read_text())
    assert found["missing"] == {"dcgan-0": "not run"}
    assert (found["generation"], found["adaptation"], found["environment"]) == ({}, [], {})
