"""The page: one HTML file with everything in it, readable without network and without scripts.

Knows the groups, figures, claims and the template; all wording that depends on numbers is made in
`observations`, `claims` and `figures`.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sparring.metrics.statistics import Summary
from sparring.report import classifier_words, classifiers, observations, scores, without_labels
from sparring.report.collect import Reproduction, collect
from sparring.report.groups import Adaptation, Generation, adaptations, generations
from sparring.report.picture import Picture
from sparring.report.results import results
from sparring.report2019.claims.verdicts import Evidence, Verdict, judge
from sparring.report2019.published import METHODS, SCENARIOS
from sparring.storage import write_atomically, write_json

HERE = Path(__file__).parent


def build(out: Path) -> Path:
    """Write `out/figures`, `out/results.json` and `out/report.html`; return the page's path.

    Works at any time after plan.json is there: runs that are not finished are named as missing.
    Raises RequestError where `out` holds no plan, a run's files are damaged, or writing fails.
    """
    from sparring.report.figures import draw

    rep = collect(out)
    # The arms of experiments differ in more than the seed: they are no groups.
    runs = () if rep.experiments else rep.runs
    evidence = Evidence(rep, generations(runs), adaptations(runs))
    verdicts = judge(evidence)
    pictures = draw(evidence, verdicts)
    write_json(out / "results.json", results(evidence, pictures, verdicts))
    path = out / "report.html"
    write_atomically(path, render(evidence, pictures, verdicts).encode())
    return path


def render(evidence: Evidence, pictures: dict[str, Picture], verdicts: tuple[Verdict, ...]) -> str:
    """The page as text."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["printed"] = lambda group: evidence.printed(group) is not None
    environment.filters.update(
        percent=percent,
        spread=spread,
        gap=gap,
        number=observations.number,
        short=scores.short,
        interval=scores.interval,
        shares=scores.shares,
        share=scores.share,
        points=scores.points,
        duration=duration,
        moment=moment,
        flow=flow,
    )
    rep = evidence.rep
    parts = [Part.of(evidence, method) for method in methods(rep)]
    return environment.get_template("page.html.jinja").render(
        css=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        rep=rep,
        parts=parts,
        contents=contents(rep),
        adapting=[part.method for part in parts if part.adaptations],
        trained=trained(rep),
        lead=lead(rep),
        pictures=pictures,
        embed=embed,
        verdicts=verdicts,
        scenarios=SCENARIOS,
        pairs=list(
            dict.fromkeys(g.sets for g in evidence.adaptations if g.method in ("dann", "dsn"))
        ),
        by_pair={(group.method, group.sets): group for group in evidence.adaptations},
        printed=evidence.printed,
        observe=observations,
        scores=scores,
        classifiers=classifiers,
        without_labels=without_labels,
        words=classifier_words,
        against=classifiers.dsn_less_dann(evidence.adaptations),
        sets=rep.sets,
        seconds=sum(run.scores["seconds"] for run in rep.runs),
        environments=environments(rep),
        machines=machines(rep),
    )


def methods(rep: Reproduction) -> list[str]:
    """The planned methods: those of the source report in its order, then others by name.

    None where they are only the arms of experiments.
    """
    planned = set() if rep.experiments else set(rep.planned.values())
    return [name for name in METHODS if name in planned] + sorted(planned - set(METHODS))


def contents(rep: Reproduction) -> dict[str, str]:
    """The heading of each section of the page, numbered, by its anchor."""
    names = methods(rep)
    headings = {"data": "Data"} | {name: name.upper() for name in names}
    if {"dann", "dsn"} <= set(names):
        headings["both"] = "DANN and DSN"
    if any(run.openings for run in rep.every_run):
        headings["unlabelled"] = "Without target labels"
    if rep.reproduces:
        headings["claims"] = "Observations"
    headings["settings"] = "Settings"
    return {key: f"{number} {text}" for number, (key, text) in enumerate(headings.items(), 1)}


def trained(rep: Reproduction) -> str:
    """What was trained, on what: `WGAN on celeba`, `MCD on mnist-m → svhn`."""
    names = joined([name.upper() for name in methods(rep)])
    on = {" → ".join(run.sets) for run in rep.runs}
    return f"{names} on {on.pop()}" if len(on) == 1 else names


