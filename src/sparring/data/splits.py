"""Which pictures are for training and which for testing: as they are marked, else by hash.

Knows names alone.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from hashlib import sha256
from typing import Literal, cast

from sparring.data.images import Account
from sparring.errors import RequestError

Split = Literal["train", "val", "test"]

_THINGS = "images?|imgs?|pictures|photos|data|set|split|labels?|list|metadata|annotations?"
_WORD = re.compile(
    r"(?:.*[ ._-])?"
    r"(?:(?P<train>train(?:ing)?)|(?P<val>val(?:id(?:ation)?)?)|(?P<test>test(?:ing)?))"
    rf"(?:[ ._-]?(?:{_THINGS}))?",
    re.IGNORECASE,
)


def split_of(name: str) -> Split | None:
    """The split that the name of a folder or list says: `Train`, `test_images`, `seg-valid`."""
    found = _WORD.fullmatch(name)
    return cast(Split, found.lastgroup) if found else None


def marked(path: str) -> tuple[Split | None, str]:
    """The split that the first such folder of `path` is named after, and the path without it."""
    *folders, name = path.split("/")
    for place, folder in enumerate(folders):
        if split := split_of(folder):
            return split, "/".join([*folders[:place], *folders[place + 1 :], name])
    return None, path


def whole(marks: Iterable[Split | None]) -> bool:
    """Whether pictures so marked are split: some for training, and some for testing."""
    return "train" in (there := set(marks)) and bool({"val", "test"} & there)


def divide(
    marks: Mapping[str, Split | None],
    groups: Mapping[str, Hashable] | None,
    where: object,
    account: Account,
) -> tuple[list[str], list[str]]:
    """The names for training and for testing, as they are marked; else by `hash_split`.

    Where there is a split for testing, that for validation is left out; else it serves as one.
    groups: see `hash_split`. Raises RequestError as it does.
    """
    if not whole(marks.values()):
        return hash_split(marks, where, groups)
    other: Split = "test" if "test" in marks.values() else "val"
    if other == "val":
        account.notes.append("the validation split serves for testing")
    count = Counter(marks.values())
    beside = {"in no split": count[None], "for validation": count["val"] * (other == "test")}
    account.left_out += Counter(beside)
    train, test = ([n for n, mark in marks.items() if mark == side] for side in ("train", other))
    return train, test


def hash_split(
    names: Iterable[str], where: object, groups: Mapping[str, Hashable] | None = None
) -> tuple[list[str], list[str]]:
    """Split names into train and test, about 80 to 20, by the SHA-256 of each name alone.

    A file stays on its side whatever is added beside it or removed, but for this: of a group of
    two or more, such as a class, both sides get one. A group of one is for training. Raises
    RequestError where one side is empty.
    """
    ordered = list(names)
    members: dict[Hashable, list[str]] = defaultdict(list)
    for name in ordered:
        members[groups[name] if groups else None].append(name)
    test: set[str] = set()
    for group in members.values():
        mine = {name for name in group if _rank(name) % 5 == 0} or {min(group, key=_rank)}
        if len(mine) == len(group):
            mine.remove(max(group, key=_rank))
        test |= mine
    if not test:
        raise RequestError(
            f"{where} has too few images ({len(ordered)}) to split into train and test: "
            "add more, or make train/ and test/ yourself"
        )
    return [n for n in ordered if n not in test], [n for n in ordered if n in test]


def _rank(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8])
