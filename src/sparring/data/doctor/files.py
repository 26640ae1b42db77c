"""The files of a set as they lie: sizes, modes, and those that do not decode.

Knows Pillow's modes; what the pixels and labels say is in the files beside this.
"""

from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path

from PIL import Image

from sparring.data import catalogue
from sparring.data.decode import Reading, UndecodableError, decode, readings, tolerated
from sparring.data.doctor.findings import (
    MOST,
    Finding,
    Original,
    Severity,
    Shown,
    Subject,
    counted,
)
from sparring.errors import RequestError

_GREY, _DEEP = {"1", "L", "LA", "La"}, {"I", "F"}


def read(name: str, data: Path | None, size: int) -> Subject:
    """A set by name or path, as `catalogue.load` has it, and its files. Raises RequestError.

    Pictures that do not decode are left out, however many they are.
    """
    with readings() as seen:
        found = catalogue.load(name, data, size=size)
    # Every reader reads train, then test; one that reads both twice means the second time.
    parts = zip(Subject(found).splits.items(), seen[-2:], strict=False)
    files = (
        _originals(part, split if len(part.places) == len(images) else "")
        for (split, images), part in parts
    )
    return Subject(found, list(chain.from_iterable(files)))


def _originals(reading: Reading, split: str) -> Iterator[Original]:
    index = {place: k for k, place in enumerate(reading.places.tolist())}
    for place, (name, data) in enumerate(reading.items()):
        try:
            if isinstance(data, RequestError):  # a file that cannot be read at all
                raise data
            if place not in index:
                decode(data, 1)
            with Image.open(BytesIO(data)) as image:
                about = image.format or "", image.mode, image.size
            yield Original(name, split, index.get(place), *about)
        except (UndecodableError, RequestError) as error:
            yield Original(name, split, None, error=str(error))


def check(subject: Subject) -> Iterator[Finding]:
    """Files that do not decode, and files of other depth or colour than most."""
    files = subject.originals
    if broken := [file for file in files if file.error]:
        refused = len(broken) > tolerated(len(files))
        yield _finding(
            subject,
            "error" if refused else "warning",
            "undecodable",
            broken,
            f"{counted(len(broken), 'file')} of {len(files):,} cannot be decoded",
            "repair or remove them" + ("; training takes no set with so many" * refused),
        )
    kinds: dict[str, list[Original]] = defaultdict(list)
    for file in files:
        if not file.error:
            kinds[_kind(file.mode)].append(file)
    most = max(kinds, key=lambda kind: len(kinds[kind]), default="")
    for kind in kinds.keys() - {most}:
        deep = "deep" in (kind, most)
        yield _finding(
            subject,
            "warning" if deep else "note",
            "mixed-depth" if deep else "mixed-colour",
            kinds[kind],
            f"{counted(len(kinds[kind]), 'file')} of {len(files):,} {_WORDS[kind]}, "
            f"most {_WORDS[most]}",
            "save all with 8 bits: brightness may tell them apart"
            if deep
            else "convert all alike where this goes with a class: it would give the answer away",
        )


_WORDS = {"grey": "have one grey channel", "colour": "have colour", "deep": "have over 8 bits"}


def _kind(mode: str) -> str:
    if mode in _DEEP or mode.startswith("I;16"):
        return "deep"
    return "grey" if mode in _GREY else "colour"


def _finding(
    subject: Subject, severity: Severity, kind: str, files: list[Original], what: str, advice: str
) -> Finding:
    shown = (
        Shown(
            set=subject.data.name,
            split=file.split,
            index=file.index,
            file=file.file,
            why=file.error or f"{file.format} {file.mode}",
        )
        for file in files[:MOST]
    )
    return Finding(
        severity=severity,
        kind=kind,
        sets=(subject.data.name,),
        what=what,
        count=len(files),
        advice=advice,
        examples=tuple((one,) for one in shown),
    )
