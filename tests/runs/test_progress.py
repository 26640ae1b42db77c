import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from sparring import cli
from sparring.runs import progress
from sparring.runs.folder import Run
from sparring.runs.generator import WATCHED, Watch
from sparring.runs.progress import Screen
from sparring.trainer import Status

STATUS = Status(5, 10, 20.0, 3.4, {"generator": 0.5, "critic": 1.25}, "well")
IMAGES = np.full((4, 3, 32, 32), 130, np.uint8)


@pytest.fixture
def screen_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A screen on a terminal of a kind, and what is written there."""

    def made(environment: dict[str, str], encoding: str = "utf-8") -> tuple[Screen, Any]:
        file = io.TextIOWrapper(io.BytesIO(), encoding, write_through=True)

        def console(**options: Any) -> Console:
            known = {"TERM": "xterm-256color", "COLUMNS": "100"} | environment
            return Console(file=file, force_terminal=True, _environ=known, **options)

        monkeypatch.setattr(progress, "Console", console)
        return Screen(), lambda: file.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]

    monkeypatch.setattr(progress, "_LIVE_SECONDS", 0.0)
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    return made


def test_on_a_terminal_a_view_moves(screen_of: Any) -> None:
    screen, written = screen_of({})
    with screen.task("a run") as task:
        assert "a run" in written()
        task.update(STATUS)
        assert "5 of 10" in written()
        assert "▀" not in written()
        task.look(IMAGES)
        task.update(STATUS)
        assert "▀" in written()
        assert "health" in written()


def test_what_is_logged_stands_above_the_view(screen_of: Any) -> None:
    screen, written = screen_of({})
    logger = logging.getLogger("sparring.test")
    line = cli._Line()
    logger.addHandler(line)
    try:
        with screen.task("a run") as task:
            task.update(STATUS)
            before = len(written())
            logger.warning("an alarm")
            after = written()[before:]
    finally:
        logger.removeHandler(line)
    assert after.index("an alarm") < after.rindex("5 of 10")  # the view is drawn again below it


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "xterm"}])
def test_no_images_without_colours(environment: dict[str, str], screen_of: Any) -> None:
    screen, written = screen_of(environment)
    with screen.task("a run") as task:
        task.look(IMAGES)
        task.update(STATUS)
    assert "5 of 10" in written()
    assert "▀" not in written()


LINE = "a run: step 5 of 10, 3 s left, 20 images/s  generator 0.500  critic 1.250\n"


@pytest.mark.parametrize(
    ("environment", "encoding"), [({"TERM": "dumb"}, "utf-8"), ({}, "iso-8859-1")]
)
def test_a_terminal_that_cannot_move_gets_plain_lines(
    environment: dict[str, str], encoding: str, screen_of: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    screen, written = screen_of(environment, encoding)
    with screen.task("a run") as task:
        task.look(IMAGES)
        task.update(STATUS)
    assert written() == ""
    assert capsys.readouterr().err == LINE


def test_elsewhere_a_plain_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([0.0, 10.0, 15.0, 20.0, 31.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    with Screen().task("a run") as task:
        for _ in range(4):
            task.update(STATUS)
    assert capsys.readouterr().err == LINE * 2


class Drawing:
    """Draws noise, always the same."""

    def draw(self, count: int) -> torch.Tensor:
        own = torch.Generator().manual_seed(0)
        return torch.randint(0, 256, (count, 3, 8, 8), generator=own, dtype=torch.uint8)


def test_what_the_diversity_is_measured_on_is_shown(tmp_path: Path) -> None:
    seen: list[np.ndarray] = []
    (tmp_path / "run").mkdir()
    watch = Watch(Drawing(), 100.0, Run(tmp_path / "run"), 100, seen.append)  # type: ignore[arg-type]
    for step in range(1, 101):
        watch(step)
    assert [images.shape for images in seen] == [(WATCHED, 3, 8, 8)] * 50
    assert np.array_equal(seen[0], Drawing().draw(WATCHED).numpy())
