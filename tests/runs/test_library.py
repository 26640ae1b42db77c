import errno
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sparring.data.images import DataSet, Images
from sparring.errors import RequestError
from sparring.runs import Library
from tests.conftest import dataset, faces


def same(one: Images, other: Images) -> bool:
    assert one.label_names == other.label_names
    if one.labels is None or other.labels is None:
        return one.labels is other.labels and one.pixels.equal(other.pixels)
    assert one.labels.dtype == other.labels.dtype == torch.int64
    return one.labels.equal(other.labels) and one.pixels.equal(other.pixels)


@pytest.mark.parametrize("given", [dataset("a", 1), faces(), dataset("a", 1).unlabelled()])
def test_a_set_comes_back_as_it_was_however_often_it_is_asked_for(given: DataSet) -> None:
    library = Library(None)
    library.put("name", given)
    for _ in range(2):
        found = library.get("name", given.train.size)
        assert same(found.train, given.train)
        assert same(found.test, given.test)
        assert (found.name, found.kind, found.mirror) == (given.name, given.kind, given.mirror)
        assert found.fingerprint() == given.fingerprint()


def test_changing_what_was_handed_out_changes_nothing_for_the_next_one() -> None:
    library = Library(None)
    library.put("left", dataset("left", 1))
    labels = library.get("left", 32).train.labels
    assert labels is not None
    labels += 1
    assert same(library.get("left", 32).train, dataset("left", 1).train)


def test_pixels_are_shared_by_all_who_ask(library: Library) -> None:
    first, second = (library.get("left", 32).train.pixels for _ in range(2))
    assert first.data_ptr() == second.data_ptr()


def test_a_name_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def load(name: str, data: Path | None, *, size: int) -> object:
        asked.append(name)
        return replace(dataset("left", 1), name=name)

    monkeypatch.setattr("sparring.data.catalogue.load", load)
    library = Library(None)
    for _ in range(3):
        assert library.get("mine", 32).name == "mine"
    assert asked == ["mine"]


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(RequestError, match=r"labels of left .*: No space left on device; free"):
        Library(None).put("left", dataset("left", 1))
