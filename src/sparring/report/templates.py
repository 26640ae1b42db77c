"""Templates as every page of ours has them: what is written into one is escaped, and must exist."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sparring.report import words


def templates(*folders: Path) -> Environment:
    """The templates of the folders, with our filters."""
    jinja = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters |= words.FILTERS
    return jinja
