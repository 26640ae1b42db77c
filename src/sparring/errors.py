"""The ways to fail that one line can tell; every other exception is a bug, with a traceback.

The command line prints the message and exits, with code 2 for a RequestError.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class RequestError(Exception):
    """The request was wrong: the message says what, where, and how to mend it, in one line."""


def unknown(kind: str, name: str, known: Iterable[str]) -> RequestError:
    """The error for a name that is not in `known`, with the nearest match and the list."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return RequestError(f"unknown {kind} '{name}': {hint}known: {', '.join(names)}")


def one_line(message: object) -> str:
    r"""`message` with every character that does not print, such as a line break, escaped: \n."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(message)
    )


def check_name(name: str) -> None:
    """Raise RequestError for a name with bytes that are no UTF-8: no report could show it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise RequestError(f"the name '{name}' is not UTF-8: rename that file or folder") from None


class WorkFailed(Exception):
    """The request was right but the work failed, in a way one line can say. Exit code 1."""


class TrainingFailed(WorkFailed):
    """A training, or what depends on it, failed."""


class ProcessDied(WorkFailed):
    """A process died at its run, which tells nothing of the run: it goes on when started again."""


class Stopped(BaseException):
    """Asked to stop by SIGINT or SIGTERM; everything is saved. Exit code 128 + `signal`.

    Like KeyboardInterrupt no Exception, so that no library that is at work catches it.
    """

    def __init__(self, signal: int, message: str) -> None:
        super().__init__(message)
        self.signal = signal
