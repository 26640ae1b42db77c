"""What a training left behind: hashes of its results, and things that should not be there.

Knows files and /proc (Linux); knows of sparring only which fields are timings.
"""

import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import torch

_OF_THE_MOMENT = {
    *("seconds", "images_per_second", "command", "started", "time"),
    *("environment", "commit"),
}
"""Fields that may differ between two runs with the same results."""


def fingerprint(*folders: Path) -> dict[str, str]:
    """SHA-256 by file below `folders` of all that two runs of one request must have in common.

    JSON and the newest saved state without timings and the environment; weights, arrays, cards and
    figures byte for byte. The page is made of these, and left out.
    """
    return {
        _name(path, folder): hashlib.sha256(content).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))  # of two saved states the newer one, which is last
        if (content := _content(path)) is not None
    }


def _name(path: Path, folder: Path) -> str:
    """The relative path; saved states, whose names have hashes of timings, share one."""
    if path.name.startswith("state-") and path.suffix == ".pt":
        path = path.with_name("state")
    return path.relative_to(folder).as_posix()


def _content(path: Path) -> bytes | None:
    match path.suffix:
        case ".json":
            return _plain([json.loads(path.read_text())])
        case ".jsonl":
            return _plain([json.loads(line) for line in path.read_text().splitlines()])
        case ".pt":
            return repr(_timeless(torch.load(path, weights_only=True))).encode()
        case ".safetensors" | ".sealed" | ".png" | ".md":
            return path.read_bytes()
    return None


def _plain(value: Any) -> bytes:
    return json.dumps(_timeless(value), sort_keys=True).encode()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in _OF_THE_MOMENT}
    if isinstance(value, list):
        return [_timeless(item) for item in value]
    if isinstance(value, torch.Tensor):
        return hashlib.sha256(value.contiguous().numpy()).digest()
    return value


def differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Files that are only in one of two fingerprints, or differ."""
    return sorted(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))


def files(*folders: Path) -> set[str]:
    """All files below folders, hidden ones too, by relative path."""
    return {_name(p, f) for f in folders for p in f.rglob("*") if p.is_file()}


def locked(folder: Path) -> list[str]:
    """Files below `folder` that some process holds a lock on."""
    held = set(re.findall(r"[0-9a-f]+:[0-9a-f]+:(\d+)", Path("/proc/locks").read_text()))
    found = [p for p in folder.rglob("*") if p.is_file() and str(p.stat().st_ino) in held]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def state(pid: int) -> str:
    """A process's state as /proc has it: R, S, D, T (stopped), Z; "" where there is none."""
    return _stat(pid)[0]


def members(session: int) -> list[int]:
    """The processes of a session that still run."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _stat(pid)[1] == session and _stat(pid)[0] not in "ZX"]


def lingering(session: int) -> list[int]:
    """Processes of a child's session that outlive it by ten seconds."""
    for _ in range(100):
        if not (left := members(session)):
            break
        time.sleep(0.1)
    return left


def _stat(pid: int) -> tuple[str, int]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[3])


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    """Open file descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir())) - 1  # the listing's own


def threads() -> int:
    """Threads of this process."""
    return len(list(Path("/proc/self/task").iterdir()))


def children() -> list[int]:
    """Processes that this one started, and that run or wait to be collected."""
    own = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in own]
