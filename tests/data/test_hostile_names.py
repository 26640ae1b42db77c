"""Folders and files of any name are read, or refused in one line."""

import os
from pathlib import Path

import pytest

from sparring.data.formats import folders, listed
from sparring.errors import RequestError
from tests.fuzz.subjects import PNG
from tests.report.test_hostile_names import NAMES

ON_DISK = tuple(name.replace("/", "\\") for name in NAMES if name != "..")


def test_class_folders_of_any_name_are_classes(tmp_path: Path) -> None:
    names = [name for name in ON_DISK if not name.startswith(".")]
    for split in ("train", "test"):
        for name in names:
            (tmp_path / split / name).mkdir(parents=True)
            (tmp_path / split / name / f"{'=1+1'}.png").write_bytes(PNG)
    train, test = folders.stored(tmp_path).read(8)
    assert train.label_names == tuple(sorted(names))
    assert len(train) == len(test) == len(names)


def test_attributes_and_files_of_any_name_are_read(tmp_path: Path) -> None:
    lines = ["image_name," + ",".join(f'"{n}"' for n in ("<b>", "=cmd|' /C calc'!A0", "$x^$"))]
    for k in range(20):
        file = f"{k}<script>'&.png"
        (tmp_path / file).write_bytes(PNG)
        lines.append(f"{file},0,1,1")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    train, _ = listed.stored(tmp_path).read(8)
    assert train.label_names == ("<b>", "=cmd|' /C calc'!A0", "$x^$")


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    for name in (b"a\xff", b"b"):
        folder = tmp_path / "set" / os.fsdecode(name)
        folder.mkdir(parents=True)
        for k in range(9):
            (folder / f"{k}.png").write_bytes(PNG)
    with pytest.raises(RequestError, match="is not UTF-8"):
        folders.stored(tmp_path / "set").read(8)
