"""One trial: damage a subject's files, read them, and say how that ended.

The rule: a read gives a well-formed value or raises RequestError with a message of one line.
Anything else is a finding: another exception, a warning of Python's, too much memory or time.
"""

import random
import resource
import signal
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sparring.errors import RequestError
from tests.fuzz.mutate import KINDS, Damage, damaged
from tests.fuzz.subjects import Subject

SECONDS = 10
"""Time that one read may take."""

MEMORY = 2 << 30
"""Bytes of address space that a reader may take, above what the process starts with."""

Harm = tuple[int, bool, Damage]
"""Which part (modulo their number), whether the packed file or its content, and how."""


def bound_memory() -> None:
    """Let this process take no more than MEMORY from here on."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def draw(source: random.Random) -> list[Harm]:
    """One to three random harms."""

    def number() -> int:
        return source.randrange(65536)

    return [
        (
            number(),
            source.random() < 0.5,
            Damage(source.choice(KINDS), number(), number(), number()),
        )
        for _ in range(source.choice((1, 1, 1, 2, 3)))
    ]


def attempt(subject: Subject, folder: Path, harms: Sequence[Harm]) -> str:
    """Damage the subject's files in `folder`, read, and mend them: "refused", "read" or a finding.

    A finding is the innermost place of ours, and the exception.
    """
    packed = {part.name: part.pack(part.content) for part in subject.parts}
    contents = {part.name: part.content for part in subject.parts}
    names = list(packed)
    try:
        for index, outer, damage in harms:
            part = subject.parts[index % len(names)]
            if outer:
                packed[part.name] = damaged(part.name, packed[part.name], damage)
            else:
                contents[part.name] = damaged(part.name, contents[part.name], damage)
                packed[part.name] = part.pack(contents[part.name])
            (folder / part.name).write_bytes(packed[part.name])
        return read(subject, folder)
    finally:
        for index, _, _ in harms:
            part = subject.parts[index % len(names)]
            (folder / part.name).write_bytes(part.pack(part.content))


def read(subject: Subject, folder: Path) -> str:
    """Read the subject's files as they are: "refused", "read" or a finding."""
    try:
        with _time_limit(), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            subject.read(folder)
        outcome = "read"
    except RequestError as error:
        outcome = "refused" if len(str(error).splitlines()) == 1 else f"message: {str(error)!r}"
    except Exception as error:
        outcome = _told(error)
    told = [w for w in warned if "Glyph" not in str(w.message)]
    return f"warning: {told[0].message}" if told and outcome in ("read", "refused") else outcome


def _told(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/sparring/" in f.filename or "/tests/fuzz/" in f.filename]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].name}" if ours else "?"
    return f"{place}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
