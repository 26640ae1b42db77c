"""The page: one HTML file with everything in it, readable without network and without scripts.

Knows the groups, figures, claims and the template; all wording that depends on numbers is made in
`observations`, `claims` and `figures`.
"""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sparring.measure.statistics import Summary
from sparring.report import observations
from sparring.report.claims import Evidence, Verdict, judge
from sparring.report.collect import Reproduction, collect
from sparring.report.figures import Picture, draw
from sparring.report.groups import Adaptation, adaptations, generations
from sparring.report.results import results
from sparring.report.source2019 import SCENARIOS, TABLES
from sparring.run import write_atomically, write_json

HERE = Path(__file__).parent


def build(out: Path) -> Path:
    """Write `out/figures`, `out/results.json` and `out/report.html`; return the page's path.

    Works at any time after plan.json is there: runs that are not finished are named as missing.
    Raises RequestError where `out` holds no plan, a run's files are damaged, or writing fails.
    """
    rep = collect(out)
    evidence = Evidence(rep, generations(rep.runs), adaptations(rep.runs))
    pictures = draw(rep, evidence.generators, evidence.adaptations)
    verdicts = judge(evidence)
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
    environment.filters.update(
        percent=percent,
        spread=spread,
        gap=gap,
        number=observations.number,
        duration=duration,
        flow=flow,
    )
    rep = evidence.rep
    return environment.get_template("page.html.jinja").render(
        css=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        rep=rep,
        generators=evidence.generators,
        sections=[section(evidence, method) for method in ("dann", "dsn")],
        pictures=pictures,
        embed=embed,
        verdicts=verdicts,
        scenarios=SCENARIOS,
        pairs=list(dict.fromkeys(group.sets for group in evidence.adaptations)),
        by_pair={(group.method, group.sets): group for group in evidence.adaptations},
        printed=lambda method, pair: TABLES.get((method, *rep.asked(pair))),
        observe=observations,
        sets=rep.sets,
        seconds=sum(run.scores["seconds"] for run in rep.runs),
        environments=environments(rep),
    )


def section(evidence: Evidence, method: str) -> dict[str, Any]:
    """What the section of an adaptation method shows."""
    groups: list[Adaptation] = [g for g in evidence.adaptations if g.method == method]
    adapted = [run for group in groups for run in group.of("adapted")]
    runs = adapted or [run for group in groups for run in group.runs]
    return {
        "method": method,
        "groups": groups,
        "architecture": runs[0].architecture if runs else [],
    }


def environments(rep: Reproduction) -> list[dict[str, Any]]:
    """The different machines and versions that the runs ran on, without the data."""
    found: list[dict[str, Any]] = []
    for run in rep.runs:
        facts = {key: value for key, value in run.environment.items() if key != "data"}
        if facts not in found:
            found.append(facts)
    return found


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
    """The share of the gap closed, in percent, or why there is none."""
    ran = all(group.of(scenario) for scenario in SCENARIOS)
    return "no gap" if ran and not group.gap_closed.n else spread(group.gap_closed)


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
