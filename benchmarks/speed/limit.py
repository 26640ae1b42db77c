"""The least time in which this machine could do a step: a roofline (Williams et al. 2009).

Arithmetic: the operations of every matrix product and convolution that our step computes, forward
and backward, counted while one is played (by the formulas of torch's flop counter; a multiply-add
is two), at the fastest rate measured here on any product or convolution in float32, or in bfloat16
where the machine computes with it.
What our networks leave out is left out here too: the limit is of the work as we do it.

Bytes: every product and convolution reads its operands and writes its results once, in the
precision of the training; all between them (norms, activations, losses) is thought to be fused
into them and costs nothing; Adam reads and writes a player's float32 weights and two moments once
a move. At the measured bandwidth of a copy. That is an estimate from below, so the fraction of
the limit that is reached is one, too.

The limit is the larger of the two times.
"""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from sparring.game import Batch, Labelled, Method, Pair, Shape, Unlabelled
from sparring.runtime import resolve_precision

ADAM_BYTES = 2 * 3 * 4
"""A weight and its two moments, float32, read and written."""


@dataclass(frozen=True)
class Work:
    """What one step does. operations: a multiply-add is two. operands: numbers that products and
    convolutions read and write. moved: weights that optimizers step.
    """

    operations: float
    operands: float
    moved: float

    def seconds(self, rates: "Rates", number_bytes: int) -> float:
        """The least time for it; `number_bytes` is the size of an operand."""
        traffic = self.operands * number_bytes + self.moved * ADAM_BYTES
        return max(self.operations / rates.operations, traffic / rates.bandwidth)


@dataclass(frozen=True)
class Rates:
    """The best that was measured: operations a second by precision, bytes a second.

    bfloat16: 0 on a machine without instructions for it, where it would take minutes to measure.
    """

    float32: float
    bfloat16: float
    bandwidth: float

    @property
    def operations(self) -> float:
        """Operations a second in the faster precision."""
        return max(self.float32, self.bfloat16)

    def best(self, other: "Rates") -> "Rates":
        """The better of both measurements, each for itself."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Rates(*(max(pair) for pair in pairs))


class _Counter(TorchDispatchMode):
    """Counts the operations of products and convolutions, and the numbers they read and write.

    FlopCounterMode itself tracks modules too, in a way that forbids `torch.autograd.grad`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations = self.operands = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.operations += formula(*args, **kwargs, out_val=result)
            results = result if isinstance(result, tuple) else (result,)
            tensors = [x for x in (*args, *results) if isinstance(x, Tensor)]
            self.operands += sum(tensor.numel() for tensor in tensors)
        return result


def count(method: Method, batch: Batch) -> Work:
    """Play one step's moves on the CPU, without stepping, and count. The method must be built."""
    method.train()
    players = {name: list(net.parameters()) for name, net in method.players().items()}
    moved = 0
    with _Counter() as counter:
        for move in method.moves(batch, 0.5):
            parameters = players[move.player]
            moved += sum(parameter.numel() for parameter in parameters)
            torch.autograd.grad(move.loss, parameters, allow_unused=True)
    return Work(counter.operations, counter.operands, moved)


def noise_batch(method: Method, shape: Shape, count: int) -> Batch:
    """A batch of noise of the kind that the method plays; labels are zeros."""
    image = torch.rand(count, 3, shape.size, shape.size) * 2 - 1
    image = image.to(memory_format=torch.channels_last)
    if method.batch_type is Unlabelled:
        return Unlabelled(image)
    if issubclass(Labelled, method.batch_type):
        return Labelled(image, torch.zeros(count, len(shape.labels)))
    return Pair(Labelled(image, torch.zeros(count, dtype=torch.long)), Unlabelled(image))


def step_work(method: Method, shape: Shape, batch_size: int) -> Work:
    """What a step on `batch_size` images (of each domain) does.

    Counted on 4 and on 8 images: everything is linear in the batch, and small batches are quick.
    """
    small, large = (count(method, noise_batch(method, shape, size)) for size in (4, 8))
    parts = zip(dataclasses.astuple(small), dataclasses.astuple(large), strict=True)
    return Work(*(at_4 + (at_8 - at_4) / 4 * (batch_size - 4) for at_4, at_8 in parts))


def fastest(work: Callable[[], Any], device: torch.device, seconds: float) -> float:
    """The shortest time of one call, in seconds, among as many as `seconds` allow (3 or more)."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        if device.type == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times)


def measure(device: torch.device, seconds: float = 1.5) -> Rates:
    """Measure the machine, in about `seconds`."""
    large = device.type == "cuda"
    sizes = (4096, 8192) if large else (512, 1024, 2048)
    images, channels = (256, (128, 256)) if large else (32, (64, 128))
    each = seconds / (2 * (len(sizes) + len(channels)) + 1)
    best = {torch.bfloat16: 0.0}
    dtypes = {torch.float32, getattr(torch, resolve_precision("auto", device))}
    for dtype in dtypes:
        rates = [_product_rate(size, dtype, device, each) for size in sizes]
        rates += [_convolution_rate(images, wide, dtype, device, each) for wide in channels]
        best[dtype] = max(rates)
    source = torch.ones((4096 if large else 256) * 2**20 // 4, device=device)
    target = torch.empty_like(source)
    copied = fastest(lambda: target.copy_(source), device, each)
    return Rates(best[torch.float32], best[torch.bfloat16], 2 * source.nbytes / copied)


@torch.no_grad()
def _product_rate(size: int, dtype: torch.dtype, device: torch.device, seconds: float) -> float:
    left = torch.rand(size, size, device=device).to(dtype)
    return 2 * size**3 / fastest(lambda: left @ left, device, seconds)


@torch.no_grad()
def _convolution_rate(
    images: int, channels: int, dtype: torch.dtype, device: torch.device, seconds: float
) -> float:
    """Of a padded 3x3 convolution on 32x32 maps, channels last; padding counts as work."""
    last = torch.channels_last
    image = torch.rand(images, channels, 32, 32, device=device).to(dtype, memory_format=last)
    weight = torch.rand(channels, channels, 3, 3, device=device).to(dtype, memory_format=last)
    operations = 2 * images * 32 * 32 * channels * channels * 9
    return operations / fastest(lambda: conv2d(image, weight, padding=1), device, seconds)
