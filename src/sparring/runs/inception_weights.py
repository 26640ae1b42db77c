"""The published Inception weights: found in the cache folder, else fetched into it.

Knows one file, its address and its hash; what is in it is `nets.inception`'s.
"""

import shutil
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from sparring.errors import RequestError
from sparring.nets.inception import SOURCE, check_published
from sparring.storage import publish, temporary_for

PATIENCE = 30.0
"""Seconds to wait for a server that does not answer."""


def find_or_fetch(cache: Path, say: Callable[[str], None]) -> Path:
    """The file in `cache`, fetched if it is not there; its SHA-256 is right.

    Raises RequestError where it is another file, or is neither there nor to be had.
    """
    path = cache / SOURCE.rpartition("/")[2]
    if path.is_file():
        check_published(path)
        return path
    say(f"fetching {SOURCE}")
    temporary = temporary_for(path)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with urlopen(SOURCE, timeout=PATIENCE) as answer, temporary.open("wb") as file:
            shutil.copyfileobj(answer, file)
        check_published(temporary)
        publish(temporary, path)
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise RequestError(
            f"--extractor inception needs {path.name}, which is not in {cache} and cannot be "
            f"fetched from {SOURCE} ({reason}): put it there, or use --extractor own"
        ) from None
    finally:
        if temporary.parent.is_dir():
            temporary.unlink(missing_ok=True)
    return path
