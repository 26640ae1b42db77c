"""The site of this folder: `sphinx-build -W docs build/site`. Nothing in it needs a network.

Sphinx and not MkDocs Material: 76 MB installed instead of 127, and MkDocs has had no release since
August 2024. Equations become MathML here, which browsers draw by themselves.
"""

import io
import os
import re
from contextlib import redirect_stdout, suppress
from textwrap import fill
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

from sparring import __version__, cli
from sparring.game import AdaptationMethod
from sparring.methods import METHODS

project, version, release = "sparring", __version__, __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_theme, html_title = "furo", f"sparring {release}"
html_math_renderer = "mathml"
html_show_copyright = False
html_theme_options = {"light_css_variables": {"code-font-size": "75%"}}
default_role = "code"  # docstrings write `name`
add_module_names = False
autodoc_member_order = "bysource"

COMMANDS = [
    *([name] for name in cli.COMMANDS if name not in ("train", "tune", "data")),
    *(["train", name] for name in METHODS),
    *(["tune", name] for name, kind in METHODS.items() if issubclass(kind, AdaptationMethod)),
    *(["data", name] for name in ("get", "build")),
]

NAMED = re.compile(r"^([a-z]\w*(?:, [a-z]\w*)*): ")


def _math(html: Any, node: nodes.Node) -> None:
    display = isinstance(node, nodes.math_block)
    before, after = (
        ('<div style="overflow-x: auto; margin: 1em 0">', "</div>") if display else ("", "")
    )
    html.body.append(before + tex2mathml(node.astext(), as_block=display) + after)
    raise nodes.SkipNode


def _helps(app: Sphinx, page: str, source: list[str]) -> None:
    """Add to the page of all commands what each prints as its help."""
    if page != "commands":
        return
    os.environ["COLUMNS"] = "96"
    for words in COMMANDS:
        printed = io.StringIO()
        with redirect_stdout(printed), suppress(SystemExit):
            cli._parse([*words, "--help"])
        text = "\n".join(
            fill(line, 96) if line[:1].isalpha() else line
            for line in printed.getvalue().splitlines()
        )
        source[0] += f"\n## {' '.join(words)}\n\n```text\n{text}\n```\n"


def _listed(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Make a list of the lines `name: what it is` in a docstring."""
    found: list[str] = []
    item = False
    for line in lines:
        text = line.strip()
        if named := NAMED.match(text):
            found += [""] * (not item) + [f"- **{named[1]}**: {text[named.end() :]}"]
            item = True
        else:
            item = item and bool(text)
            found.append("  " * item + text)
    lines[:] = found


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (_math, None), (_math, None))
    app.connect("source-read", _helps)
    app.connect("autodoc-process-docstring", _listed)
