"""One browser for all tests here, which skip without one."""

import shutil
from collections.abc import Iterator

import pytest

api = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator["api.Browser"]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    with api.sync_playwright() as running:
        # No sandbox: tests may run as root, and the page is ours.
        started = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
