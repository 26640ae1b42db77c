"""Kill one of the processes that train together, at any moment, and compare how the trainings end.

    python -m tests.endurance.ranks --trials 10

The undisturbed training of two processes is played once, under torchrun. Then, in each trial, one
of the two gets SIGKILL at a random moment: from the interpreter's first instruction to the building
of the report. In every other trial torchrun may start both again, and the command must end well by
itself; in the others all processes must end, with one line at most of ours, and the same command is
given again. The fingerprint must be that of the undisturbed training, with the same files and no
temporary one, no lock and no process left. Prints a line a trial; exits with 1 if one failed. Needs
Linux (/proc).
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tests.endurance.evidence import differences, files, fingerprint, locked, state
from tests.endurance.subject import HANG, METHODS, Order, told
from tests.endurance.tiny import make_data

RANKS = 2


@dataclass
class Launch:
    """A torchrun of `order`, in a session of its own, as its processes are."""

    order: Order
    restarts: int = 0

    def __post_init__(self) -> None:
        self.order.home.mkdir(parents=True, exist_ok=True)
        said = self.order.home / "said"
        said.touch()
        self._said, self._start = said, said.stat().st_size
        own = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={RANKS}"]
        own += [f"--max-restarts={self.restarts}", "-m", "tests.endurance.subject"]
        with said.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, *own, self.order.to_json()],
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self.seen: set[int] = set()

    def members(self) -> list[int]:
        """The processes that train, where they run."""
        try:
            place = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            found = [int(pid) for pid in place.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            return []
        self.seen |= set(found)
        return found

    def kill_one(self, moment: float, chance: random.Random) -> str:
        """Kill a process that trains, `moment` seconds from now; "" where it came too late."""
        end = time.monotonic() + moment
        while self.process.poll() is None:
            found = self.members()
            if time.monotonic() > end and found:
                victim = chance.choice(found)
                try:
                    environment = Path(f"/proc/{victim}/environ").read_bytes().split(b"\0")
                    rank = next((x for x in environment if x.startswith(b"RANK=")), b"RANK=?")
                    os.kill(victim, signal.SIGKILL)
                except (OSError, ProcessLookupError):
                    return ""
                return f"{rank.decode()} killed after {moment:.1f} s"
            time.sleep(0.02)
        return ""

    def end(self) -> int:
        """The exit code."""
        for _ in range(10 * HANG):
            self.members()
            if (code := self.process.poll()) is not None:
                return code
            time.sleep(0.1)
        self.process.kill()
        raise AssertionError(f"torchrun {self.process.pid} hung; see {self._said}")

    def lines(self) -> list[str]:
        """What it printed."""
        return self._said.read_bytes()[self._start :].decode(errors="replace").splitlines()

    def left(self) -> list[int]:
        """Processes that outlive it by ten seconds."""
        for _ in range(100):
            if not (alive := [pid for pid in self.seen if state(pid) not in ("", "Z", "X")]):
                break
            time.sleep(0.1)
        return alive


def trial(
    order: Order, restarts: int, moment: float, chance: random.Random
) -> tuple[str, list[str]]:
    """What was done ("" where it came too late), and what is wrong before the last start."""
    launch = Launch(order, restarts)
    what = launch.kill_one(moment, chance)
    code, lines, wrong = launch.end(), launch.lines(), []
    if left := launch.left():
        wrong.append(f"left processes {left}")
    if what and restarts and code:
        wrong.append(f"did not go on by itself: exit {code}")
    if what and not restarts and code == 0:
        what = ""  # it was killed when all was done
    if what and not restarts and len(told(lines)) > 1:
        wrong.append(f"said {told(lines)}")
    return what and f"{what}{', started again by torchrun' * bool(restarts)}", wrong


def ended(order: Order, whole: dict[str, str], kept: set[str]) -> list[str]:
    """Let it end by itself; all that is wrong then."""
    launch = Launch(order)
    if code := launch.end():
        return [f"exit {code}: {' | '.join(launch.lines()[-2:])}"]
    found = [f"differs: {name}" for name in differences(fingerprint(*order.kept), whole)]
    found += [f"left behind: {name}" for name in sorted(files(*order.kept) - kept)]
    found += [f"temporary file: {name}" for name in sorted(files(order.home / "tmp"))]
    return found + [f"locked: {name}" for name in locked(order.out)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--method", choices=METHODS, default="dcgan")
    parser.add_argument("--steps", type=int, default=60)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    work, chance = Path(tempfile.mkdtemp(prefix="ranks-")), random.Random(asked.seed)
    order = Order(asked.method, make_data(work / "data"), work / "whole", steps=asked.steps)
    started = time.monotonic()
    first = Launch(order)
    assert first.end() == 0, first.lines()[-5:]
    seconds, whole, kept = time.monotonic() - started, fingerprint(*order.kept), files(*order.kept)
    print(f"{asked.method}, {RANKS} processes: undisturbed {seconds:.1f} s", flush=True)
    done = failed = tries = 0
    while done < asked.trials:
        tries += 1
        own = replace(order, home=work / f"trial-{tries}")
        what, wrong = trial(own, done % 2, chance.uniform(0, seconds), chance)
        if not what:
            continue
        wrong += ended(own, whole, kept)
        done += 1
        failed += bool(wrong)
        print(f"{done}: {what}: {'; '.join(wrong) or 'ends equal'}", flush=True)
        if not wrong:
            shutil.rmtree(own.home)
    if failed:
        sys.exit(f"{failed} of {done} failed; what differed is kept in {work}")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
