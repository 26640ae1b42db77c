"""What the pages say can be done: commands parse, Python compiles or is doctested, links lead on.

The log is left out: it keeps the commands of its time. The site itself is built in .ci/run.
"""

import doctest
import inspect
import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

import sparring
from sparring.cli import COMMANDS, _parse
from sparring.methods import METHODS

ROOT = Path(__file__).parents[1]
READER = MarkdownIt("commonmark").enable("table")
BELOW = {"train": tuple(METHODS), "tune": ("dann",), "data": ("get", "build")}


class Page(NamedTuple):
    """A page. blocks: its code. words: what stands in its text."""

    path: Path
    blocks: list[Token]
    words: list[Token]


def read(path: Path) -> Page:
    tokens = READER.parse(path.read_text(encoding="utf-8"))
    blocks = [token for token in tokens if token.type in ("fence", "code_block")]
    return Page(path, blocks, [word for token in tokens for word in token.children or ()])


PAGES = [
    read(path)
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if path.name != "log.md"
]
USERS = [page for page in PAGES if page.path.name not in ("CONTRIBUTING.md", "SECURITY.md")]
EXAMPLES = [
    part.strip()
    for page in PAGES
    for block in page.blocks
    if not block.info
    for part in re.split(r"\n|&&", block.content)
    if part.strip().startswith("sparring ")
]
SNIPPETS = [
    pytest.param(block.content, id=f"{page.path.name}:{(block.map or [0])[0] + 1}")
    for page in PAGES
    for block in page.blocks
    if block.info == "python"
]


@pytest.fixture(scope="module")
def helps() -> str:
    """What every command prints as its help."""
    shown = io.StringIO()
    for name in COMMANDS:
        for words in [[name, sub] for sub in BELOW[name]] if name in BELOW else [[name]]:
            with redirect_stdout(shown), pytest.raises(SystemExit):
                _parse([*words, "--help"])
    return shown.getvalue()


@pytest.mark.parametrize("command", EXAMPLES)
def test_a_command_that_is_shown_parses(command: str) -> None:
    asked = shlex.split(command, comments=True)[1:]
    if "--help" in asked:
        with redirect_stdout(io.StringIO()), pytest.raises(SystemExit, match=r"^0$"):
            _parse(asked)
    else:
        assert callable(_parse(asked))


def test_every_command_is_shown() -> None:
    assert {command.split()[1] for command in EXAMPLES} == COMMANDS.keys()


@pytest.mark.parametrize("page", USERS, ids=lambda page: page.path.name)
def test_commands_and_options_in_the_text_exist(page: Page, helps: str) -> None:
    option = r"--[a-z][a-z-]*"
    codes = [word.content for word in page.words if word.type == "code_inline"]
    ours = [code for code in codes if re.match("--|sparring ", code)]
    used = {word for code in ours for word in code.split() if re.fullmatch(option, word)}
    assert used <= {*re.findall(option, helps), "--help", "--version"}
    assert {name for code in ours for name in re.findall("^sparring ([a-z]+)", code)} <= {*COMMANDS}


@pytest.mark.parametrize("code", SNIPPETS)
def test_python_that_is_shown_compiles_or_is_doctested(code: str) -> None:
    if ">>>" in code:
        example = doctest.DocTestParser().get_doctest(code, {}, "page", None, 0)
        assert doctest.DocTestRunner().run(example).failed == 0
    else:
        compile(code, "page", "exec")


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_a_page_with_its_equations_beside_its_file(method: str) -> None:
    folder = ROOT / "docs" / "methods"
    text = (folder / f"{method}.md").read_text(encoding="utf-8")
    equations = re.findall(r"^\$\$(.+?)\$\$$", text, re.MULTILINE)
    assert len(equations) >= 2
    assert any(re.match("L", equation) for equation in equations)  # the loss is among them
    file = Path(inspect.getfile(METHODS[method])).relative_to(ROOT)
    assert f"```{{literalinclude}} ../../{file.as_posix()}\n```\n" in text  # the whole file
    index = (folder / "index.md").read_text(encoding="utf-8")
    assert f"]({method}.md) | " in index
    assert f"\n{method}\n" in index.partition("{toctree}")[2]


def test_the_reference_has_what_is_exported_with_its_docstring() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    found = set(re.findall(r"^\.\. auto(?:class|function):: sparring\.(\w+)$", text, re.MULTILINE))
    assert found == {*sparring.__all__} - {"__version__"}
    assert all(inspect.getdoc(getattr(sparring, name)) for name in found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_links_lead_to_files(page: Page) -> None:
    for word in page.words:
        place = str(word.attrs.get("href") or word.attrs.get("src") or "").partition("#")[0]
        assert place.startswith("http") or (page.path.parent / place).exists(), place
