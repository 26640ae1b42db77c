"""Processes that train one network together, numbered by rank.

The one place that knows torch.distributed. Every rank plays the same moves, with the same weights
and the same random numbers, on its own rows of each batch. What is of the whole batch is put
together here: gradients, numbers for the log, and what a method makes of all rows at once. Outside
`together`, and in a process by itself, each function gives back what it was given. Knows no method
and no trainer.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from sparring.errors import RequestError, WorkFailed, one_line
from sparring.launch import launched

T = TypeVar("T")
P = ParamSpec("P")

_PATIENCE = timedelta(days=1)
"""How long a rank waits for another, which may be judging a model. A dead one is seen at once."""


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Inside, the processes that torchrun started know each other. device: this process's.

    Raises RequestError for a device whose processes cannot.
    """
    if not launched():
        yield
        return
    if device.type not in ("cpu", "cuda"):
        raise RequestError(f"several processes train on --device cpu or cuda, not {device.type}")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backends = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    with _reaching_others():
        # torchrun has one store for all attempts: what the last one left in it is out of date.
        store, rank, ranks = next(dist.rendezvous("env://", timeout=_PATIENCE))
        store = dist.PrefixStore(f"attempt {os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
        dist.init_process_group(
            backends, store=store, rank=rank, world_size=ranks, timeout=_PATIENCE
        )
    yield
    dist.destroy_process_group()  # after an exception others may be gone, and it would wait


def count() -> int:
    """How many ranks there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def first() -> bool:
    """Whether this is the rank that writes, judges and speaks."""
    return count() == 1 or dist.get_rank() == 0


def by_first(work: Callable[P, None]) -> Callable[P, None]:
    """`work`, done by the first rank; the others go on at once."""

    @wraps(work)
    def done_once(*args: P.args, **named: P.kwargs) -> None:
        if first():
            work(*args, **named)

    return done_once


@dataclass(frozen=True)
class _Share:
    """The rows of a batch of `total` that are this rank's: from `start` up to `stop`."""

    start: int
    stop: int
    total: int

    def __len__(self) -> int:
        return self.stop - self.start


_share: _Share | None = None  # None: whoever asks works alone


@contextmanager
def _sharing(share: _Share | None) -> Iterator[None]:
    global _share
    before, _share = _share, share
    try:
        yield
    finally:
        _share = before


@contextmanager
def together(rows: int) -> Iterator[None]:
    """Inside, every rank works on its part of each batch of `rows`, in order of the ranks.

    Raises RequestError where there are fewer rows than ranks.
    """
    ranks = count()
    if rows < ranks:
        raise RequestError(
            f"a batch of {rows} images is too small for {ranks} processes: raise --batch-size"
        )
    own = dist.get_rank() if ranks > 1 else 0
    start, stop = (rows * rank // ranks for rank in (own, own + 1))
    with _sharing(_Share(start, stop, rows) if ranks > 1 else None):
        yield


@contextmanager
def alone() -> Iterator[None]:
    """Inside, this rank works by itself, on whole batches."""
    with _sharing(None):
        yield


def sharing() -> bool:
    """Whether batches are shared with other ranks, here and now."""
    return _share is not None


def mine(rows: Tensor, dim: int = 0) -> Tensor:
    """This rank's of the rows of a whole batch, or of several that lie one behind another."""
    if _share is None:
        return rows
    batches = rows.unflatten(dim, (-1, _share.total))
    return batches.narrow(dim + 1, _share.start, len(_share)).flatten(dim, dim + 1)


def drawn(draw: Callable[[int], Tensor], rows: int, dim: int = 0) -> Tensor:
    """Random numbers for `rows` rows; draw: for how many to what is drawn, with rows along `dim`.

    Every rank draws for all rows and keeps its own, so that what a row gets, and where the random
    generator is afterwards, does not depend on the number of ranks.
    """
    if _share is None:
        return draw(rows)
    return mine(draw(rows * _share.total // len(_share)), dim)


def whole(rows: Tensor) -> Tensor:
    """The rows of all ranks for a batch of which these are this rank's.

    Gradients come back from what every rank makes of them. For losses and statistics that are no
    mean over rows.
    """
    if _share is None:
        return rows
    found: Tensor = _Gather.apply(rows, _share.start, _share.total)
    return found


def of_each(row: Tensor) -> Tensor:
    """A row [N] of each rank, as [R, N]; gradients come back as in `whole`."""
    if _share is None:
        return row[None]
    found: Tensor = _Gather.apply(row[None], dist.get_rank(), count())
    return found


class _Gather(torch.autograd.Function):
    """Own rows, from `start` on, among `total` of all ranks."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, start: int, total: int) -> Tensor:
        ctx.place = slice(start, start + len(own))
        rows = own.new_zeros(total, *own.shape[1:])
        rows[ctx.place] = own
        return _summed(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return (
            _summed(gradients[0].clone(memory_format=torch.contiguous_format))[ctx.place],
            None,
            None,
        )


def weighted(mean: Tensor) -> Tensor:
    """A mean over own rows, so weighted that the ranks' mean of it is the mean over all rows.

    For the loss, not for its gradients: through batch norm they come from all ranks' losses.
    """
    return mean if _share is None else mean * (len(_share) * count() / _share.total)


def averaged(tensors: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The ranks' mean of float32 tensors, in one message. The same ones are None at every rank."""
    if _share is None:
        return list(tensors)
    there = [tensor for tensor in tensors if tensor is not None]
    flat = _summed(torch.cat([tensor.flatten() for tensor in there])).div_(count())
    parts = iter(flat.split([tensor.numel() for tensor in there]))
    return [None if tensor is None else next(parts).view(tensor.shape) for tensor in tensors]


def average(tensor: Tensor) -> Tensor:
    """The ranks' mean of a tensor, without gradients."""
    return tensor if _share is None else _summed(tensor.clone()).div_(count())


def same(value: T) -> T:
    """The first rank's `value`, at every rank."""
    if count() == 1:
        return value
    box = [value]
    with _reaching_others():
        dist.broadcast_object_list(box, src=0)
    return box[0]


def largest(number: int) -> int:
    """The largest of the ranks' numbers."""
    if _share is None:
        return number
    found = torch.tensor(number)
    with _reaching_others():
        dist.all_reduce(found, dist.ReduceOp.MAX)
    return int(found)


def differing(value: str) -> list[int]:
    """The ranks whose `value` is not that of the first one."""
    if _share is None:
        return []
    values: list[Any] = [None] * count()
    with _reaching_others():
        dist.all_gather_object(values, value)
    return [rank for rank, other in enumerate(values) if other != values[0]]


def _summed(tensor: Tensor) -> Tensor:
    """`tensor`, which becomes the sum over the ranks, bit for bit the same at each."""
    with _reaching_others():
        dist.all_reduce(tensor)
    return tensor


@contextmanager
def _reaching_others() -> Iterator[None]:
    """Raise WorkFailed where another rank has gone."""
    try:
        yield
    except RuntimeError as error:
        found = re.sub(r"^\[\S+\] ", "", str(error)).partition(". ")[0]  # without its place in gloo
        raise WorkFailed(
            "another process of this training has ended before its time: start again, to go on "
            f"({one_line(found)})"
        ) from error
