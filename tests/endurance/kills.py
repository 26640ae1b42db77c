"""Kill real trainings at any moment, start them again, and compare what they end with.

    python -m tests.endurance.kills --kills 50

For each method the uninterrupted training is played once in a fresh process and once in a forked
one, which must agree. Then trainings are interrupted one to three times each, and started again
until they end by themselves:

    random      SIGKILL at a uniformly random moment of a life: start-up, training, saving,
                judging, building the report; every fourth one in a fresh process, from the
                interpreter's first instruction on
    fault point SIGKILL in a random call that changes files, before or after it: in the middle of
                a write, between write and fsync, fsync and rename, rename and the folder's fsync
    signal      SIGINT or SIGTERM at a random moment once the command has begun: exit 130 or 143
                and a line on how to go on
    full disk   every write fails from a random one on: exit 2, and one line

After each end the fingerprint must be that of the uninterrupted training, with the same files and
no other, no temporary file, no lock and no process left. Prints a table and each failure; exits
with 1 if there was one. Needs Linux (/proc).
"""

import argparse
import errno
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.endurance.evidence import differences, files, fingerprint, lingering, locked
from tests.endurance.faults import POINTS, Fault
from tests.endurance.subject import METHODS, Child, Order, run, told
from tests.endurance.tiny import make_data

KINDS = ("random", "fault point", "signal", "full disk")
TRIES = 20
"""How often an interruption is tried that finds the training finished already."""


@dataclass
class Reference:
    """The uninterrupted training: its results, its calls, and its seconds, forked and fresh."""

    fingerprint: dict[str, str]
    files: set[str]
    calls: dict[str, int]
    seconds: dict[bool, float]


def reference(order: Order) -> Reference:
    """Play `order` whole, fresh and then forked; both must agree."""
    seconds, prints = {}, []
    for fresh in (True, False):
        whole = replace(order, home=order.home / f"whole-{'fresh' if fresh else 'forked'}")
        started = time.monotonic()
        code, lines = run(whole, fresh=fresh)
        assert code == 0, lines
        seconds[fresh] = time.monotonic() - started
        prints.append(fingerprint(*whole.kept))
    assert not (found := differences(*prints)), f"a fork differs from a fresh process: {found}"
    calls = json.loads((whole.home / "census.json").read_text())
    left = files(*whole.kept)
    shutil.rmtree(order.home)
    return Reference(prints[0], left, calls, seconds)


@dataclass
class Tally:
    """What happened to one method."""

    hits: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0


def interrupt(order: Order, kind: str, whole: Reference, chance: random.Random) -> tuple[str, str]:
    """Start the training and interrupt it. What was done ("" if too late), and what is wrong."""
    if kind in ("random", "signal"):
        fresh = kind == "random" and chance.random() < 0.25
        gentle = chance.choice((signal.SIGINT, signal.SIGTERM))
        number = gentle if kind == "signal" else signal.SIGKILL
        moment = chance.uniform(0, whole.seconds[fresh])
        child = Child(order, fresh=fresh)
        if kind == "signal":
            child.until_begun()
        child.wait(moment)
        child.signal(number)
        what = f"signal {number:d} after {moment:.2f} s{' (fresh)' if fresh else ''}"
    else:
        call, after = chance.choice([p for p in POINTS if whole.calls.get(p[0])])
        if kind == "full disk":
            fault = Fault("write", chance.randint(1, whole.calls["write"]), errno=errno.ENOSPC)
        else:
            fault = Fault(call, chance.randint(1, whole.calls[call]), after, signal.SIGKILL)
        child = Child(replace(order, fault=fault))
        number, what = fault.signal, str(fault)
    code, lines = child.end(), child.lines()
    if left := lingering(child.pid):
        return what, f"left processes {left}"
    if code == 0:
        return "", ""
    if number == signal.SIGKILL:
        return what, "" if code == -signal.SIGKILL else f"exit {code}: {lines[-1:]}"
    if kind == "full disk":
        good = code == 2 and len(told(lines)) == 1 and not any("Traceback" in x for x in lines)
        return what, "" if good else f"exit {code}, {lines[-1:]}"
    good = code == 128 + number and any("To go on: sparring train" in x for x in told(lines))
    return what, "" if good else f"exit {code}, said {lines[-1:]}"


def check_end(order: Order, whole: Reference) -> list[str]:
    """Let the training end by itself; all that is wrong then."""
    code, lines = run(order)
    if code != 0:
        return [f"exit {code}: {' | '.join(lines[-2:])}"]
    found = [
        f"differs: {name}" for name in differences(fingerprint(*order.kept), whole.fingerprint)
    ]
    found += [f"left behind: {name}" for name in sorted(files(*order.kept) - whole.files)]
    found += [f"temporary file: {name}" for name in sorted(files(order.home / "tmp"))]
    return found + [f"locked: {name}" for name in locked(order.out)]


def play(order: Order, kinds: Iterable[str], whole: Reference, chance: random.Random) -> Tally:
    """Interrupt trainings until every one of `kinds` has hit one."""
    queue, tally, started = list(kinds), Tally(), time.monotonic()
    late = 0
    while queue and late < TRIES:
        home = order.home / f"trial-{tally.hits.total()}-{late}"
        trial, chain, wrong = replace(order, home=home), [], []
        for _ in range(min(len(queue), chance.randint(1, 3))):
            what, problem = interrupt(trial, queue[-1], whole, chance)
            if not what:
                late += 1
                break
            tally.hits[queue.pop()] += 1
            chain.append(what)
            wrong += [f"{what}: {problem}"] if problem else []
        wrong += check_end(trial, whole)
        if wrong:
            tally.failures.append(
                f"{order.method}, {'; '.join(chain)}:\n    " + "\n    ".join(wrong)
            )
        if not wrong or not any(w.startswith("differs") for w in wrong):
            shutil.rmtree(home)
    tally.seconds = time.monotonic() - started
    return tally


def table(tallies: dict[str, Tally]) -> str:
    """One row a method."""
    rows = [("method", *KINDS, "failed", "seconds each")]
    for name, t in tallies.items():
        each = f"{t.seconds / max(1, t.hits.total()):.1f}"
        rows.append((name, *(str(t.hits[kind]) for kind in KINDS), str(len(t.failures)), each))
    return "\n".join("  ".join(cell.rjust(12) for cell in row) for row in rows)


def shares(kills: int, number: int) -> list[str]:
    """The interruptions of method `number`: its share of the kills, half of them at fault points.

    Besides, for every three kills or part of them, one signal and one full disk.
    """
    own = len(range(number, kills, len(METHODS)))
    few = -(-own // 3)
    return ["random"] * (own - own // 2) + ["fault point"] * (own // 2) + [*KINDS[2:]] * few


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50, help="SIGKILLs, over the four methods")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=METHODS, action="append", help="limit to some methods")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    work = Path(tempfile.mkdtemp(prefix="kills-"))
    data, tallies = make_data(work / "data"), {}
    for number, method in enumerate(asked.only or METHODS):
        chance = random.Random(f"{asked.seed} {method}")
        order = Order(method, data, work / method)
        kinds = shares(asked.kills, number)
        chance.shuffle(kinds)
        tallies[method] = play(order, kinds, reference(order), chance)
        print("\n".join(tallies[method].failures) or f"{method}: all equal", flush=True)
    print(table(tallies))
    if any(t.failures for t in tallies.values()):
        sys.exit(f"failed; what differed is kept in {work}")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
