"""Lists of labels as people write them: a table of text, and which image each of its rows is of.

Knows text and the names of files; knows no image.
"""

import csv
import io
import json
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from sparring.data.files import Entry, read_text, suffix
from sparring.data.images import composed
from sparring.errors import RequestError

LABELS = (
    *("label", "labelname", "labels", "class", "classname", "classes", "target", "category"),
    *("finelabel", "digit"),
)
"""Headers of a column of classes, without capitals, blanks and underscores; the first counts."""

ROW_NUMBERS = ("", "index", "unnamed:0", "idx")
"""Headers of a column that only counts the rows."""

_WHOLE = re.compile(r"(-?\d+)\.0+")  # as pandas writes numbers where some are missing
_EMPTY = ("", "nan", "null")


@dataclass(frozen=True)
class Table:
    """The header of a list, and its rows, as text."""

    place: Entry
    columns: tuple[str, ...]
    rows: list[list[str]]

    def plain(self, column: int) -> str:
        """A header as in LABELS."""
        return plain(self.columns[column])

    def values(self, column: int) -> list[str]:
        """What stands in a column, as it is meant."""
        return [value(row[column]) if column < len(row) else "" for row in self.rows]


def plain(header: str) -> str:
    """A header without capitals, blanks, underscores and dashes."""
    return re.sub(r"[\s_-]", "", header).lower()


def value(written: str) -> str:
    """A label as it is meant: `1.0` and `True` are 1, `nan` is none."""
    text = composed(written.strip())
    if found := _WHOLE.fullmatch(text):
        return found[1]
    small = text.lower()
    return "" if small in _EMPTY else {"true": "1", "false": "0"}.get(small, text)


def read_table(name: str, entry: Entry) -> Table:
    """A CSV with a header, its fields parted by commas, semicolons or tabs; or lines of JSON.

    Raises RequestError.
    """
    text = read_text(entry)
    try:
        columns, *rows = _json(text) if suffix(name) == ".jsonl" else _csv(text)
    except (csv.Error, ValueError, RecursionError, TypeError, AttributeError) as error:
        raise RequestError(f"{entry} is no list ({error}): write it anew") from error
    return Table(entry, tuple(composed(column.strip()) for column in columns), rows)


def _csv(text: str) -> list[list[str]]:
    head = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [row for row in rows if any(map(str.strip, row))] or [[""]]


def _json(text: str) -> list[list[str]]:
    records = [json.loads(line) for line in text.split("\n") if line.strip()]
    columns = dict.fromkeys(key for record in records for key in record)
    return [[*columns], *([_text(record.get(key)) for key in columns] for record in records)]


def _text(found: object) -> str:
    return "" if found is None else str(found)


class Finder:
    """Finds the image that a list means: by its path, or an end of it, or a path that ends like it.

    The end of the name, such as .jpg, may lack or be another one. What fits several is not found.
    folder: of the list; what lies there comes first.
    """

    def __init__(self, names: Iterable[str], folder: str = "") -> None:
        self._folder = folder
        self._paths: dict[str, str | None] = {}
        self._ends: dict[str, str | None] = {}
        for name in names:
            self._paths[name] = name
            for path in (name, _stem(name)):
                for end in _ends(path):
                    self._ends[end] = name if self._ends.get(end, name) == name else None
                self._paths[path] = name if self._paths.get(path, name) == name else None

    def __call__(self, written: str) -> str | None:
        """The image, or None."""
        path = composed(written.strip()).replace("\\", "/")
        here = posixpath.normpath(posixpath.join(self._folder, path))
        for form in (str, _stem):
            near = (self._paths.get(form(here)), self._ends.get(form(path).removeprefix("./")))
            longer = (self._paths.get(end) for end in _ends(form(path)))
            if found := next(filter(None, (*near, *longer)), None):
                return found
        return None


def _stem(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name.rpartition(".")[0] or name)


def _ends(path: str) -> list[str]:
    """`a/b/c`, `b/c` and `c` of `a/b/c`."""
    parts = path.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]
