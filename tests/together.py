"""What ranks do in tests: compare themselves with one process, stop, go on, differ, and get lost.

Four processes play with two and with four of them, as torchrun would start them, and leave what
they measured in a folder: SIZE-RANK.json.
"""

import functools
import json
import multiprocessing
import os
import shutil
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD

from sparring import batch_norm, ranks
from sparring.errors import Stopped, WorkFailed
from sparring.game import Batch, Labelled, Method, Move, Pair, Unlabelled
from sparring.methods import DCGAN
from sparring.runtime import digest
from sparring.trainer import Trainer, Training
from tests.methods.cases import CASES, batches, built

CPU = torch.device("cpu")
ROWS, STEPS = 9, 8  # neither two nor four ranks have equal parts of nine rows
SETTINGS: dict[tuple[str, str], dict[str, Any]] = {
    ("dann", "strong"): {"strong_views": True},
    ("dcgan", "norm"): {"discriminator_batch_norm": True},
}
PLAYED = [*CASES, *SETTINGS]
THOROUGH = "THOROUGH" in os.environ
"""Whether every method is trained for 50 steps too, which takes minutes: `.ci/run` asks for it."""
TRAINED = {2: PLAYED[:1] + PLAYED[-2:], 4: [("dsn", "classes"), ("projection-gan", "classes")]}
"""What so many ranks train: between them, every kind of network and loss."""
Measured = dict[str, Any]


@dataclass(eq=False, kw_only=True)
class Coupled(DCGAN):
    """A method whose loss is of the whole batch, and that does not gather it."""

    def moves(self, batch: Unlabelled, progress: float) -> Iterator[Move]:
        for move in super().moves(batch, progress):
            spread = self.discriminator(batch.image)[0].var()
            yield move._replace(loss=move.loss + spread)


def method_of(name: str, kind: str) -> tuple[Method, Callable[[int], Batch]]:
    """A method with its networks, and its feed of whole batches."""
    settings = SETTINGS.get((name, kind), {})
    labels = {"strong": "classes", "norm": "none"}.get(kind, kind)
    if name == "coupled":
        plain = built("dcgan", labels)
        method: Method = Coupled(width=4, noise_size=8)
        method.generator, method.discriminator = plain.generator, plain.discriminator
    else:
        method = built(name, labels, **settings)
    return method, batches(method.batch_type, labels, ROWS)


def part(batch: Any) -> Any:
    """This rank's rows of a batch."""
    if isinstance(batch, Pair):
        return Pair(part(batch.source), part(batch.target))
    if isinstance(batch, Labelled):
        return Labelled(ranks.mine(batch.image), ranks.mine(batch.label))
    return Unlabelled(ranks.mine(batch.image))


def largest(tensor: Tensor) -> float:
    return tensor.abs().max().item() if tensor.numel() else 0.0


def error(found: Tensor, true: Tensor, floor: float = 0.0) -> float:
    """The largest error relative to the largest number, or to `floor` where that is more."""
    return largest(found - true) / (max(largest(true), floor) or 1.0)


def floor(key: str, true: dict[str, Tensor]) -> float:
    """For the gradient of a bias, the largest gradient of the same move.

    A bias's gradient is a plain sum over rows, of which little may be left: nothing but rounding
    errors where batch norm follows, which takes every constant away.
    """
    move, _, parameter = key.partition(" of ")
    if not parameter.endswith("bias"):
        return 0.0
    return max(largest(value) for other, value in true.items() if other.startswith(f"{move} of"))


def one_batch(name: str, kind: str, number: int) -> dict[str, Tensor]:
    """Losses, gradients and buffers of one batch, by name, at the weights of the beginning."""
    method, feed = method_of(name, kind)
    method.train()
    seen = {}
    torch.manual_seed(7)
    with batch_norm.joint(method):
        for place, move in enumerate(method.moves(part(feed(number)), 0.9)):
            player = method.players()[move.player]
            own = dict(player.named_parameters())
            loss = ranks.weighted(move.loss)
            gradients = torch.autograd.grad(loss, list(own.values()), retain_graph=True)
            found = zip(own, ranks.averaged(gradients), strict=True)
            seen |= {f"gradient {place} of {key}": gradient for key, gradient in found}
            seen[f"loss {place}"] = ranks.average(loss.detach())
            for key, term in move.terms.items():
                seen[f"term {place} {key}"] = ranks.average(ranks.weighted(term.detach()))
        method.stepped(0.9)
    buffers = {key: value.clone().float() for key, value in method.named_buffers()}
    return seen | buffers | {"random": torch.get_rng_state().float()}


@functools.cache
def by_itself(name: str, kind: str, number: int) -> dict[str, Tensor]:
    return one_batch(name, kind, number)


def compare(name: str, kind: str) -> Measured:
    """Two batches as ranks have them against one process, each; the first rank measures.

    The batch that agrees better counts, in all its numbers: where one lies within rounding of a
    ReLU's corner or a pooling's tie, rounding decides on which side, and a gradient differs by
    percents. (So it is with DSN's first batch on a processor with AVX2, where noise of 3e-7 does
    the same.)
    """
    measured = []
    for number in (0, 1):
        with ranks.together(ROWS):
            found = one_batch(name, kind, number)
        true = by_itself(name, kind, number) if ranks.first() else found
        errors = {key: error(found[key], value, floor(key, true)) for key, value in true.items()}
        worst = max(errors, key=lambda key: errors[key])
        measured.append({"error": errors[worst], "where": worst, "numbers": len(errors)})
    return min(measured, key=lambda batch: batch["error"])


