"""`sparring check`: the data doctor, in lines of text, as JSON, or as a page with the pictures.

Knows how findings are shown; what is a fault is in `data.doctor`.
"""

import base64
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from sparring.cli import command_line
from sparring.cli.common import a_file, at_least_one
from sparring.errors import RequestError, one_line
from sparring.storage import to_json, write_atomically

if TYPE_CHECKING:
    from sparring.data.doctor import Facts, Finding, Shown, Subject


def check(
    images: Annotated[str, tyro.conf.arg(metavar="DIR")],
    target: Annotated[str | None, tyro.conf.arg(metavar="DIR2")] = None,
    /,
    data: Path | None = None,
    size: int = 64,
    json: bool = False,
    out: Path | None = None,
) -> None:
    """Look for faults in a set of images, or in a source and a target.

    Prints each set in numbers, and a line a finding, the worst first. Faults do not change the exit
    code.

    Args:
        images: Folder or zip of images, or a data set's name.
        target: Another one, to be adapted to: the two are compared.
        data: Folder of the real sets, for their names.
        size: Height and width in pixels at which pictures are compared and shown.
        json: Whether to print JSON: {"sets": [...], "findings": [...]}.
        out: Page to write: all findings with their pictures, in one HTML file.
    """
    from sparring.data import doctor
    from sparring.data.catalogue import distinct_names

    at_least_one("--size", size)
    if out is not None:
        a_file(out)
    asked = [images] if target is None else [images, target]
    names = distinct_names(asked)
    if len(set(names)) < len(names):
        raise RequestError(f"{images} and {target} are one set: name another, or one alone")
    subjects = [
        replace(subject, data=replace(subject.data, name=name))
        for name, subject in zip(names, (doctor.read(of, data, size) for of in asked), strict=True)
    ]
    found, sets = doctor.examine(*subjects), [doctor.facts(subject) for subject in subjects]
    if out is not None:
        write_atomically(out, _page(subjects, sets, found).encode())
    if json:
        print(to_json({"sets": sets, "findings": found}).decode())
        return
    lines = [*(one.line() for one in sets), *(finding.line() for finding in found)]
    print("\n".join(map(one_line, lines)))
    print(_verdict(found) + (f"; {out} shows them" if out else ""))


def _verdict(found: "Sequence[Finding]") -> str:
    """`1 error, 2 warnings`, or that there is nothing."""
    counts = Counter(finding.severity for finding in found)
    words = [f"{n} {severity}{'s' * (n > 1)}" for severity, n in counts.items()]
    return ", ".join(words) or "no faults found"


def _page(
    subjects: "Sequence[Subject]", sets: "Sequence[Facts]", found: "Sequence[Finding]"
) -> str:
    from markupsafe import Markup

    from sparring.data.doctor.findings import MOST
    from sparring.report.templates import templates

    splits = {subject.data.name: subject.splits for subject in subjects}

    def embed(shown: "Shown") -> str:
        from PIL import Image

        assert shown.index is not None
        pixels = splits[shown.set][shown.split].pixels[shown.index].permute(1, 2, 0).numpy()
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, "png")
        return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"

    here = Path(__file__).parent
    jinja = templates(here)
    more = (here / "check.css").read_text(encoding="utf-8")
    jinja.globals["css"] = Markup(f"{jinja.globals['css']}\n{more}")
    return jinja.get_template("check.html.jinja").render(
        command=command_line(),
        sets=sets,
        found=found,
        verdict=_verdict(found),
        embed=embed,
        most=MOST,
    )
