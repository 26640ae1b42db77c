"""Names that would break a page or a file name: through records, figures and the page."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from sparring.report.page import build
from sparring.report.picture import file_name
from sparring.report.plots import shown
from tests.report.maker import Maker

NAMES = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "two\nlines\r\tand a tab",
    "\u202egnp.exe",
    "$x^$ and $",
    "_hidden",
    "..",
    "a,b+c%2C",
    "名前 \U0001f600 \x1b[31m",
    "x" * 255,
)


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


def built(maker: Maker, name: str) -> Page:
    """The page of runs in which everything that a user names has this name."""
    names = (name, *(f"{name} {k}" for k in range(9)))
    maker.generator("acgan", (name, "Male"), settings={name: name}, arm=name)
    maker.classifier("dann", "adapted", (name, f"{name} there"), label_names=names)
    return Page(build(maker.plan(command=name, budget=name)).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return built(Maker(tmp_path_factory.mktemp("ordinary")), "ordinary")


@pytest.mark.parametrize("name", [NAMES[1], NAMES[3], NAMES[4], NAMES[-2], NAMES[-1]])
def test_the_page_shows_a_name_and_nothing_else(name: str, ordinary: Page, tmp_path: Path) -> None:
    page = built(Maker(tmp_path / "hostile"), name)
    assert page.tags == ordinary.tags
    assert page.attributes == ordinary.attributes
    assert all(link.startswith(("#", "data:image/")) for link in page.links)
    assert name.split("\n")[0].strip() in page.text


@pytest.mark.parametrize("name", NAMES)
def test_a_figures_file_has_a_plain_name_of_its_own(name: str) -> None:
    assert set(file_name(name)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+.,"
    )
    assert len(file_name(name)) < 200
    assert file_name("a b") != file_name("a_b")


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_shows_a_name_in_one_line(name: str) -> None:
    assert shown(name).isprintable()
    assert 0 < len(shown(name)) <= 40
    assert not shown(name).startswith("_")
