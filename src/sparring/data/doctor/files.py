"""The files of a set as they lie: sizes, modes, and those that do not decode.

Knows Pillow's modes; what the pixels and labels say is in the files beside this.
"""

from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image

from sparring.data import catalogue
from sparring.data.decode import MAX_FAILURES, Reading, UndecodableError, decode, readings
from sparring.data.doctor.findings import (
    MOST,
    Finding,
    Original,
    Severity,
    Shown,
    Subject,
    counted,
)

_GREY, _DEEP = {"1", "L", "LA", "La"}, {"I", "F"}


def read(name: str, data: Path | None, size: int) -> Subject:
    """A set by name or path, as `catalogue.load` has it, and its files. Raises RequestError.

    Pictures that do not decode are left out, however many they are.
    """
    with readings() as seen:
        found = catalogue.load(name, data, size=size)
    splits = {"train": len(found.train), "test": len(found.test)}
    # Every reader reads train first; where one reads otherwise, its pictures go by number.
    aligned = [len(reading.places) for reading in seen] == list(splits.values())
    originals, names = [], {}
    for reading, split in zip(seen, splits if aligned else [""] * len(seen), strict=True):
        files = list(_originals(reading, split))
        originals += files
        if aligned:
            names[split] = [files[place].file for place in reading.places.tolist()]
    return Subject(found, originals, names)


def _originals(reading: Reading, split: str) -> Iterator[Original]:
    good = set(reading.places.tolist())
    for place, (name, data) in enumerate(reading.items()):
        try:
            if place not in good:
                decode(data, 1)
            with Image.open(BytesIO(data)) as image:
                yield Original(name, split, image.format or "", image.mode, image.size)
        except UndecodableError as error:
            yield Original(name, split, error=str(error))


def check(subject: Subject) -> Iterator[Finding]:
    """Files that do not decode, and files of other depth or colour than most."""
    files = subject.originals
    if broken := [file for file in files if file.error]:
        refused = len(broken) > MAX_FAILURES * len(files)
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
    name = subject.data.name
    places = {split: {n: k for k, n in enumerate(subject.names[split])} for split in subject.names}
    shown = (
        Shown(
            set=name,
            split=file.split,
            index=places.get(file.split, {}).get(file.file) if not file.error else None,
            file=file.file,
            why=file.error or f"{file.format} {file.mode}",
        )
        for file in files[:MOST]
    )
    return Finding(
        severity=severity,
        kind=kind,
        sets=(name,),
        what=what,
        count=len(files),
        advice=advice,
        examples=tuple((one,) for one in shown),
    )
