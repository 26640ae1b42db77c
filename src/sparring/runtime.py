"""The machine: which device, in what arithmetic, how many runs at once, how tensors lie in memory.

The one place that knows it. What holds for the whole process is set by `Machine.set_up` alone,
which the command line and its child processes call. Knows no training and no file of ours.
"""

import ctypes
import gc
import hashlib
import os
import platform
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from sparring import launch, ranks
from sparring.errors import RequestError

Precision = Literal["auto", "float32", "bfloat16"]

MEMORY_OF_A_RUN = 2_000_000_000
"""Bytes of main memory that a run takes at the most, on the CPU, in sizes of the source report."""
MEMORY_ON_A_CARD = 6_000_000_000
"""Bytes of a card's memory that are kept free for each run."""
RUNS_ON_A_CARD = 8
"""Runs at once on a card, at most: one alone leaves it idle for most of the time, waiting for the
core that starts its kernels; eight on an H100 trained as fast each as one (docs/performance.md)."""


@dataclass(frozen=True)
class Machine:
    """What runs are played on.

    device: "cuda" without a number stands for all cards. threads: of each run.
    jobs: runs at once, each in a process of its own.
    threads_asked: whether someone wants just that many threads, however few runs there are.
    """

    device: torch.device
    jobs: int
    threads: int
    threads_asked: bool = False

    @classmethod
    def of(
        cls, device: str | None = None, jobs: int | None = None, threads: int | None = None
    ) -> Self:
        """The machine at hand; what is None (or "auto") is chosen.

        On a CPU one thread a run, which waits for no other thread on a busy machine; on cards as
        many runs each as have a core and memory. Of processes that torchrun started each has its
        part of the machine, and plays the runs with the others, one after another. Raises
        RequestError for what is not there.
        """
        found = find_device(device)
        if launch.launched():
            return cls._part(found, jobs, threads)
        if jobs is None and found.type == "cpu":
            jobs = max(1, min(cores() // (threads or 1), _memory() // MEMORY_OF_A_RUN))
        elif jobs is None:
            jobs = _runs_on_cards(found) if found.type == "cuda" else 1
        share = max(1, cores() // jobs)
        return cls(found, jobs, threads or share, threads is not None)

    @classmethod
    def _part(cls, device: torch.device, jobs: int | None, threads: int | None) -> Self:
        if jobs not in (None, 1):
            raise RequestError("processes of torchrun play one run at a time: leave --jobs out")
        here, number = launch.count_here(), launch.number_here()
        if device == torch.device("cuda"):
            if here > (cards := torch.cuda.device_count()):
                raise RequestError(f"{here} processes but {cards} cards: start one a card")
            device = torch.device("cuda", number)
        return cls(device, 1, threads or max(1, cores() // here), threads_asked=True)

    def for_runs(self, runs: int) -> Self:
        """The machine for so many runs: where they are few, each gets the threads of more."""
        jobs = max(1, min(self.jobs, runs))
        threads = self.threads if self.threads_asked else max(1, cores() // jobs)
        return replace(self, jobs=jobs, threads=threads)

    def device_of_job(self, number: int) -> torch.device:
        """Where run `number` (from 0) of those at once is played: spread over the cards."""
        if self.device == torch.device("cuda"):
            return torch.device("cuda", number % torch.cuda.device_count())
        return self.device

    def set_up(self, deterministic: bool = False) -> None:
        """Set what holds for the whole process: threads, arithmetic, the allocator.

        deterministic: the same numbers at every repetition on a card; operations that cannot have
            that raise RuntimeError.
        """
        torch.set_num_threads(self.threads)
        keep_freed_memory()
        if self.device.type == "cuda":
            torch.set_float32_matmul_precision("high")  # TF32
            torch.backends.cudnn.benchmark = not deterministic
            torch.use_deterministic_algorithms(deterministic)
        if deterministic:  # cuBLAS reads it when it starts
            os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"


def find_device(name: str | None = None) -> torch.device:
    """The device called "cpu", "cuda", "cuda:1" or "mps"; the fastest for None or "auto".

    Raises RequestError for one that is not there.
    """
    there = [torch.device("cpu")]
    if torch.backends.mps.is_available():
        there.insert(0, torch.device("mps"))
    if torch.cuda.is_available():
        cards = [torch.device("cuda", number) for number in range(torch.cuda.device_count())]
        there = [torch.device("cuda"), *cards, *there]
    if name in (None, "auto"):
        return there[0]
    for device in there:
        if str(device) == name:
            return device
    raise RequestError(f"no device '{name}' here; there are: {', '.join(map(str, there))}")


def resolve_precision(precision: Precision, device: torch.device) -> Precision:
    """What "auto" means here: bfloat16 where the machine has instructions for it, else float32.

    Parameters, losses, norms and optimizers are float32 in either case.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        capable = torch.cuda.get_device_capability(device) >= (8, 0)  # from Ampere on
    else:
        flags = _processor("flags").split() if device.type == "cpu" else []
        capable = "avx512_bf16" in flags or "amx_bf16" in flags
    return "bfloat16" if capable else "float32"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def busy(threads: int) -> str | None:
    """A line for the user where so many threads will wait for other programs'; None where not.

    Several, which wait for each other, fell to a tenth of their speed beside one busy process.
    """
    load = os.getloadavg()[0]
    if threads == 1 or load + threads < cores() + 0.7:
        return None
    return (
        f"this machine is busy (load {load:.1f} on {cores()} cores): {threads} threads will wait "
        "for each other; one thread (--threads 1) may be faster"
    )


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Versions and hardware, for the record of a run."""
    cuda = device.type == "cuda"
    return {
        "python": sys.version.split()[0],
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "cpu": _processor("model name") or platform.processor() or platform.machine(),
        "device": torch.cuda.get_device_name(device) if cuda else device.type,
        "threads": torch.get_num_threads(),
        "processes": ranks.count(),
    }


def _processor(field: str) -> str:
    """A field of Linux's description of the first core; "" where there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(rf"^{field}\s*: (.*)", text, re.MULTILINE)
    return found[1] if found else ""


def _runs_on_cards(device: torch.device) -> int:
    """Runs at once on a card, or on all cards where `device` has no number."""
    every = [device] if device.index is not None else range(torch.cuda.device_count())
    least = min(torch.cuda.get_device_properties(card).total_memory for card in every)
    each = min(RUNS_ON_A_CARD, cores() // len(every), least // MEMORY_ON_A_CARD)
    return max(1, each) * len(every)


def _memory() -> int:
    """Bytes of main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def random_state(device: torch.device) -> dict[str, Tensor]:
    """State of the global random generators that a training on `device` draws from."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def restore_random_state(device: torch.device, state: dict[str, Tensor]) -> None:
    """Draw on as after `random_state` gave `state`. Raises KeyError for one of another device."""
    torch.set_rng_state(state["cpu"].cpu())
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state["mps"].cpu())


def digest(tensors: Iterable[Tensor]) -> str:
    """SHA-256 of the tensors' bytes."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


def lay_out(network: nn.Module) -> None:
    """Put the weights of convolutions into the memory layout that they are fastest in."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)


def as_it_lies(tensor: Tensor, like: Tensor) -> Tensor:
    """`tensor`, its dimensions in the order in which those of `like` lie in memory; contiguous.

    A view where it lies as `like` does, else a copy. For fused Adam, which pairs weights, gradients
    and moments by their places in memory, and copies what is not contiguous at every step.
    """
    order = sorted(range(like.ndim), key=like.stride, reverse=True)
    return tensor.permute(order).contiguous()


def keep_freed_memory() -> None:
    """Keep the memory of freed tensors for the next step's, until `release`.

    glibc gives large tensors back at once, and the system clears each page anew at its first use:
    a sixth to two fifths of a step's time (docs/log.md). Does nothing where there is no glibc.
    """
    if set_option := _of_c_library("mallopt"):
        trim_threshold, mmap_max = -1, -4
        set_option(mmap_max, 0)
        set_option(trim_threshold, -1)


def release() -> None:
    """Give back what a run held."""
    gc.collect()  # a trainer and what it calls refer to each other
    if trim := _of_c_library("malloc_trim"):
        trim(0)


def _of_c_library(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None)
