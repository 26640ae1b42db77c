"""Damage guided by coverage: `python -m tests.fuzz --atheris NAME` (needs `pip install atheris`).

atheris watches which lines of the package's Python each input reaches, and keeps those that reach
new ones. The bytes it makes are the reader's first file, in place of random damage.
"""

import inspect
import sys
import tempfile
from pathlib import Path

from tests.fuzz.subjects import Subject
from tests.fuzz.trial import read


def guide(subject: Subject, seconds: float) -> None:
    """Run until the time is up or there is a finding, which atheris prints and keeps."""
    import atheris

    place = Path(tempfile.mkdtemp())
    subject.write(place)
    part = subject.parts[0]
    corpus = Path(tempfile.mkdtemp())
    (corpus / "valid").write_bytes(part.content)

    def attempt(data: bytes) -> None:
        (place / part.name).write_bytes(part.pack(data))
        outcome = read(subject, place)
        if outcome not in ("read", "refused"):
            raise AssertionError(outcome)

    for name, module in list(sys.modules.items()):
        if name.startswith("sparring."):
            for function in filter(inspect.isfunction, list(vars(module).values())):
                if function.__module__ == name:
                    atheris.instrument_func(function)
    options = [f"-max_total_time={seconds:.0f}", "-rss_limit_mb=4096", "-timeout=20"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], attempt)
    atheris.Fuzz()
