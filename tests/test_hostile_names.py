"""Names that would break a page, a file name or a formula: through the reader and the report."""

import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sparring.data.formats import folders, listed
from sparring.errors import RequestError
from sparring.report.page import build
from sparring.report.picture import file_name
from sparring.report.plots import shown
from tests.fuzz.subjects import PNG
from tests.report.maker import DIGITS, Maker

NAMES = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "=cmd|' /C calc'!A0",
    "two\nlines\r\tand a tab",
    "\u202egnp.exe",
    "$x^$ and $",
    "_hidden",
    "..",
    "...",
    "-rf",
    "%2e%2e%2f",
    "名前 \U0001f600 \x1b[31m",
    "&amp;&lt;",
    "x" * 255,
    "é" * 127,
)
ON_DISK = tuple(name.replace("/", "\\") for name in NAMES if name != "..")


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def output(folder: Path, name: str) -> Path:
    """An output folder where everything that has a name has this one."""
    maker = Maker(folder)
    maker.generator("acgan", (name, f"other {name}"), arm=name, settings={name: name})
    classes = (name, f"other {name}", *DIGITS[2:])
    for scenario in ("source-only", "adapted"):
        sets = (name, f"other {name}")
        maker.classifier("dann", scenario, sets, label_names=classes, preset=name)
    return maker.plan(command=name, budget=name)


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = output(tmp_path_factory.mktemp("ordinary"), "ordinary")
    return Page(build(folder).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_the_report_shows_a_name_and_nothing_else(
    name: str, tmp_path: Path, ordinary: Page
) -> None:
    folder = output(tmp_path / "out", name)
    page = Page(build(folder).read_text(encoding="utf-8"))
    assert page.tags == ordinary.tags
    assert page.attributes == ordinary.attributes
    inside = ("#", "data:image/png;base64,", "data:image/webp;base64,")
    assert all(link.startswith(inside) for link in page.links)
    assert name.split("\n")[0].strip() in page.text
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["command"] == name
    assert [entry["images"] for entry in results["generation"].values()] == ["faces"]
    assert [entry["source"] for entry in results["adaptation"]] == [name]
    files = sorted(path.name for path in (folder / "figures").iterdir())
    assert sorted(results["figures"].values()) == [f"figures/{file}" for file in files]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
    assert all(set(file) <= set(map(chr, range(33, 127))) - set("<>&'\"/\\") for file in files)


def test_names_of_figures_stay_apart_and_are_never_too_long() -> None:
    assert file_name("tsne-dann-mnist-m-svhn") == "tsne-dann-mnist-m-svhn"
    assert file_name("a/b").startswith("a_b-")
    keys = ["a/b", "a_b", "a\\b", "é" * 300, "é" * 301, "x" * 300]
    assert len({file_name(key) for key in keys}) == len(keys)
    assert max(len(file_name(key)) for key in keys) < 200


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", "plain"),
        ("_hidden", " _hidden"),
        ("\u202egnp", "\\u202egnp"),
        ("a\nb", "a\\nb"),
        ("x" * 50, "x" * 39 + "…"),
    ],
)
def test_a_figure_shows_a_name_in_one_line(name: str, expected: str) -> None:
    assert shown(name) == expected


def test_class_folders_of_any_name_are_classes(tmp_path: Path) -> None:
    names = [name for name in ON_DISK if not name.startswith(".")]
    for split in ("train", "test"):
        for name in names:
            (tmp_path / split / name).mkdir(parents=True)
            (tmp_path / split / name / f"{'=1+1'}.png").write_bytes(PNG)
    train, test = folders.read(tmp_path, 8)
    assert train.label_names == tuple(sorted(names))
    assert len(train) == len(test) == len(names)


def test_attributes_and_files_of_any_name_are_read(tmp_path: Path) -> None:
    lines = ["image_name," + ",".join(f'"{n}"' for n in ("<b>", "=cmd|' /C calc'!A0", "$x^$"))]
    for k in range(20):
        file = f"{k}<script>'&.png"
        (tmp_path / file).write_bytes(PNG)
        lines.append(f"{file},0,1,1")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    train, _ = listed.read(tmp_path, 8)
    assert train.label_names == ("<b>", "=cmd|' /C calc'!A0", "$x^$")


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    for name in (b"a\xff", b"b"):
        folder = tmp_path / "set" / os.fsdecode(name)
        folder.mkdir(parents=True)
        for k in range(9):
            (folder / f"{k}.png").write_bytes(PNG)
    with pytest.raises(RequestError, match="is not UTF-8"):
        folders.read(tmp_path / "set", 8)
