"""Compares JSON with the form it must have, within bounds.

Knows values; what forms there are is in `forms`. Whoever made the files, what passes here can be
drawn and shown: in bounded time and memory, and without a number or a name that breaks the page.
"""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sparring.errors import RequestError

MAX_BYTES = 64 << 20
"""A larger file is refused; an archive of arrays also where it would be larger unpacked."""

MAX_CLASSES, MAX_ROWS, MAX_CURVES = 1000, 10**6, 64
"""The most classes, rows of a log, and curves in it."""


class Unfit(Exception):
    """A value is not what belongs there; the message says which and why."""


def whole(value: Any) -> bool:
    """A whole number that JSON readers agree on."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53


def count(value: Any) -> bool:
    """A whole number from 0 up."""
    return whole(value) and value >= 0


def real(value: Any) -> bool:
    """A number that float32 holds, or one that is not finite."""
    if whole(value):
        return True
    return isinstance(value, float) and (abs(value) < 1e38 or not math.isfinite(value))


def finite(value: Any) -> bool:
    """A number that float32 holds."""
    return real(value) and math.isfinite(value)


def positive(value: Any) -> bool:
    """A number from 0 up."""
    return finite(value) and value >= 0


def fraction(value: Any) -> bool:
    """A number from 0 to 1."""
    return finite(value) and 0 <= value <= 1


def text(value: Any) -> bool:
    """A string."""
    return isinstance(value, str)


def flag(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def anything(value: Any) -> bool:
    """Any value."""
    return True


def nothing(value: Any) -> bool:
    """Null."""
    return value is None


def moment(value: Any) -> bool:
    """A time in ISO 8601."""
    try:
        datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def folder_name(value: Any) -> bool:
    """The name of one folder: it leads nowhere else."""
    return (
        isinstance(value, str)
        and value not in ("", ".", "..")
        and not set(value) & set("/\0")
        and len(value.encode()) < 256
    )


def one_of(*words: str) -> Callable[[Any], bool]:
    """One of `words`."""

    def known(value: Any) -> bool:
        return isinstance(value, str) and value in words

    known.__doc__ = f"one of {', '.join(words)}"
    return known


Form = Any
"""What a value must be: a function that says so; [form] a list; {"key": form, "key?": form} an
object that has these keys among others; {str: form} an object with any keys; (form, form) either.
"""


def check(value: Any, form: Form, at: str = "it") -> None:
    """Raise Unfit, naming the place, unless `value` has the form."""
    if isinstance(form, tuple):
        if not any(_fits(value, part) for part in form):
            raise Unfit(f"{at} is of none of the kinds that belong there")
    elif isinstance(form, list):
        if not isinstance(value, list):
            raise Unfit(f"{at} is no list")
        for index, item in enumerate(value):
            check(item, form[0], f"{at}[{index}]")
    elif isinstance(form, dict):
        if not isinstance(value, dict):
            raise Unfit(f"{at} is no object")
        _check_keys(value, form, at)
    elif not form(value):
        raise Unfit(f"{at} is not this: {(form.__doc__ or '').rstrip('.').lower()}")


def _check_keys(value: dict[str, Any], form: dict[Any, Form], at: str) -> None:
    for key, part in form.items():
        if key is str:
            for name, item in value.items():
                check(item, part, f"{at}.{name[:40]}")
        elif (name := key.removesuffix("?")) in value:
            check(value[name], part, f"{at}.{name}")
        elif name == key:
            raise Unfit(f"{at} has no '{key}'")


def _fits(value: Any, form: Form) -> bool:
    try:
        check(value, form)
    except Unfit:
        return False
    return True


@contextmanager
def told(path: Path, mend: str = "remove the run folder") -> Iterator[None]:
    """Raise RequestError, in one line, where reading `path` finds it missing, damaged or unfit."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Unfit(f"it has more than {MAX_BYTES >> 20} MB")
        yield
    except (Unfit, OSError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise RequestError(f"cannot read {path}: {why[:200]}; {mend}") from error


def parse(data: bytes | str, form: Form) -> Any:
    """A JSON value of that form. Raises Unfit, ValueError or RecursionError.

    Half a surrogate pair, which JSON can name, is refused: no file could hold it again.
    """
    value = json.loads(data)
    json.dumps(value, ensure_ascii=False).encode()
    check(value, form)
    return value
