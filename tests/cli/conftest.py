"""Folders of pictures for commands, and nothing that outlives a command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sparring import runtime
from tests.cli.folders import class_folders, mixed


@pytest.fixture(scope="module", autouse=True)
def _here() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime.Machine, "set_up", lambda machine: None)  # of this process
        patch.setattr(runtime, "busy", lambda threads: None)
        yield


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Class folders, and other pictures of the same classes in folders that say nothing."""
    root = tmp_path_factory.mktemp("folders")
    return class_folders(root / "drawn"), mixed(root / "photos")
