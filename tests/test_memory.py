"""What the allocator does is seen in a process of its own: the setting is the process's."""

import ctypes
import subprocess
import sys

import pytest
import torch
from torch import nn

from sparring.memory import laid_out, lay_out

COUNT = """
import resource, torch
from sparring.memory import keep_freed, release

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
    convolution, weight = nn.Conv2d(3, 4, 3), torch.arange(108.0).view(4, 3, 3, 3)
    convolution.weight.data = weight.clone()
    lay_out(nn.Sequential(convolution, nn.Linear(2, 2)))
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(convolution.weight, weight)
    gradient = laid_out(weight, convolution.weight)
    assert gradient.stride() == convolution.weight.stride() != weight.stride()
    assert torch.equal(gradient, weight)
    assert laid_out(gradient, convolution.weight) is gradient
