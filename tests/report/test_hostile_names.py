"""Names that would break a page, a file name or a formula: through records, figures, the page."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sparring.report.page import build
from sparring.report.picture import file_name
from sparring.report.plots import shown
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
    "a,b+c%2C",
    "名前 \U0001f600 \x1b[31m",
    "&amp;&lt;",
    "x" * 255,
    "é" * 127,
)
PLACES = 9
"""Where a name may stand: command, budget, arm, attribute, setting, both sets, class, preset."""


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


def output(folder: Path, names: tuple[str, ...]) -> Path:
    """An output folder in which each place has one of the names."""
    command, budget, arm, attribute, setting, source, target, label, preset = names
    maker = Maker(folder)
    maker.generator("acgan", (attribute, "Male"), arm=arm, settings={setting: setting})
    for scenario in ("source-only", "adapted"):
        classes = (label, *DIGITS[1:])
        maker.classifier("dann", scenario, (source, target), label_names=classes, preset=preset)
    return maker.plan(command=command, budget=budget)


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Page:
    names = tuple(f"name {place}" for place in range(PLACES))
    folder = output(tmp_path_factory.mktemp("ordinary"), names)
    return Page(build(folder).read_text(encoding="utf-8"))


@pytest.mark.parametrize("start", range(0, len(NAMES), 3))
def test_the_report_shows_names_and_nothing_else(
    start: int, tmp_path: Path, ordinary: Page
) -> None:
    # Every place has six of the names in turn: the page escapes all of them by one rule.
    names = tuple(NAMES[(start + place) % len(NAMES)] for place in range(PLACES))
    folder = output(tmp_path / "out", names)
    page = Page(build(folder).read_text(encoding="utf-8"))
    assert page.tags == ordinary.tags
    assert page.attributes == ordinary.attributes
    inside = ("#", "data:image/png;base64,", "data:image/webp;base64,")
    assert all(link.startswith(inside) for link in page.links)
    assert [name for name in names if name.split("\n")[0].strip() not in page.text] == []
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["command"] == names[0]
    assert [entry["images"] for entry in results["generation"].values()] == ["faces"]
    assert [entry["source"] for entry in results["adaptation"]] == [names[5]]
    files = sorted(path.name for path in (folder / "figures").iterdir())
    assert sorted(results["figures"].values()) == [f"figures/{file}" for file in files]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
    assert all(set(file) <= set(map(chr, range(33, 127))) - set("<>&'\"/\\") for file in files)


@pytest.mark.parametrize("name", NAMES)
def test_a_figures_file_has_a_plain_name_of_its_own(name: str) -> None:
    assert set(file_name(name)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+.,"
    )
    assert len(file_name(name)) < 200


def test_names_of_figures_stay_apart() -> None:
    assert file_name("tsne-dann-mnist-m-svhn") == "tsne-dann-mnist-m-svhn"
    assert file_name("a/b").startswith("a_b-")
    keys = ["a/b", "a_b", "a b", "a\\b", "é" * 300, "é" * 301, "x" * 300]
    assert len({file_name(key) for key in keys}) == len(keys)


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


@pytest.mark.parametrize("name", NAMES)
def test_whatever_the_name_a_figure_shows_something(name: str) -> None:
    assert shown(name).isprintable()
    assert 0 < len(shown(name)) <= 40
