"""Templates as every page of ours has them: what is written into one is escaped, and must exist."""

import base64
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sparring.report import words

HERE = Path(__file__).parent


def templates(*folders: Path) -> Environment:
    """The templates here and in the folders, with our filters, style sheet and `policy_hash`."""
    jinja = Environment(
        loader=FileSystemLoader([HERE, *folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters |= words.FILTERS
    css = Markup((HERE / "page.css").read_text(encoding="utf-8"))
    jinja.globals |= {"css": css, "hash": policy_hash}
    return jinja


def policy_hash(text: str) -> str:
    """What a content security policy calls an inline style or script by."""
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