def lead(rep: Reproduction) -> str:
    """What the page is, in a sentence or two."""
    read = "Every number and figure here was read from the runs below"
    if not rep.reproduces:
        return f"{read}."
    if rep.experiments:
        tested = joined(list(rep.experiments))
        return f"Experiments on what the source report of February 2019 observed: {tested}. {read}."
    planned = methods(rep)
    parts = []
    if drawing := [name.upper() for name in ("dcgan", "acgan") if name in planned]:
        parts.append(f"{joined(drawing)} {'draw' if drawing[1:] else 'draws'} faces")
    if carrying := [name.upper() for name in ("dann", "dsn") if name in planned]:
        verb = "carry" if carrying[1:] else "carries"
        parts.append(f"{joined(carrying)} {verb} a digit classifier to a domain without labels")
    beside = "what the source report of February 2019 says stands beside them"
    return f"{'; '.join(parts)}. {read}; {beside}."


def joined(words: list[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return " and ".join([part for part in (", ".join(words[:-1]), *words[-1:]) if part])


@dataclass(frozen=True)
class Part:
    """What the section of one method shows; a method generates or adapts, and never does both.

    generators: those shown in full. others: generators on other attribute sets.
    about: what the method says of itself, as paragraphs.
    waits: whether some of its planned runs have no scores yet.
    """

    method: str
    generators: list[Generation]
    others: list[Generation]
    adaptations: list[Adaptation]
    about: list[str]
    architecture: list[dict[str, Any]]
    waits: bool

    @property
    def title(self) -> str:
        """The name in words."""
        return self.method.upper()

    @classmethod
    def of(cls, evidence: Evidence, method: str) -> Self:
        """The part of `method`, from its finished runs."""
        drawn = [g for g in evidence.generators if g.method == method]
        generators = [g for g in drawn if g.main] or drawn
        adapted = [g for g in evidence.adaptations if g.method == method]
        runs = [g.runs[0] for g in generators] + [g.shown for g in adapted]
        run = next((run for run in runs if run.scenario == "adapted"), runs[0] if runs else None)
        return cls(
            method=method,
            generators=generators,
            others=[g for g in drawn if g not in generators],
            adaptations=adapted,
            about=paragraphs(run.about) if run else [],
            architecture=run.architecture if run else [],
            waits=evidence.rep.waits(method),
        )


def paragraphs(text: str) -> list[str]:
    """A docstring's first line, then its paragraphs, each on one line."""
    first, _, rest = text.partition("\n")
    found = (" ".join(part.split()) for part in [first, *rest.split("\n\n")])
    return [part for part in found if part]


def environments(rep: Reproduction) -> list[dict[str, Any]]:
    """The different machines and versions that the runs ran on."""
    found: list[dict[str, Any]] = []
    for run in rep.runs:
        if run.machine not in found:
            found.append(run.machine)
    return found


def machines(rep: Reproduction) -> list[str]:
    """The different machines that the runs ran on, in short."""
    names = (
        f"cpu: {run.machine['cpu']}" if run.machine["device"] == "cpu" else run.machine["device"]
        for run in rep.runs
    )
    return list(dict.fromkeys(names))


def moment(text: str) -> str:
    """An ISO 8601 time, to the minute in UTC: `2026-01-02 03:04 UTC`."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def embed(picture: Picture) -> str:
    """The picture as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(picture.path.read_bytes()).decode()}"


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction in percent; "not run" for None."""
    return "not run" if value is None else f"{100 * value:.{digits}f}"


def spread(summary: Summary) -> str:
    """Mean of fractions in percent, with sd and n where there are several; "not run" for none."""
    if summary.sd is None:
        return percent(summary.mean)
    return f"{percent(summary.mean)} ± {100 * summary.sd:.1f} (n = {summary.n})"


def gap(group: Adaptation) -> str:
    """The share of the gap closed, in percent with its interval, or why there is none."""
    ran = all(group.of(scenario) for scenario in SCENARIOS)
    if not group.gap_closed.summary.n:
        return "no gap" if ran else "not run"
    return classifier_words.gap(group.gap_closed)


def duration(seconds: float) -> str:
    """`seconds` as h, min or s, whichever reads best."""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 120 else f"{seconds:.0f} s"


def flow(layers: list[dict[str, Any]]) -> list[tuple[list[int], str]]:
    """A network as a chain: each output shape, and the kinds of layers that lead there."""
    chain: list[tuple[list[int], dict[str, int]]] = []
    for layer in layers:
        shape = layer["output"] or []
        if not chain or chain[-1][0] != shape:
            chain.append((shape, {}))
        kinds = chain[-1][1]
        kinds[layer["kind"]] = kinds.get(layer["kind"], 0) + 1
    return [
        (shape, ", ".join(kind if n == 1 else f"{n} {kind}" for kind, n in kinds.items()))
        for shape, kinds in chain
    ]
