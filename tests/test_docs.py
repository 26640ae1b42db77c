"""What the pages say can be done: commands parse, Python compiles or is doctested, links lead on.

The log is left out: it keeps the commands of its time. The site itself is built in .ci/run.
"""

import doctest
import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_links_lead_to_files(page: Page) -> None:
    for word in page.words:
        place = str(word.attrs.get("href") or word.attrs.get("src") or "").partition("#")[0]
        assert place.startswith("http") or (page.path.parent / place).exists(), place
