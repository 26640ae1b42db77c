"""Where the program keeps what it can make or fetch again. Knows one folder, and nothing in it."""

import os
import tempfile
from pathlib import Path


def folder() -> Path:
    """`$XDG_CACHE_HOME/sparring` if that is absolute, else `~/.cache/sparring`; may not exist."""
    asked = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if asked.is_absolute():
        return asked / "sparring"
    try:
        return Path.home() / ".cache" / "sparring"
    except RuntimeError:  # a user without a home
        return Path(tempfile.gettempdir()) / "sparring"
