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


def test_a_sealed_set_has_no_labels_however_it_is_come_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparring.data.catalogue.load", lambda *_, size: dataset("read", 1))
    library = Library(None, frozenset(["read", "put"]))
    library.put("put", dataset("put", 1))
    library.put("open", dataset("open", 1))
    sets = [library.get("read", 32), library.get("put", 32), library.empty().get("read", 32)]
    assert [images.labels for found in sets for images in (found.train, found.test)] == [None] * 6
    assert library.get("open", 32).test.labels is not None
