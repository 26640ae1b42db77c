from dataclasses import replace
from pathlib import Path

import pytest

from sparring.data.images import DataSet
from sparring.runs import Library
from tests.conftest import dataset


def test_a_name_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def load(name: str, data: Path | None, *, size: int) -> DataSet:
        asked.append(name)
        return replace(dataset("left", 1), name=name)

    monkeypatch.setattr("sparring.data.catalogue.load", load)
    library = Library(None)
    for _ in range(3):
        assert library.get("mine", 32).name == "mine"
    assert asked == ["mine"]
