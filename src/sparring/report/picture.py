"""What is known of a figure beside what it shows. Knows no way to draw, and so no matplotlib."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sparring.runs.folder import run_name


@dataclass(frozen=True)
class Picture:
    """A figure. sets: the data that it shows. caption: plain text, if any.

    readout: of curves, what they tell under the pointer (`readout.readout`).
    """

    key: str
    title: str
    sets: tuple[str, ...]
    caption: str = ""
    readout: Mapping[str, Any] | None = None

    def path(self, out: Path) -> Path:
        """Its file in the output folder `out`."""
        return out / "figures" / f"{file_name(self.key)}.png"


def file_name(key: str) -> str:
    """`key` in letters that no page and no shell reads as more; a hash keeps keys apart."""
    plain = re.sub(r"[^A-Za-z0-9_.,+-]", "_", key)
    return run_name(plain, *([] if plain == key else [sha256(key.encode()).hexdigest()[:8]]))
