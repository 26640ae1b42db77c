"""Asked to stop: what SIGINT and SIGTERM do, at once or at the next good moment."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

from sparring.errors import Stopped

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def _handling(handler: Handler) -> Iterator[None]:
    """Have `handler` called, where that is possible: signals reach the main thread alone."""
    main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if main else ()
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def stopping_at_once() -> AbstractContextManager[None]:
    """Raise Stopped wherever the program is; every file is written whole or not at all."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number, "stopped; what is finished is saved")

    return _handling(stop)


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collect the numbers of the signals in a list that whoever works looks at."""
    requests: list[int] = []
    with _handling(lambda number, frame: requests.append(number)):
        yield requests
