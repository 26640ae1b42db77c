"""Output folders that tests of the report share; tests only read them."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from sparring.report.page import build
from tests.report.maker import SCENARIOS, Maker, compare, happened, selection


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    """An empty output folder, to be filled."""
    return Maker(tmp_path / "out")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generators of each kind; two methods on a pair with three seeds, one on another; built.

    Adapted DANN of seed 2 lost accuracy, and its alarm rings.
    """
    maker = Maker(tmp_path_factory.mktemp("built"))
    happened(maker.generator("dcgan"))
    maker.generator("acgan", ("Smiling", "Male"))
    maker.generator("acgan", ("seven", "eight"), kind="classes")
    for method in ("dann", "dsn"):
        for seed in range(3):
            lost = {"accuracy": 0.35} if (method, seed) == ("dann", 2) else {}
            states = selection((0.40, 0.55, 0.50 + 0.01 * seed), chosen=seed)
            made = {
                scenario: maker.classifier(
                    method,
                    scenario,
                    seed=seed,
                    scores={"selection": states, **lost} if scenario == "adapted" else {},
                )
                for scenario in SCENARIOS
            }
            compare(made["adapted"], made["source-only"], rings=bool(lost))
    maker.classifier("dann", sets=("there", "bare"), labelled=False)
    build(maker.plan())
    return maker.out


@pytest.fixture(scope="session")
def results(built: Path) -> dict[str, Any]:
    """Its results.json."""
    found: dict[str, Any] = json.loads((built / "results.json").read_text())
    return found


@pytest.fixture(scope="session")
def page(built: Path) -> str:
    return (built / "report.html").read_text()


@pytest.fixture(scope="session")
def words(page: str) -> str:
    """Its words."""
    return text(page)


def text(page: str) -> str:
    """The words of a page."""
    body = re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())
