"""Ranks that train together do what one process does; see tests/together.py for how."""

import multiprocessing
import shutil
from pathlib import Path

import pytest
import torch
from torch.distributed import TCPStore

from sparring import ranks
from sparring.errors import RequestError
from tests.together import (
    PLAYED,
    STEPS,
    THOROUGH,
    TRAINED,
    Measured,
    attempt,
    error,
    play,
    train,
)
from tests.training import rows

NAMES = [f"{name} {kind}" for name, kind in PLAYED]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("together")


@pytest.fixture(scope="module")
def seen(folder: Path) -> dict[str, Measured]:
    return play(folder)


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_losses_gradients_and_statistics_are_those_of_one_process(
    seen: dict[str, Measured], name: str, size: int
) -> None:
    found = seen[f"{size}-0"]["compared"][name]
    assert found["numbers"] > 10
    assert found["error"] < 1e-5, found["where"]


@pytest.mark.parametrize("size", [2, 4])
def test_a_method_that_couples_a_batch_and_does_not_gather_it_is_found(
    seen: dict[str, Measured], size: int
) -> None:
    assert seen[f"{size}-0"]["compared"]["coupled none"]["error"] > 1e-2


@pytest.mark.parametrize("size", [2, 4])
def test_weights_are_bit_equal_at_every_rank(seen: dict[str, Measured], size: int) -> None:
    first, *others = [seen[f"{size}-{rank}"]["ended"] for rank in range(size - (size == 4))]
    assert list(first) == [f"{name} {kind}" for name, kind in TRAINED[size]]
    assert all(other == first for other in others)


@pytest.mark.skipif(not THOROUGH, reason="takes minutes: THOROUGH=1 asks for it")
@pytest.mark.parametrize("size", [2, 4])
def test_weights_of_every_method_are_bit_equal_after_fifty_steps(
    seen: dict[str, Measured], size: int
) -> None:
    first, *others = [seen[f"{size}-{rank}"]["fifty steps"] for rank in range(size - (size == 4))]
    assert list(first) == NAMES
    assert all(other == first for other in others)


@pytest.mark.parametrize(
    ("size", "name", "kind"), [(size, *case) for size, cases in TRAINED.items() for case in cases]
)
@pytest.mark.usefixtures("seen")
def test_the_log_is_that_of_one_process(
    folder: Path, size: int, name: str, kind: str, tmp_path: Path
) -> None:
    train(name, kind, tmp_path)
    found = rows(folder / f"{size}/{name}-{kind}")
    assert [row["step"] for row in found] == list(range(1, STEPS + 1))
    for row, true in zip(found, rows(tmp_path), strict=True):
        for group in ("losses", "terms"):
            assert row.get(group, {}) == pytest.approx(true.get(group, {}), rel=1e-3, abs=1e-4)


def test_a_stop_reaches_all_ranks_and_any_number_goes_on(
    seen: dict[str, Measured], folder: Path, tmp_path: Path
) -> None:
    words = "stopped at step 5; all is saved"
    assert [seen[f"2-{rank}"]["stopped"] for rank in (0, 1)] == [words, words]
    shutil.copytree(folder / "stopped", tmp_path / "one")
    true = train("mean-teacher", "classes", tmp_path / "whole").state_dict()
    found = train("mean-teacher", "classes", tmp_path / "one").state_dict()
    assert max(error(found[name].float(), value.float()) for name, value in true.items()) < 1e-4
    for name in ("one", "whole"):
        assert [row["step"] for row in rows(tmp_path / name)] == list(range(1, STEPS + 1))
    four = rows(folder / "gone on")
    assert [row["step"] for row in four] == list(range(1, STEPS + 1))
    assert four[-1]["losses"] == pytest.approx(rows(tmp_path / "whole")[-1]["losses"], rel=1e-4)


def test_weights_that_come_to_differ_end_the_training_in_one_line(
    seen: dict[str, Measured],
) -> None:
    words = "at step 8 process 1 no longer has the weights of process 0; start again, to go on"
    assert all(words in seen[f"2-{rank}"]["differing"] for rank in (0, 1))


def test_a_lost_rank_ends_the_others_in_one_line(seen: dict[str, Measured]) -> None:
    for rank in range(3):
        words = seen[f"4-{rank}"]["lost"]
        assert words.startswith("another process of this training has ended before its time")
        assert "\n" not in words
    assert "4-3" not in seen


def test_by_itself_a_process_gets_back_what_it_gives() -> None:
    image = torch.rand(4, 3)
    with ranks.joined(torch.device("cpu")), ranks.together(4):
        assert ranks.first()
        assert not ranks.sharing()
        assert all(f(image) is image for f in (ranks.mine, ranks.whole, ranks.average))
        assert ranks.weighted(image) is image
        assert ranks.averaged([image, None])[0] is image


def test_an_attempt_reads_no_address_that_the_one_before_left() -> None:
    # In a store that it shares with that one, as torchrun's: a process that is early would connect
    # to a dead one, and end with "connection refused" after some seconds.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    context = multiprocessing.get_context("forkserver")
    keys = [store.num_keys()]
    for count in (0, 1):
        both = [context.Process(target=attempt, args=(n, count, store.port)) for n in (0, 1)]
        for process in both:
            process.start()
        for process in both:
            process.join(300)
        assert [process.exitcode for process in both] == [0, 0]
        keys.append(store.num_keys())
    assert keys[2] - keys[1] == 2  # each has written its own, and none in place of another


def test_only_some_devices_serve_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    with (
        pytest.raises(RequestError, match="--device cpu or cuda, not mps"),
        ranks.joined(torch.device("mps")),
    ):
        pass
