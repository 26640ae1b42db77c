"""Asked to stop: SIGINT and SIGTERM wait for a good moment instead of breaking into a step."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collect the numbers of the signals in a list that whoever works looks at."""
    requests: list[int] = []

    def request(number: int, frame: FrameType | None) -> None:
        requests.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, request) for number in numbers}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
