"""The long run: `python -m tests.fuzz --seconds 600` damages every reader's files, and counts.

Each reader gets a child process with little memory above what it starts with, which the parent
ends when it hangs or crashes; that too is a finding. `--only NAME` limits the run, `--cases N` ends
it by number. Exit code 1 where there is a finding. `--atheris NAME` guides the damage by coverage.
"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.subjects import SUBJECTS
from tests.fuzz.trial import SECONDS, attempt, bound_memory, draw


def child(name: str, seed: int, seconds: float, cases: int) -> None:
    """Try one reader; print the number of each case before it, and how it ended after it."""
    bound_memory()
    subject = SUBJECTS[name]
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as place:
        subject.write(Path(place))
        subject.read(Path(place))  # the files are valid
        while time.monotonic() < end and cases:
            print(f"case {seed}", flush=True)
            harms = draw(random.Random(seed))
            outcome = attempt(subject, Path(place), harms).replace(place, "PLACE")
            print(f"done {seed} {outcome!r}", flush=True)
            seed, cases = seed + 1, cases - 1


def run(name: str, seed: int, seconds: float, cases: int) -> tuple[Counter[str], dict[str, int]]:
    """Counts of how the cases of one reader ended, and the first seed of each finding."""
    counts: Counter[str] = Counter()
    findings: dict[str, int] = {}
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and cases > 0:
        ask = [sys.executable, "-m", "tests.fuzz", "--child", name, "--seed", str(seed)]
        ask += ["--seconds", str(left), "--cases", str(cases)]
        try:
            done = subprocess.run(
                ask, capture_output=True, text=True, errors="replace", timeout=left + 4 * SECONDS
            )
            lines, ended = done.stdout.splitlines(), f"the process died: {done.returncode}"
            if done.returncode == 1:
                raise SystemExit(done.stderr)
        except subprocess.TimeoutExpired as hung:
            lines, ended = (hung.stdout or b"").decode().splitlines(), "the process hangs"
        last = seed
        for line in lines:
            word, number, *rest = line.split(" ", 2)
            last = int(number)
            if word == "done":
                outcome = rest[0][1:-1]
                counts[outcome if outcome in ("read", "refused") else "findings"] += 1
                if outcome not in ("read", "refused"):
                    findings.setdefault(re.sub(r"0x[0-9a-f]+|\d+", "N", outcome), last)
        if lines and lines[-1].startswith("case"):
            counts["findings"] += 1
            findings.setdefault(ended, last)
        cases -= last + 1 - seed
        seed = last + 1
    return counts, findings


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="for all readers together")
    parser.add_argument("--cases", type=int, default=10**9, help="for each reader")
    parser.add_argument("--only", action="append", choices=SUBJECTS, help="one reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--atheris", choices=SUBJECTS, help="needs `pip install atheris`")
    options = parser.parse_args()
    if options.child:
        child(options.child, options.seed, options.seconds, options.cases)
        return 0
    if options.atheris:
        from tests.fuzz.guided import guide

        guide(SUBJECTS[options.atheris], options.seconds)
        return 0
    names = options.only or list(SUBJECTS)
    print(f"{'reader':16}{'cases':>8}{'refused':>9}{'read':>8}{'findings':>10}", flush=True)
    total: Counter[str] = Counter()
    for name in names:
        counts, findings = run(name, options.seed, options.seconds / len(names), options.cases)
        total += counts
        _row(name, counts)
        for finding, seed in findings.items():
            print(f"    {finding[:200]} (--only '{name}' --seed {seed} --cases 1)", flush=True)
    _row("all", total)
    return 1 if total["findings"] else 0


def _row(name: str, counts: Counter[str]) -> None:
    parts = (counts.total(), counts["refused"], counts["read"], counts["findings"])
    print("{:16}{:8}{:9}{:8}{:10}".format(name, *parts), flush=True)


if __name__ == "__main__":
    sys.exit(main())
