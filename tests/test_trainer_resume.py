import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.checkpoints import Checkpoints
from sparring.errors import RequestError, Stopped
from sparring.game import Unlabelled
from tests.training import Averaged, crash, feed, rows, same, train


@pytest.mark.parametrize("stop_at", [1, 3, 5])
def test_a_stopped_training_goes_on_bit_for_bit(tmp_path: Path, stop_at: int) -> None:
    def interrupted(step: int) -> Unlabelled:
        if step == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return feed(step)

    whole = train(tmp_path / "whole")
    with pytest.raises(Stopped) as stopped:
        train(tmp_path / "parts", feed=interrupted)
    assert stopped.value.signal == signal.SIGTERM
    assert len(list((tmp_path / "parts/checkpoints").iterdir())) == 1
    assert same(whole, train(tmp_path / "parts"))

    def timeless(name: str) -> list[dict[str, Any]]:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in rows(tmp_path / name)]

    assert timeless("parts") == timeless("whole")
    assert [row["step"] for row in timeless("whole")] == [1, 2, 3, 4, 5, 6]


def test_rows_after_the_last_save_are_written_once(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", steps=12)
    crash(tmp_path / "parts", at=8, steps=12)
    (newest,) = (tmp_path / "parts/checkpoints").iterdir()
    assert torch.load(newest, weights_only=True)["present"]["step"] == 5
    assert [row["step"] for row in rows(tmp_path / "parts")] == list(range(1, 9))
    assert same(whole, train(tmp_path / "parts", steps=12))
    assert [row["step"] for row in rows(tmp_path / "parts")] == list(range(1, 13))


def test_a_damaged_newest_state_gives_way_to_the_one_before_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = train(tmp_path / "whole", steps=20)
    crash(tmp_path / "parts", at=13, steps=20)
    older, newest = sorted((tmp_path / "parts/checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:5000])
    assert same(whole, train(tmp_path / "parts", steps=20))
    assert "going on from the state before it" in caplog.text
    assert newest.name in caplog.text
    assert older.name not in caplog.text


def test_a_whole_state_of_another_version_is_told(tmp_path: Path) -> None:
    crash(tmp_path / "run", at=8, steps=12)
    for change in (
        lambda state: state["present"].pop("monitor"),
        lambda state: state["present"]["method"].pop(next(iter(state["present"]["method"]))),
        lambda state: state.update(present=[]),
    ):
        (newest,) = (tmp_path / "run/checkpoints").iterdir()
        state = torch.load(newest, weights_only=True)
        change(state)
        newest.unlink()
        Checkpoints(newest.parent).save(state, 0, 5)
        with pytest.raises(RequestError, match="does not fit: it is of another version"):
            train(tmp_path / "run", steps=12)


def test_a_finished_training_goes_on_to_more_steps_bit_for_bit(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", steps=12, kind=Averaged)
    train(tmp_path / "parts", steps=6, keep_state=True, kind=Averaged)
    assert same(whole, train(tmp_path / "parts", steps=12, kind=Averaged))
    assert [row["step"] for row in rows(tmp_path / "parts")] == list(range(1, 13))


def test_no_state_is_kept_unasked(tmp_path: Path) -> None:
    train(tmp_path)
    assert not (tmp_path / "checkpoints").exists()
