import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sparring.errors import Stopped
from sparring.signals import stop_requests, stopping_at_once

NUMBERS = (signal.SIGINT, signal.SIGTERM)


def send_thrice(number: signal.Signals) -> None:
    """Two signals that are collected, then one that is not."""
    with stopping_at_once():
        with stop_requests() as requests:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            assert requests == [number, number]
        os.kill(os.getpid(), number)
        pytest.fail("went on after the signal")


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_stops_at_once_or_waits_to_be_looked_at(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in NUMBERS]
    with pytest.raises(Stopped) as stopped:
        send_thrice(number)
    assert stopped.value.signal == number
    assert [signal.getsignal(each) for each in NUMBERS] == before


def test_in_another_thread_signals_are_left_alone() -> None:
    def work() -> list[int]:
        assert threading.current_thread() is not threading.main_thread()
        with stopping_at_once(), stop_requests() as requests:
            assert [signal.getsignal(each) for each in NUMBERS] == before
            return requests

    before = [signal.getsignal(each) for each in NUMBERS]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == []
