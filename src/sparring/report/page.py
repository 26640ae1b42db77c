"""The page: one HTML file with everything in it, readable without network and without scripts.

Its script only lets a reader move what it shows; a policy in its head allows no request.

Knows groups, figures and templates, which hold all words. What a client has to say of its own runs
is handed in as sections.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment as Jinja
from markupsafe import Markup
from PIL import Image

from sparring.report import live, without_labels
from sparring.report.answer import Answered
from sparring.report.collect import Report, badge, collect
from sparring.report.groups import adaptations, compared, generations
from sparring.report.picture import Picture
from sparring.report.results import results
from sparring.report.sprites import PHOTOGRAPH, Sheet, webp
from sparring.report.templates import HERE, templates
from sparring.runs.records import Layer
from sparring.runs.twins import ERROR
from sparring.storage import write_atomically, write_json

if TYPE_CHECKING:  # matplotlib takes a second to import
    from sparring.report.figures import Marks

SCRIPTS = ("map.js", "page.js")
"""The page's script, in this order."""


@dataclass(frozen=True)
class Section:
    """What a client adds to the page, after the general sections.

    id: of its anchor. html: shown as it is where it is Markup, escaped where it is plain text.
    pictures: those that it shows, by key. results: entries of results.json.
    """

    id: str
    title: str
    html: Markup | str
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)


def build(
    out: Path,
    sections: Sequence[Section] = (),
    *,
    lead: str = "",
    marks: Mapping[str, "Marks"] | None = None,
) -> Path:
    """Write `out/figures`, `out/results.json` and `out/report.html`; return the page's path.

    Works at any time after plan.json is there: runs that are not finished are named as missing.
    lead: a sentence or two on what the page is. marks: others' accuracies for the bars, by a
    group's key. Raises RequestError where `out` holds no plan, or writing fails.
    """
    from sparring.report.figures import draw  # matplotlib takes a second to import

    report, answer = collect(out), Answered.of(out)
    # The arms of experiments differ in more than the seed: they are no groups.
    runs = () if report.experiments else report.runs
    generators, adapted = generations(runs), adaptations(runs)
    pictures, notes = draw(report, generators, adapted, marks or {})
    for section in sections:
        pictures |= section.pictures
    found = results(report, generators, adapted, pictures, notes)
    if answer:
        found["answer"] = answer.as_dict()
    for section in sections:
        found |= section.results
    write_json(out / "results.json", found)
    page = environment(report, pictures).get_template("page.html.jinja")
    html = page.render(
        script=Markup("\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)),
        lead=lead,
        answer=answer,
        estimate_error=ERROR,
        generators=generators,
        adaptations=adapted,
        comparisons=compared(adapted),
        sections=sections,
        notes=notes,
    )
    write_atomically(out / "report.html", html.encode())
    return out / "report.html"


def environment(report: Report, pictures: Mapping[str, Picture], *folders: Path) -> Jinja:
    """Jinja with this page's macros (common.html.jinja), filters and escaping.

    folders: where a client has templates of its own.
    """
    jinja = templates(*folders)
    jinja.filters |= {"flow": flow, "paragraphs": paragraphs}
    jinja.globals |= {
        "rep": report,
        "pictures": pictures,
        "embed": partial(embed, report.out),
        "badge_of": badge,
        "unlabelled": without_labels,
        "live": live,
        "sheet": Sheet(),
    }
    return jinja


def paragraphs(text: str) -> list[str]:
    """A docstring's first line, then its paragraphs, each on one line."""
    first, _, rest = text.partition("\n")
    return [" ".join(part.split()) for part in [first, *rest.split("\n\n")] if part.strip()]


def embed(out: Path, picture: Picture) -> str:
    """The picture as a data URL: plots as they are, photographs with a loss."""
    with Image.open(picture.path(out)) as image:
        quality = PHOTOGRAPH if image.mode == "RGB" else None
        return webp(np.asarray(image.convert("RGB")), quality)


def flow(layers: Sequence[Layer]) -> list[tuple[tuple[int, ...], str]]:
    """A network as a chain: each output shape, and the kinds of layers that lead there."""
    chain = []
    for shape, group in groupby(layers, key=lambda layer: layer.output or ()):
        kinds = Counter(layer.kind for layer in group)
        words = (kind if n == 1 else f"{n} {kind}" for kind, n in kinds.items())
        chain.append((shape, ", ".join(words)))
    return chain
