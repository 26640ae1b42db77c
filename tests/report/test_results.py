import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparring.report import build


@pytest.fixture(scope="module")
def results(built: Path) -> dict[str, Any]:
    return json.loads((built / "results.json").read_text())


def test_has_every_key_of_schema_1(results: dict[str, Any]) -> None:
    assert results["schema"] == 1
    assert {"environment", "budget", "seeds", "data", "generation", "adaptation"} < results.keys()
    assert results["environment"]["torch"] == "2.9.0"
    assert "data" not in results["environment"]
    assert results["data"]["toy-faces"] == {
        "kind": "stand-in",
        "asked": "celeba",
        "why": "celeba/ was not found under data; toy-faces was drawn",
        "train": 4000,
        "test": 500,
        "fingerprint": f"sha256:{'ab' * 32}",
    }


def test_generation_has_each_metric_over_the_runs(results: dict[str, Any]) -> None:
    dcgan = results["generation"]["dcgan"]
    assert (dcgan["faces"], dcgan["n"], dcgan["runs"]) == ("toy-faces", 1, ["dcgan-0"])
    assert dcgan["diversity"] == {"mean": 0.93, "sd": None, "n": 1, "runs": [0.93]}
    assert results["generation"]["acgan[Smiling+Male]"]["diversity"]["mean"] == 0.93


def test_adaptation_has_scenarios_gap_and_the_report_of_2019(results: dict[str, Any]) -> None:
    assert len(results["adaptation"]) == 4
    dann = results["adaptation"][0]
    assert (dann["method"], dann["source"], dann["target"]) == ("dann", "mnist-m", "meter-digits")
    means = [dann[s]["mean"] for s in ("source_only", "adapted", "target_only")]
    assert means == [0.4, 0.5, 0.8]
    assert dann["gap_closed"]["mean"] == pytest.approx(0.25)
    printed = dann["source_report"]
    assert (printed["source"], printed["target"]) == ("mnist-m", "svhn")
    assert (printed["adapted"], printed["same_data"]) == (0.4795, False)
    assert printed["gap_closed"] == pytest.approx(5.68 / 50.35)


def test_every_figure_is_a_png_on_disk(built: Path, results: dict[str, Any]) -> None:
    named = {"samples", "losses-dcgan", "losses-acgan", "pairs", "accuracy", "samples-acgan"}
    assert named < results["figures"].keys()
    for method in ("dann", "dsn"):
        assert f"tsne-{method}-meter-digits-mnist-m" in results["figures"]
    for path in results["figures"].values():
        with Image.open(built / path) as image:
            assert image.format == "PNG"
            assert np.asarray(image.convert("L")).std() > 1


def test_claims_are_ten_verdicts(results: dict[str, Any]) -> None:
    assert [claim["id"] for claim in results["claims"]] == [f"C{i}" for i in range(1, 11)]
    assert {claim["verdict"] for claim in results["claims"]} == {"undecided"}


def test_a_number_that_is_not_finite_is_null(reproduce: Callable[..., Any], tmp_path: Path) -> None:
    maker = reproduce(tmp_path)
    maker.planned[:] = ["dcgan-0"]
    maker.plan()
    path = tmp_path / "runs" / "dcgan-0" / "scores.json"
    scores = json.loads(path.read_text())
    scores["metrics"]["diversity"] = float("nan")
    path.write_text(json.dumps(scores))
    build(tmp_path)
    text = (tmp_path / "results.json").read_text()
    assert "NaN" not in text
    found = json.loads(text)["generation"]
    assert found["dcgan"]["diversity"] == {"mean": None, "sd": None, "n": 1, "runs": [None]}
    assert found["acgan"]["n"] == 0


def test_a_training_has_its_method_and_nothing_of_2019(training: Any) -> None:
    training.about = {"about": "WGAN: words."}
    training.generator("wgan", [], 0)
    training.adaptation("dann", "mnist-m", "svhn", 0)
    training.plan()
    build(training.out)
    found = json.loads((training.out / "results.json").read_text())
    assert list(found["generation"]) == ["dcgan", "acgan", "wgan"]
    assert found["generation"]["wgan"]["runs"] == ["wgan-0"]
    assert found["adaptation"][0]["source_report"] is None
    assert found["claims"] == []
    assert "about" not in found["environment"]
