"""Methods that studies add are known in these tests alone."""

from collections.abc import Iterator

import pytest

from sparring.methods import METHODS


@pytest.fixture(autouse=True)
def _methods_as_before() -> Iterator[None]:
    before = dict(METHODS)
    yield
    METHODS.clear()
    METHODS.update(before)
