"""What the allocator does is seen in a process of its own: the setting is the process's."""

import ctypes
import subprocess
import sys

import pytest
import torch
from torch import nn

from sparring.runtime import as_it_lies, lay_out

COUNT = """
import resource, torch
from sparring.runtime import (keep_freed, release)

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
keep_freed()
kept, held = use(40), resident()
release()
print(plain, kept, held - resident())
"""


@pytest.mark.skipif(
    getattr(ctypes.CDLL(None), "mallopt", None) is None, reason="the C library is not glibc"
)
def test_freed_memory_is_used_again_until_it_is_released() -> None:
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
