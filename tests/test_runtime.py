import ctypes
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sparring import runtime
from sparring.errors import RequestError
from sparring.runtime import (
    Machine,
    as_it_lies,
    busy,
    describe_machine,
    find_device,
    lay_out,
    random_state,
    resolve_precision,
    restore_random_state,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of eight cores and 64 GB, without an accelerator."""
    monkeypatch.setattr(runtime, "cores", lambda: 8)
    monkeypatch.setattr(runtime, "_memory", lambda: 64_000_000_000)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def cards(plain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with two cards of 8 GB."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    _give_memory(monkeypatch, 8_000_000_000)


def _give_memory(monkeypatch: pytest.MonkeyPatch, memory: int) -> None:
    """Of each card."""
    properties = SimpleNamespace(total_memory=memory)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda card: properties)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("jobs", "threads", "expected"),
    [
        (None, None, (8, 1)),
        (2, None, (2, 4)),
        (None, 4, (2, 4)),
        (16, None, (16, 1)),
        (3, 5, (3, 5)),
    ],
)
def test_a_cpu_plays_runs_side_by_side(
    jobs: int | None, threads: int | None, expected: tuple[int, int]
) -> None:
    machine = Machine.of(None, jobs, threads)
    assert (machine.device, machine.jobs, machine.threads) == (CPU, *expected)
    assert machine.device_of_job(5) == CPU


@pytest.mark.usefixtures("plain")
def test_few_runs_share_all_cores_unless_threads_were_asked_for() -> None:
    alone = Machine.of().for_runs(1)
    assert (alone.jobs, alone.threads) == (1, 8)
    asked = Machine.of(threads=2).for_runs(1)
    assert (asked.jobs, asked.threads) == (1, 2)
    assert Machine.of().for_runs(99) == Machine.of()


@pytest.mark.usefixtures("plain")
def test_little_memory_has_room_for_few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_memory", lambda: 7_000_000_000)
    assert Machine.of().jobs == 3
    monkeypatch.setattr(runtime, "_memory", lambda: 1_000_000_000)
    assert Machine.of().jobs == 1


@pytest.mark.usefixtures("cards")
def test_runs_are_spread_over_the_cards() -> None:
    machine = Machine.of("auto")
    assert (machine.device, machine.jobs, machine.threads) == (CUDA, 2, 4)
    assert [str(machine.device_of_job(i)) for i in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]
    one = Machine.of("cuda:1")
    assert (one.jobs, one.threads, one.device_of_job(7)) == (1, 8, torch.device("cuda:1"))


@pytest.mark.usefixtures("cards")
@pytest.mark.parametrize(("memory", "all_cards", "one_card"), [(20, 6, 3), (80, 8, 8), (4, 2, 1)])
def test_a_card_gets_as_many_runs_as_have_memory_and_a_core(
    memory: int, all_cards: int, one_card: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _give_memory(monkeypatch, memory * 1_000_000_000)
    assert Machine.of("cuda").jobs == all_cards
    assert Machine.of("cuda:0").jobs == one_card
    assert Machine.of("cuda", jobs=5).jobs == 5


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps", "gpu", "meta", "", "cpu:0"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match=f"no device '{name}' here; there are: cpu"):
        find_device(name)


@pytest.mark.usefixtures("cards")
def test_a_card_that_is_not_there_is_refused() -> None:
    with pytest.raises(RequestError, match="there are: cuda, cuda:0, cuda:1, cpu"):
        Machine.of("cuda:2")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx512f", "float32"), ("avx512_bf16 fpu", "bfloat16"), ("amx_bf16", "bfloat16")],
)
def test_the_processor_says_whether_it_has_bfloat16(
    flags: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # torch 2.9 and 2.10 have no such function.
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    text = f"processor\t: 0\nmodel name\t: Fast: 3\nflags\t\t: {flags}\n\nprocessor\t: 1\n"
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: text)
    assert resolve_precision("auto", CPU) == expected
    assert resolve_precision("float32", CPU) == "float32"
    assert describe_machine(CPU)["cpu"] == "Fast: 3"


def test_another_system_has_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(self: Path, encoding: str) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", absent)
    assert resolve_precision("auto", CPU) == "float32"
    assert resolve_precision("auto", torch.device("mps")) == "float32"
    assert describe_machine(CPU)["cpu"]


@pytest.mark.parametrize(("generation", "expected"), [((7, 5), "float32"), ((8, 0), "bfloat16")])
def test_a_card_says_whether_it_has_bfloat16(
    generation: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: generation)
    assert resolve_precision("auto", CUDA) == expected


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("load", "threads", "told"),
    [(0.2, 8, False), (1.0, 8, True), (1.0, 4, False), (5.0, 4, True), (20.0, 1, False)],
)
def test_a_busy_machine_is_told(
    load: float, threads: int, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    line = busy(threads)
    assert (line is not None) == told
    if line:
        assert f"load {load:.1f} on 8 cores" in line


def test_random_numbers_go_on_after_a_restored_state() -> None:
    state = random_state(CPU)
    expected = torch.rand(3)
    restore_random_state(CPU, state)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_machine_is_set_up_for_the_whole_process(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []
    monkeypatch.setattr(runtime, "keep_freed_memory", lambda: done.append("memory"))
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    for name in ("set_num_threads", "set_float32_matmul_precision", "use_deterministic_algorithms"):
        monkeypatch.setattr(torch, name, done.append)
    Machine(torch.device(device), 1, 3).set_up()
    assert done == ([3, "memory"] if device == "cpu" else [3, "memory", "high", False])
    assert torch.backends.cudnn.benchmark == (device == "cuda")


COUNT = """
import resource, torch
from sparring.runtime import keep_freed_memory, release

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

def use(times):
    before = faults()
    for _ in range(times):
        torch.zeros(64 << 20, dtype=torch.uint8)
    return faults() - before

plain = use(40)
keep_freed_memory()
kept, held = use(40), resident()
release()
print(plain, kept, held - resident())
"""


@pytest.mark.skipif(
    getattr(ctypes.CDLL(None), "mallopt", None) is None, reason="the C library is not glibc"
)
def test_freed_memory_is_used_again_until_it_is_released() -> None:
    # In a process of its own: the setting is the process's.
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    plain, kept, released = map(int, done.stdout.split())
    assert plain > 1000  # 40 times 64 MB: 655,360 pages of 4 kB, or 1,280 of 2 MB
    assert kept < plain / 2  # glibc takes a few turns to find a freed place again
    assert released > 60 << 20


def test_weights_and_gradients_lie_alike() -> None:
    convolution, weight = nn.Conv2d(3, 4, 2), torch.arange(48.0).view(4, 3, 2, 2)
    convolution.weight.data = weight.clone()
    lay_out(nn.Sequential(convolution, nn.Linear(2, 2)))
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(convolution.weight, weight)
    view = as_it_lies(convolution.weight.detach(), convolution.weight)
    assert view.shape == (4, 2, 2, 3)
    assert view.data_ptr() == convolution.weight.data_ptr()
    gradient = as_it_lies(weight, convolution.weight)
    assert gradient.is_contiguous()
    assert torch.equal(gradient, view)


@pytest.mark.parametrize("shape", [(), (5,), (4, 3), (6, 1, 1, 1), (6, 5, 1, 1), (2, 3, 4, 5)])
def test_any_dense_tensor_is_seen_as_it_lies(shape: tuple[int, ...]) -> None:
    tensor = torch.randn(shape)
    if len(shape) == 4:
        tensor = tensor.to(memory_format=torch.channels_last)
    view = as_it_lies(tensor, tensor)
    assert view.is_contiguous()
    assert view.data_ptr() == tensor.data_ptr()
    assert torch.equal(view.flatten(), tensor.as_strided((tensor.numel(),), (1,)))


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the second of the two processes that torchrun started here."""
    for name, value in {
        "TORCHELASTIC_RUN_ID": "x",
        "LOCAL_RANK": "1",
        "LOCAL_WORLD_SIZE": "2",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("plain", "launched")
def test_processes_of_torchrun_share_the_cores_and_play_one_run_at_a_time() -> None:
    for jobs in (None, 1):
        machine = Machine.of(jobs=jobs).for_runs(5)
        assert (machine.device, machine.jobs, machine.threads) == (CPU, 1, 4)
    assert Machine.of(threads=3).for_runs(1).threads == 3
    with pytest.raises(RequestError, match="leave --jobs out"):
        Machine.of(jobs=2)


@pytest.mark.usefixtures("cards", "launched")
def test_processes_of_torchrun_have_a_card_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Machine.of().device == torch.device("cuda:1")
    assert Machine.of("cpu").device == CPU
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(RequestError, match="3 processes but 2 cards: start one a card"):
        Machine.of()