def train(
    name: str,
    kind: str,
    folder: Path,
    spoil: Callable[[Method, int], None] = lambda method, step: None,
    steps: int = STEPS,
) -> Method:
    """A whole training. spoil: called with the method before each step.

    By SGD: Adam's first steps have the full length wherever a gradient is but a rounding error.
    """
    method, feed = method_of(name, kind)
    method.optimizer = lambda player, weights: SGD(weights, lr=0.01, momentum=0.9)  # type: ignore[method-assign]
    folder.mkdir(parents=True, exist_ok=True)
    place = folder if ranks.first() else folder / "not here"  # nor need it be there

    def own(step: int) -> Batch:
        spoil(method, step)
        batch: Batch = part(feed(step))
        return batch

    Trainer(method, own, Training(steps, ROWS, "float32"), place, CPU).run()
    return method


def weights(name: str, kind: str, folder: Path, steps: int = STEPS) -> str:
    """The hash of a method's weights at the end of its training."""
    method = train(name, kind, folder / f"{name}-{kind}", steps=steps)
    return digest(method.state_dict().values())


def stop(folder: Path) -> str:
    """Train until the second rank is told to stop; the words of the end."""

    def told(method: Method, step: int) -> None:
        if step == 4 and not ranks.first():
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        train("mean-teacher", "classes", folder, told)
    except Stopped as stopped:
        return str(stopped)
    return "not stopped"


def differ(folder: Path) -> str:
    """Train while a weight of the second rank changes; the words of the end."""

    def changed(method: Method, step: int) -> None:
        if step == 6 and not ranks.first():
            with torch.no_grad():
                next(method.parameters()).mul_(1.001)

    try:
        train("dcgan", "none", folder, changed)
    except WorkFailed as failure:
        return str(failure)
    return "not seen"


def lose(folder: Path) -> str:
    """Train until the last rank dies; the words of the end."""

    def dies(method: Method, step: int) -> None:
        if step == 4 and torch.distributed.get_rank() == 3:
            os._exit(0)

    try:
        train("dcgan", "none", folder, dies)
    except WorkFailed as failure:
        return str(failure)
    return "not seen"


def work(size: int, folder: Path) -> Measured:
    """All that `size` ranks do."""
    both = [*PLAYED, ("coupled", "none")]
    found: Measured = {"compared": {f"{name} {kind}": compare(name, kind) for name, kind in both}}
    found["ended"] = {f"{n} {k}": weights(n, k, folder / str(size)) for n, k in TRAINED[size]}
    cases = PLAYED if THOROUGH else []
    found["fifty steps"] = {f"{n} {k}": weights(n, k, folder / f"50 {size}", 50) for n, k in cases}
    if size == 2:
        return found | {"stopped": stop(folder / "stopped"), "differing": differ(folder / "differ")}
    train("mean-teacher", "classes", folder / "gone on")
    return found | {"lost": lose(folder / "lost")}


def member(rank: int, folder: Path, port: int) -> None:
    """One of four processes, as torchrun would start it."""
    torch.set_num_threads(1)
    os.environ |= {"TORCHELASTIC_RUN_ID": "test", "MASTER_ADDR": "127.0.0.1"}
    os.environ["TORCHELASTIC_RESTART_COUNT"] = "0"
    try:
        for size in (2, 4):
            told = {"RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port + size}
            os.environ |= {key: str(value) for key, value in told.items()}
            if rank < size:
                with ranks.joined(CPU):
                    found = work(size, folder)
                (folder / f"{size}-{rank}.json").write_text(json.dumps(found))
            if size == 2 and rank == 0:
                shutil.copytree(folder / "stopped", folder / "gone on")
    except BaseException:
        (folder / f"failed-{rank}").write_text(traceback.format_exc())
        raise


def attempt(rank: int, count: int, port: int) -> None:
    """One of two processes of an attempt: it joins the other, and is gone without a word."""
    told = {"RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port, "MASTER_ADDR": "127.0.0.1"}
    told |= {"TORCHELASTIC_RUN_ID": "test", "TORCHELASTIC_RESTART_COUNT": count}
    os.environ |= {key: str(value) for key, value in told.items()}
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "True"
    with ranks.joined(CPU):
        os._exit(ranks.same(rank))


def play(folder: Path) -> dict[str, Measured]:
    """Play it all; what each rank measured, by SIZE-RANK."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1] % 60000
    processes = [context.Process(target=member, args=(rank, folder, port)) for rank in range(4)]
    for process in processes:
        process.start()
    end = time.monotonic() + 600  # on two idle cores it takes two minutes to three and a half
    while any(process.is_alive() for process in processes) and time.monotonic() < end:
        if any(folder.glob("failed-*")):  # the others would wait for it
            break
        time.sleep(0.1)
    for process in processes:
        process.join(1)  # one that failed is about to say why
        process.kill()
    failures = [path.read_text() for path in sorted(folder.glob("failed-*"))]
    assert not failures, "\n".join(failures)
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("?-?.json"))}
