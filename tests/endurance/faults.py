"""Things that go wrong inside a process, at the n-th call that changes files.

Wraps the calls by which Python changes files: open for writing, write, fsync, rename (and
replace), unlink (and remove), mkdir. At the chosen one the process gets a signal (SIGKILL: the
power went; SIGSTOP: a moment to look around), or the call fails with an errno, as do all later
calls of its kind: a full disk stays full. Knows nothing of sparring. Does not see os.write and
what C++ code writes by itself; the counts that `inject` returns tell what was seen.
"""

import builtins
import io
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_OS_CALLS = {
    "fsync": ("fsync",),
    "rename": ("rename", "replace"),
    "unlink": ("unlink", "remove", "rmdir"),
    "mkdir": ("mkdir",),
}

POINTS = (
    ("open", True),  # an empty file is there
    ("write", False),  # half of the bytes are there
    ("fsync", False),  # between the write and the fsync
    ("fsync", True),  # between the fsync and the rename
    ("rename", False),
    ("rename", True),  # between the rename and the fsync of the directory
    ("unlink", False),
    ("unlink", True),
    ("mkdir", True),
)
"""Where to kill: a kind of call, and whether the call is done by then."""


@dataclass(frozen=True)
class Fault:
    """At call number `number` (from 1) of the kind `call`: a signal, or the error `errno`.

    after: the signal comes when the call is done; else before it, or in the middle of a write.
    """

    call: str
    number: int
    after: bool = False
    signal: int = 0
    errno: int = 0

    def __str__(self) -> str:
        if self.errno:
            return f"{os.strerror(self.errno)} at {self.call} {self.number}"
        when = "after" if self.after else "in" if self.call == "write" else "before"
        return f"signal {self.signal} {when} {self.call} {self.number}"


class _Watch:
    """Counts calls, and knows when the fault is due."""

    def __init__(self, fault: Fault | None) -> None:
        self.fault, self.counts = fault, Counter[str]()

    def due(self, call: str) -> Fault | None:
        """Count one call; the fault, if it hits this one."""
        self.counts[call] += 1
        fault, count = self.fault, self.counts[call]
        if fault is None or fault.call != call or count < fault.number:
            return None
        return fault if fault.errno or count == fault.number else None


def _strike(fault: Fault) -> None:
    if fault.errno:
        raise OSError(fault.errno, os.strerror(fault.errno))
    os.kill(os.getpid(), fault.signal)


def inject(fault: Fault | None) -> Counter[str]:
    """Wrap the calls for the rest of this process's life. Returns their counts, kept up to date."""
    watch = _Watch(fault)
    for call, names in _OS_CALLS.items():
        for name in names:
            setattr(os, name, _wrapped(watch, call, getattr(os, name)))
    io.open = builtins.open = _opener(watch)
    return watch.counts


def _wrapped(watch: _Watch, call: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        fault = watch.due(call)
        if fault and not fault.after:
            _strike(fault)
        try:
            return original(*args, **kwargs)
        finally:  # a call that failed is done too
            if fault and fault.after:
                _strike(fault)

    return wrapped


def _opener(watch: _Watch) -> Any:
    """An `open` whose files write through the watch."""
    original = io.open

    class File(io.FileIO):
        def write(self, data: Any, /) -> int:
            fault = watch.due("write")
            if fault is None:
                return super().write(data)
            whole = memoryview(data).cast("B")
            written = super().write(whole[: (len(whole) + 1) // 2])
            _strike(fault)
            return written  # a short write: whoever survives the signal writes the rest

    make = _wrapped(watch, "open", File)

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if isinstance(file, int) or not set(mode) & set("wax+"):
            return original(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = make(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        binary = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return binary
        return io.TextIOWrapper(binary, encoding, errors, newline)

    return opened
