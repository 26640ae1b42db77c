"""One tiny real training as a child process, through the real command, for each method.

A fresh child is a new interpreter; it imports torch first, which takes seconds. A forked child is
forked from multiprocessing's fork server, which has imported everything and done nothing: at each
fork it is checked to have one thread (and that of pyarrow's allocator, which is made for forks).
From there on both run `sparring.cli.main` alike, so most kills can be cheap. The training logs and
saves every second step unless told otherwise.
"""

import functools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tests.endurance.faults import Fault, inject

FACES = ("--images", "{data}/faces", "--width", "8", "--size", "32")
DIGITS = ("--source", "{data}/left", "--target", "{data}/right")
METHODS = {
    "dcgan": (16, FACES),
    "acgan": (16, (*FACES, "--labels", "all")),
    "dann": (6, (*DIGITS, "--encoder", "small")),
    "dsn": (4, DIGITS),
}
"""Each method's steps and data. DSN has its real size: a state is 400 MB."""

HANG = 900
"""Seconds after which a child counts as hanging."""


@dataclass(frozen=True)
class Order:
    """A training in `home`: `home/out` is its --out, `home/said` gets all that children print.

    `home/tmp` is the directory for temporary files, `home/cache` the one for what is learned about
    data sets. steps: 0 for the method's own.
    """

    method: str
    data: Path
    home: Path
    steps: int = 0
    save_every: float = 0.0
    fault: Fault | None = None

    @property
    def out(self) -> Path:
        return self.home / "out"

    @property
    def kept(self) -> tuple[Path, Path]:
        """The folders of all that outlives the command."""
        return self.out, self.home / "cache"

    def arguments(self) -> list[str]:
        """What follows `sparring` on the command line."""
        steps, data = METHODS[self.method]
        own = [part.format(data=self.data) for part in data]
        own += ["--budget", "smoke", "--steps", str(self.steps or steps), "--batch-size", "8"]
        own += ["--threads", "1"]
        return ["train", self.method, *own, "--out", str(self.out)]

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "Order":
        found: dict[str, Any] = json.loads(text)
        fault = Fault(**found["fault"]) if found["fault"] else None
        paths = {key: Path(found[key]) for key in ("data", "home")}
        return cls(**(found | paths | {"fault": fault}))


def prepare(order: Order) -> None:
    """Let this process train as `order` wants what the command line does not say."""
    from sparring import divergence
    from sparring.runs import common

    # No flag for it: it changes no result.
    # `common.length` makes every training that a person asks for.
    common.Training = functools.partial(common.Training, checkpoint_seconds=order.save_every)  # type: ignore[misc]
    # Trainings of a few steps would log each step and save none: these do as long ones do.
    intervals = divergence.LogIntervals(log=2, gradients=2, restore=2)
    divergence.LogIntervals.of = staticmethod(lambda steps: intervals)
    (order.home / "tmp").mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(order.home / "tmp")
    os.environ["XDG_CACHE_HOME"] = str(order.home / "cache")
    # Its list of fonts is no result, and may be half made when the process is killed.
    os.environ["MPLCONFIGDIR"] = str(order.data.parent / "matplotlib")


def _train(order: Order) -> None:
    """The body of a child. Leaves the number of its calls in `home/census.json`."""
    # In the background of a shell SIGINT would be ignored; a user's process has the defaults.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from sparring import cli

    prepare(order)
    sys.argv = ["sparring", *order.arguments()]
    (order.home / "begun").touch()
    counts = inject(order.fault)
    cli.main()
    # By calls that `inject` does not see: the training is over, and no fault may hit this.
    census = os.open(order.home / "census.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(census, json.dumps(dict(counts)).encode())
    os.close(census)


def _train_forked(order: Order, said: Path) -> None:
    """In a fork: do what Popen does for a fresh child."""
    tasks = Path(f"/proc/{os.getppid()}/task").iterdir()
    busy = [name for task in tasks if "jemalloc" not in (name := (task / "comm").read_text())]
    assert len(busy) == 1, f"forked among threads: {busy}"
    os.setsid()
    with said.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        _train(order)
    except KeyboardInterrupt:  # as an interpreter of its own ends
        sys.excepthook(*sys.exc_info())
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


@functools.cache
def _fork_server() -> Any:
    context = multiprocessing.get_context("forkserver")
    ours = "sparring.runs.schedule", "sparring.cli.train", "sparring.report.page", __name__
    # The rest is what the first training of a process imports.
    late = "torch._dynamo", "scipy.stats", "sklearn.cluster", "sklearn.metrics", "sklearn.neighbors"
    context.set_forkserver_preload([*ours, *late])
    return context


class Child:
    """A running training. Every child has a session of its own, numbered like its `pid`."""

    def __init__(self, order: Order, *, fresh: bool = False) -> None:
        order.home.mkdir(parents=True, exist_ok=True)
        self.said = order.home / "said"
        self.said.touch()
        self._begun = order.home / "begun"
        self._begun.unlink(missing_ok=True)
        self._start = self.said.stat().st_size
        self._process: Any
        if fresh:
            command = [sys.executable, "-m", __name__, order.to_json()]
            with self.said.open("ab") as file:
                self._process = subprocess.Popen(
                    command, stdout=file, stderr=file, start_new_session=True
                )
        else:
            self._process = _fork_server().Process(target=_train_forked, args=(order, self.said))
            self._process.start()
        self.pid: int = self._process.pid

    def wait(self, seconds: float) -> int | None:
        """The exit code, or minus the signal that ended it; None if it still runs by then."""
        if isinstance(self._process, subprocess.Popen):
            try:
                return self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                return None
        self._process.join(seconds)
        return self._process.exitcode

    def end(self) -> int:
        """Wait for the end, by itself. Counts its own seconds: a stopped harness sees no hang."""
        for _ in range(HANG):
            if (code := self.wait(1.0)) is not None:
                return code
        self.signal(signal.SIGKILL)
        raise AssertionError(f"process {self.pid} hung; see {self.said}")

    def until_begun(self) -> None:
        """Wait until the child is about to call the command's `main`."""
        while not self._begun.exists() and self.wait(0) is None:
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens where the child has ended."""
        if self.wait(0) is None:
            os.kill(self.pid, number)

    def lines(self) -> list[str]:
        """What this child printed so far."""
        with self.said.open("rb") as file:
            file.seek(self._start)
            return file.read().decode(errors="replace").splitlines()


def run(order: Order, fault: Fault | None = None, *, fresh: bool = False) -> tuple[int, list[str]]:
    """Train until the child ends; its exit code and what it printed."""
    child = Child(replace(order, fault=fault), fresh=fresh)
    return child.end(), child.lines()


def told(lines: list[str]) -> list[str]:
    """The lines that the command itself says on stderr."""
    return [line for line in lines if line.startswith("sparring: ")]


if __name__ == "__main__":
    _train(Order.from_json(sys.argv[1]))
