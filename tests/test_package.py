"""What is installed has every file that the program reads beside its code."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_wheel_has_templates_styles_and_scripts() -> None:
    """The checks install the tree itself (-e), in which a file that is left out is still there."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    package = ROOT / "src" / "sparring"
    named = [path for glob in settings["package-data"]["sparring"] for path in package.glob(glob)]
    there = {
        path for path in package.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert {path.suffix for path in there} >= {".css", ".jinja", ".js", ".mplstyle"}
    assert set(named) >= there
    # Folders without __init__.py are no packages, and their modules would be left out.
    folders = {path.parent for path in package.rglob("*.py")}
    assert all((folder / "__init__.py").is_file() for folder in folders)
