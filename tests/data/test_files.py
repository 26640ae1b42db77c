import bz2
import gzip
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.data.files import entries, images_of, read, unwrapped
from sparring.data.splits import hash_split
from sparring.errors import RequestError


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def test_a_folder_and_its_zip_have_the_same_entries(tmp_path: Path) -> None:
    touch(tmp_path / "set", "b/2.png", "a/1.JPG", "list.csv", ".hidden.png", "a/.git/3.png")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*"), reverse=True):
            archive.write(path, path.relative_to(tmp_path / "set"))
        archive.writestr("__MACOSX/a/1.JPG", b"resource fork")
    folder, packed = entries(tmp_path / "set"), entries(tmp_path / "set.zip")
    assert list(folder) == list(packed) == ["a/1.JPG", "b/2.png", "list.csv"]
    assert [read(e) for e in folder.values()] == [read(e) for e in packed.values()]
    assert list(images_of(packed)) == ["a/1.JPG", "b/2.png"]


def test_names_in_a_zip_are_read_as_they_were_meant(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, system in (("caf\u00e9/1.png", 3), ("a\\2.png", 0), ("a\\3.png", 3)):
            member = zipfile.ZipInfo(name)
            member.create_system = system
            archive.writestr(member, name.encode())
    data = bytearray(path.read_bytes())  # macOS does not say that its names are UTF-8
    for mark, place in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        data[data.index(mark) + place] = 0
    path.write_bytes(data)
    found = {name: read(entry).decode() for name, entry in entries(path).items()}
    assert found == {
        "a/2.png": "a\\2.png",  # from Windows PowerShell
        "a\\3.png": "a\\3.png",
        "caf\u00e9/1.png": "caf\u00e9/1.png",
    }


def test_a_zip_cut_short_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", b"x" * 1000)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(
        RequestError, match=r"set\.zip is damaged.*replace it by a whole copy"
    ) as caught:
        entries(path)
    assert "\n" not in str(caught.value)


def test_a_zip_of_an_unknown_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", b"x")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 6] = 200  # the version needed to extract
    path.write_bytes(data)
    with pytest.raises(RequestError, match=r"set\.zip is damaged .*version 20"):
        entries(path)


def test_a_zip_with_a_damaged_member_names_it(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", b"x" * 1000)
    path.write_bytes(path.read_bytes().replace(b"xxxx", b"xyxx", 1))
    with pytest.raises(RequestError, match=r"1\.png is damaged .*CRC"):
        read(entries(path)["1.png"])


def test_a_place_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="nowhere does not exist"):
        entries(tmp_path / "nowhere")


def test_shared_folders_are_taken_off_but_never_the_file_name(tmp_path: Path) -> None:
    touch(tmp_path, "x/y/a/1.png", "x/y/b/2.png")
    assert list(unwrapped(entries(tmp_path))) == ["a/1.png", "b/2.png"]
    assert list(unwrapped(entries(tmp_path / "x/y/a"))) == ["1.png"]


@given(st.sets(st.text("abc/.0123456789", min_size=1), min_size=1), st.integers(0, 5))
def test_a_name_keeps_its_side_whatever_else_is_there(names: set[str], extra: int) -> None:
    anchors = [f"{i}.png" for i in range(40)]
    few = hash_split(sorted({*anchors, *names}), "here")
    more = hash_split(sorted({*anchors, *names, *(f"new{i}" for i in range(extra))}), "here")
    for a, b in zip(few, more, strict=True):
        assert set(a) <= set(b)
    assert set(few[0]) | set(few[1]) == {*anchors, *names}
    assert not set(few[0]) & set(few[1])


def test_the_split_is_about_80_to_20_and_fixed_for_all_time() -> None:
    train, test = hash_split([f"{i:06d}.jpg" for i in range(10_000)], "here")
    assert 1900 < len(test) < 2100
    assert test[:4] == ["000000.jpg", "000003.jpg", "000008.jpg", "000011.jpg"]
    assert len(train) + len(test) == 10_000


def test_too_few_names_to_split(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="faces has too few images"):
        hash_split(["only.png"], "faces")


@pytest.mark.parametrize("name", ["//", "a//b.png", "a/" * 30_000 + "b.png"])
def test_a_zip_of_odd_names_is_listed_at_once(tmp_path: Path, name: str) -> None:
    # zipfile.Path goes round without end on the first, and takes a gigabyte for the last.
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.png", b"x")
        if not name.startswith("/"):
            archive.writestr(name, b"y")
    assert [read(entry) for entry in entries(path).values()][-1:] == [b"x"]


@pytest.mark.parametrize("name", ["//", "/x.png", "../x.png", "a/../../x.png"])
def test_a_name_that_leads_out_of_its_zip_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name.replace("//", "//x"), b"x")
    with pytest.raises(RequestError, match="leads out of it: pack it anew"):
        entries(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_is_packed_otherwise_is_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("1.png", b"x")
    with pytest.raises(RequestError, match=r"1\.png \(neither stored nor deflated\)"):
        read(entries(path)["1.png"])


def test_a_file_has_a_greatest_size(tmp_path: Path) -> None:
    touch(tmp_path, "1.png")
    assert read(tmp_path / "1.png", 5) == b"1.png"
    with pytest.raises(RequestError, match=r"1\.png holds more than 0 MB"):
        read(tmp_path / "1.png", 4)
    for pack, suffix in ((gzip.compress, "gz"), (bz2.compress, "bz2")):
        path = tmp_path / f"zeros.{suffix}"
        path.write_bytes(pack(bytes(1000)))
        assert read(path, 1000) == bytes(1000)
        with pytest.raises(RequestError, match=rf"{suffix} holds more than 0 MB"):
            read(path, 999)


def test_names_that_differ_in_composition_alone(tmp_path: Path) -> None:
    touch(tmp_path, "e\u0301.png")
    assert list(entries(tmp_path)) == ["\u00e9.png"]
    touch(tmp_path, "\u00e9.png")
    with pytest.raises(RequestError, match="twice: rename one"):
        entries(tmp_path)
