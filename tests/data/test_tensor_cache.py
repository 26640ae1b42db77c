import logging
import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparring import cache
from sparring.data import decode, tensor_cache
from sparring.data.tensor_cache import keep, key_of, recall
from sparring.errors import RequestError
from sparring.storage import temporary_for

SOME = {"pixels": torch.arange(48, dtype=torch.uint8).view(1, 3, 4, 4), "places": torch.tensor([2])}


@pytest.fixture(autouse=True)
def _empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def files() -> list[Path]:
    return sorted((cache.folder() / "sets").glob("*"))


def test_what_is_kept_comes_back() -> None:
    assert recall("key") is None
    keep("key", SOME)
    found = recall("key")
    assert found is not None
    assert found.keys() == SOME.keys()
    assert all(found[name].equal(SOME[name]) for name in SOME)
    assert recall("ke") is recall("other") is None


@given(
    st.lists(st.binary(max_size=6), min_size=1, max_size=4),
    st.lists(st.binary(max_size=6), min_size=1, max_size=4),
)
def test_only_equal_sets_share_a_key(one: list[bytes], other: list[bytes]) -> None:
    assert (key_of(8, one) == key_of(8, other)) == (one == other)
    assert key_of(8, one) != key_of(9, one)


def test_a_damaged_file_is_not_used_and_is_replaced() -> None:
    keep("key", SOME)
    (path,) = files()
    path.write_bytes(path.read_bytes()[:-1])
    assert recall("key") is None
    keep("key", SOME)
    assert recall("key") is not None
    assert files() == [path]


def test_what_was_used_last_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, key in enumerate("abc"):
        keep(key, SOME)
        for path in files():
            if path.name.startswith(key):
                os.utime(path, (number, number))
    assert recall("a") is not None
    monkeypatch.setattr(tensor_cache, "LIMIT", 3 * files()[0].stat().st_size)
    keep("d", SOME)
    assert [path.name[0] for path in files()] == ["a", "c", "d"]


def test_a_set_over_the_limit_and_a_full_disk_keep_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tensor_cache, "LIMIT", 48 + 8 - 1)
        keep("key", SOME)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, 5 * 10**9))
    keep("key", SOME)
    assert files() == []


def test_a_folder_that_cannot_be_made_is_no_error() -> None:
    cache.folder().parent.mkdir()
    cache.folder().write_text("in the way")
    keep("key", SOME)
    assert recall("key") is None


def test_what_a_killed_process_left_is_removed() -> None:
    keep("key", SOME)
    half = temporary_for(files()[0].parent / "half")
    half = half.with_name(half.name.replace(str(os.getpid()), "0999999999"))
    half.write_text("half")
    keep("other", SOME)
    assert half not in files()


def pictures() -> Iterator[tuple[str, bytes]]:
    for number in range(decode.FEWEST):
        yield f"{number}", b"%d" % number


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that is decoded: each picture is its number, and 7 is damaged."""
    asked: list[bytes] = []

    def one(data: bytes, size: int, white: float | None) -> decode.Picture:
        asked.append(data)
        if data == b"7":
            raise decode.UndecodableError
        pixels = torch.full((3, size, size), int(data) % 256, dtype=torch.uint8).numpy()
        return decode.Picture(pixels, (size, 2 * size), 0)

    monkeypatch.setattr(decode, "_picture", one)
    return asked


def test_a_large_set_is_decoded_once_and_its_damage_is_told_each_time(
    decodes: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sparring")
    first = decode.decode_all(pictures, decode.FEWEST, 4, "here")
    assert len(decodes) == decode.FEWEST
    second = decode.decode_all(pictures, decode.FEWEST, 4, "here")
    assert len(decodes) == decode.FEWEST
    assert all(one.equal(other) for one, other in zip(first, second, strict=True))
    assert second.sizes[7].tolist() == [4, 8]
    assert second[0][7, 0, 0, 0] == 8
    damage = "1 of 1000 images in here do not decode (7): left out"
    once = "here: decoding 1,000 images, which is done once"
    assert [record.getMessage() for record in caplog.records] == [once, damage, damage]
    decode.decode_all(pictures, decode.FEWEST, 5, "here")
    assert len(decodes) == 2 * decode.FEWEST


def test_a_small_set_and_a_refused_one_are_not_kept(
    decodes: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    decode.decode_all(pictures, decode.FEWEST - 1, 4, "here")
    monkeypatch.setattr(decode, "tolerated", lambda count: 0)
    with pytest.raises(RequestError, match="1 of 1000 images in here do not decode"):
        decode.decode_all(pictures, decode.FEWEST, 4, "here")
    assert files() == []
