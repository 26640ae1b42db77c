"""The machine: which device, in what arithmetic, and how tensors lie in its memory.

The one place that knows it. Knows no network of ours, no training and no file.
"""

import ctypes
import gc
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Precision = Literal["auto", "float32", "bfloat16"]


def resolve_precision(precision: Precision, device: torch.device) -> Precision:
    """What "auto" can mean here: bfloat16 where the machine computes with it, else float32.

    Parameters, losses, norms and optimizers are float32 in either case.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        capable = torch.cuda.is_bf16_supported()
    else:
        found = torch.cpu.get_capabilities()
        capable = found.get("avx512_bf16", False) or found.get("amx_bf16", False)
    return "bfloat16" if capable else "float32"


def device() -> torch.device:
    """Where networks are trained."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # options of glibc's mallopt


def prepare(network: nn.Module) -> None:
    """Make ready for many equal steps: `network`'s weights, and this process's allocator."""
    lay_out(network)
    keep_freed()


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
    strides = like.stride()
    order = sorted(range(like.ndim), key=lambda dimension: -strides[dimension])
    return tensor.permute(order).contiguous()


def keep_freed() -> None:
    """Keep the memory of freed tensors for the next step's, until `release`.

    glibc asks the system for every large tensor anew and gives it back at once. The system clears
    each page at its first use, which on one virtual machine took a sixth to two fifths of a step's
    time (docs/log.md). Does nothing where there is no glibc.
    """
    if set_option := _of_c_library("mallopt"):
        set_option(_MMAP_MAX, 0)
        set_option(_TRIM_THRESHOLD, -1)


def release() -> None:
    """Give back what a run held: else the next ones come on top of the largest so far."""
    gc.collect()  # a trainer and what it calls refer to each other
    if trim := _of_c_library("malloc_trim"):
        trim(0)


def _of_c_library(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None)
